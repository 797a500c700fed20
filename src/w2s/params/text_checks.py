"""What must hold between the blocks of a text part whose every block is right in itself."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.metrics.registry import METRICS, UNLABELLED
from w2s.metrics.score_registry import SCORES
from w2s.params.confirm import confirm_mistakes
from w2s.params.metric_checks import metric_mistakes
from w2s.params.model_checks import Mistake
from w2s.params.sweep import sweep_mistakes, sweep_names
from w2s.params.text import TextParams, columns_asked
from w2s.params.tune import tune_mistakes, tune_names
from w2s.params.world_checks import world_mistakes
from w2s.strict import did_you_mean


def text_mistakes(params: TextParams) -> Iterator[Mistake]:
    """Every contradiction between two blocks."""
    yield from _names(params)
    yield from _columns(params)
    yield from _score_files(params)
    yield from sweep_mistakes(params, SCORES)
    yield from tune_mistakes(params, METRICS | SCORES, params.models)
    yield from confirm_mistakes(params)
    yield from world_mistakes(params)
    yield from metric_mistakes(params)


def _names(params: TextParams) -> Iterator[Mistake]:
    """Names that stand for nothing."""
    asked = []  # path, name, valid names, what they are
    for name, windows in params.guidance.items():
        for i, window in enumerate(windows):
            if (net := getattr(window, "weak", None)) is not None:
                at = ("guidance", name, i, "weak")
                asked.append((at, net, params.models, "pipeline under models"))
    for name, table in params.tables.items():
        at = ("tables", name)
        asked.append(((*at, "baseline"), table.baseline, table.rows, "row of the table"))
        for row_name, row in table.rows.items():
            where = (*at, "rows", row_name)
            asked.append(((*where, "model"), row.model, params.models, "pipeline under models"))
            if row.guidance is not None:
                entry = (row.guidance, params.guidance, "entry under guidance")
                asked.append(((*where, "guidance"), *entry))
    for key, block in {"sweep": params.sweep, "tune": params.tune}.items():
        if block:
            asked.append(((key, "model"), block.model, params.models, "pipeline under models"))
    for at, name in (*sweep_names(params), *tune_names(params)):
        asked.append((at, name, params.guidance, "entry under guidance"))
    for path, name, valid, what in asked:
        if name not in valid:
            yield path, f"there is no {what} named '{name}'; {did_you_mean(name, valid)}"


def _columns(params: TextParams) -> Iterator[Mistake]:
    """Tables that show nothing that is measured on images, and published values of no column."""
    for name, table in params.tables.items():
        at = ("tables", name)
        if not {*SCORES, *UNLABELLED} & set(table.columns):
            yield (*at, "columns"), f"has no score; add one of {', '.join(SCORES)}"
        for row_name, row in table.rows.items():
            for column in row.published:
                if column not in table.columns:
                    path = (*at, "rows", row_name, "published", column)
                    yield path, f"the table has no column {column}; add it, or drop this value"


def _score_files(params: TextParams) -> Iterator[Mistake]:
    """Scores whose files are not given, and files and settings that no score has."""
    for name, given in params.scores.items():
        score = SCORES[name]
        files, settings = (*score.files, *score.optional), tuple(score.settings)
        for entry, value in given.items():
            path = "scores", name, entry
            if entry not in files + settings:
                if not files:
                    yield path, f"{name} reads no such file; drop it"
                else:
                    hint = did_you_mean(entry, files + settings)
                    yield path, f"{name} reads no such file and has no such setting; {hint}"
            elif isinstance(value, bool) != (entry in settings):
                yield path, "must be true or false" if entry in settings else "must be a path"
    for at, score in columns_asked(params, SCORES):
        for file in SCORES[score].files:
            if file not in params.scores.get(score, {}):
                yield at, f"{score} reads a file: give its path as scores.{score}.{file}"
