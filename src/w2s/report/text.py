"""Text made safe for Markdown and LaTeX."""

from __future__ import annotations

import re

LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "−": r"$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "–": "--",
    "—": "---",
    "ε": r"$\epsilon$",
    "λ": r"$\lambda$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "ω": r"$\omega$",
}
MARKDOWN = re.compile(r"([\\|*_`<>\[\]])")


def latex(text: str) -> str:
    """`text` for pdflatex: its special characters escaped, the field's symbols as commands."""
    return "".join(LATEX.get(character, character) for character in one_line(text))


def markdown(text: str) -> str:
    """`text` for a Markdown table cell or paragraph."""
    return MARKDOWN.sub(r"\\\1", one_line(text))


def one_line(text: str) -> str:
    """`text` with every run of white space as one space."""
    return " ".join(text.split())
