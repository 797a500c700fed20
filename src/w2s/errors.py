"""The exceptions that end a command without a traceback."""

import errno

FULL = "No space left on device"  # what libraries say that do not pass the number on


class UserError(Exception):
    """A mistake that the user can mend.

    Its text is one plain sentence: what is wrong, where it was set, what to do.  The command
    line prints it without a traceback and exits with status 2.
    """


class OutOfTime(Exception):
    """The time budget is used up, or the scheduler asked to stop; the state is saved.

    The same command goes on from there.  The command line exits with status 75.
    """


def disk_full(error: BaseException) -> bool:
    """Whether something failed because the disk, or the user's share of it, is full."""
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or FULL in str(error)
