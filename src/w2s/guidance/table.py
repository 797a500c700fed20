"""The page docs/guidance.md, written from the methods themselves.

``python -m w2s.guidance.table > docs/guidance.md``
"""

from w2s.guidance.base import Method
from w2s.guidance.registry import METHODS

INTRODUCTION = """\
# Guidance methods

A guidance method steers sampling by combining a strong prediction with weaker ones.  In this
project a *window* is a stretch of noise levels with one method; guidance is a list of windows,
and outside of all of them sampling is plain conditional.  CFG in a limited interval is one
window of `cfg`; segmented guidance (SGG) is two windows, `cfg` at high noise and a weaker
version of the model (`skip_layer`, `autoguidance`, `internal`) at low noise.  `cfg` with
`channels: 3` guides the first three channels of the latents alone, as released code of DiT and
SiT does.

Flow matching notation: `x_t = (1 − t) x0 + t ε`, `v = ε − x0`, t = 1 is noise.  `v_c` is the
conditional prediction, `v_u` the null one (or that of a negative prompt), `v_k` and `v_r` the
conditional prediction with blocks skipped, `v_m` that of the head at mid depth, `v_S` that of a
separate weak network.

One scale convention holds for every method: w multiplies from the weak signal,
`v_weak + w (v_strong − v_weak)`.  With a weight of 1 throughout, sampling is bit-identical to
conditional sampling and no weak signal is computed; with a weight of 0 only the weak signal is.
Between 0 and 1, where their papers do not define them, the nonlinear methods interpolate as CFG
does.  Literature that writes `v_c + s (v_c − v_weak)` has s = w − 1;
[guidance-notation.md](guidance-notation.md) converts the notation of the code released with SGG.

Every weight is a number from 0 to 100, or a schedule over the steps of its window between such
numbers, p being the progress from 0 at the first step to 1 at the last (`tv_cfg`, a schedule
itself, takes a number only):

| schedule | weight |
|---|---|
| `{schedule: linear, start: 3, end: 1}` | start + (end − start) p |
| `{schedule: cosine, start: 3, end: 1}` | start + (end − start) (1 − cos πp) / 2 |
| `{schedule: power, start: 3, end: 1, exponent: 2}` | start + (end − start) p^exponent |
| `{schedule: triangle, edge: 1, peak: 3}` | edge + (peak − edge) (1 − \\|2p − 1\\|) |

In the table, *cost* counts forwards of the main network per guided step, a head at mid depth
being free.  *Same in* names the predictions in which the formula may be taken: where the
coefficients sum to one, velocity, noise and clean image give the same result; the other methods
are computed on the prediction that their paper defines them on, and converted.  *Swept* are the
weights that a sweep tries where it leaves them to the method.  Sources are arXiv numbers; the
parameters of each method are in its file under `src/w2s/guidance/methods/`.

"""


def row(name: str, method: type[Method]) -> str:
    """The line of the table on one method."""
    same = "v, ε, x0" if method.affine else f"{method.space} only"
    swept = ", ".join(f"{weight:g}" for weight in method.sweep)
    cells = [f"`{name}`", method.formula, method.needs, method.cost, same, swept, method.source]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def page() -> str:
    """The whole page as Markdown."""
    head = "| method | formula | signals | cost | same in | swept | source |\n" + "|---" * 7 + "|\n"
    return INTRODUCTION + head + "".join(row(name, METHODS[name]) for name in sorted(METHODS))


if __name__ == "__main__":
    print(page(), end="")
