"""Who is to blame is in the type; what to do is in the message."""


class PeerFault(Exception):
    """The sender broke the protocol: reject, penalise, do not forward."""


class NotYet(Exception):
    """Nobody is at fault (early, late, duplicate, unavailable): drop, do not penalise."""


class SetupError(Exception):
    """This machine or its configuration is at fault: say what to do and stop.

    The message is one sentence that names the fact and the next step; the command line prints it without a
    traceback and exits with status 3.
    """


class UsageError(Exception):
    """The command was given something it cannot mean: one sentence, exit status 2."""
