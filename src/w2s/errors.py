"""The one exception a user is meant to read."""


class UserError(Exception):
    """A mistake that the user can mend.

    Its text is one plain sentence: what is wrong, where it was set, what to do.  The command
    line prints it without a traceback and exits with status 2.
    """
