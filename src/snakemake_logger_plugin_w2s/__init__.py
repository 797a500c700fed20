"""Snakemake's logger plugin `w2s`: rich's bars on a terminal, one line per finished job elsewhere.

Snakemake finds logger plugins by the name of a top-level package, which is why this is one.
"""

import time
from collections import defaultdict
from pathlib import Path

from rich.progress import MofNCompleteColumn, TimeRemainingColumn
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_rich.handler import RichLogHandler


class LogHandler(LogHandlerBase, RichLogHandler):
    """Says which stage is done, how many jobs of how many, and how long the rest will take."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        RichLogHandler.__init__(self, settings=self.common_settings)
        *bars, elapsed = self.progress.columns
        self.progress.columns = (*bars, MofNCompleteColumn(), elapsed, TimeRemainingColumn())
        self.console.soft_wrap = not self.console.is_terminal
        self.begun: dict[int, float] = {}  # by job: when it was started
        self.taken: dict[str, list[float]] = defaultdict(list)  # by rule: seconds of finished jobs

    def emit(self, record) -> None:
        """Show a record of Snakemake's."""
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_ERROR and (job := self.event_handler.jobs_info.get(record.jobid)):
            # A cluster may end a job before it has a log, or before it is its turn in its group.
            job["log"] = [path for path in job["log"] if Path(path).exists()]
        RichLogHandler.emit(self, record)
        if event == LogEvent.JOB_INFO:
            self.begun[record.jobid] = time.monotonic()
        if event == LogEvent.JOB_FINISHED:
            rule = self.event_handler.jobs_info[record.job_id]["rule"]
            self.taken[rule].append(time.monotonic() - self.begun[record.job_id])
            if not self.console.is_terminal:
                self.console.print(self._line(rule), highlight=False, markup=False)

    def _line(self, rule: str) -> str:
        state = self.event_handler
        here = state.rule_counts[rule]
        return (
            f"{time.strftime('%H:%M:%S')} {rule.replace('_', ' ')} {here['completed']}/"
            f"{here['total']}, {state.completed} of {state.total_jobs} jobs, {self._left()} left"
        )

    def _left(self) -> str:
        """Time left, from what the finished jobs of each stage took and how many ran at once."""
        work, known = 0.0, True
        for rule, count in self.event_handler.rule_counts.items():
            jobs = count["total"] - count["completed"]
            if taken := self.taken[rule]:
                work += jobs * sum(taken) / len(taken)
            elif rule != "all":
                known = False
        now, spent = time.monotonic(), sum(map(sum, self.taken.values()))
        at_once = max(1.0, spent / (now - min(self.begun.values())))
        return f"{'about' if known else 'at least'} {_span(work / at_once)}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
