"""`w2s`: a job goes to the warm process, if there is one, before anything slow is imported."""

import sys

from w2s.run.ask import ask

EARLY = ("render", "index")  # first in any study, and done before slow imports would be


def entry() -> int:
    """What the shell calls; the exit status."""
    argv = sys.argv[1:]
    job = "--plan" in argv and argv[0] not in EARLY
    status = ask(argv) if job else None
    if status is None:
        from w2s.cli import main

        return main(argv)
    return status


if __name__ == "__main__":
    sys.exit(entry())
