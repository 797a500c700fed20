"""The exceptions that end a command without a traceback."""


class UserError(Exception):
    """A mistake that the user can mend.

    Its text is one plain sentence: what is wrong, where it was set, what to do.  The command
    line prints it without a traceback and exits with status 2.
    """


class OutOfTime(Exception):
    """The time budget is used up, or the scheduler asked to stop; the state is saved.

    The same command goes on from there.  The command line exits with status 75.
    """
