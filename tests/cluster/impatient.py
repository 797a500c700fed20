"""snakemake that looks at its cluster jobs every second.

The profile's first look comes after twenty seconds, and the plugin's pauses grow by ten seconds
whenever no job has ended; on a study of short jobs most of a run would be those.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def _sleep(_) -> None:
    await asyncio.sleep(1)


if __name__ == "__main__":
    RemoteExecutor.sleep = _sleep
    sys.exit(main([*sys.argv[1:], "--slurm-init-seconds-before-status-checks", "1"]))
