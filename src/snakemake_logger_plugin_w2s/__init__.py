"""Snakemake's logger plugin `w2s`: rich's bars on a terminal, one line per finished job elsewhere.

Snakemake finds logger plugins by the name of a top-level package, which is why this is one.
"""

import time

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
        self.start = time.monotonic()

    def emit(self, record) -> None:
        """Show a record of Snakemake's."""
        RichLogHandler.emit(self, record)
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            self.start = time.monotonic()
        if event == LogEvent.JOB_FINISHED and not self.console.is_terminal:
            self.console.print(self._line(record.job_id), highlight=False, markup=False)

    def _line(self, job_id: int) -> str:
        state = self.event_handler
        rule = state.jobs_info[job_id]["rule"]
        here, done, total = state.rule_counts[rule], state.completed, state.total_jobs
        left = (time.monotonic() - self.start) / done * (total - done)
        return (
            f"{time.strftime('%H:%M:%S')} {rule.replace('_', ' ')} {here['completed']}/"
            f"{here['total']}, {done} of {total} jobs, about {_span(left)} left"
        )


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
