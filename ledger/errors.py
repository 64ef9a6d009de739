"""Who is to blame is in the type; what to do is in the message."""


class Foreseen(Exception):
    """What may go wrong while this program does what it should; the message is a sentence for whoever runs it."""


class PeerFault(Foreseen):
    """The sender broke the protocol: reject, penalise, do not forward."""


class NotYet(Foreseen):
    """Nobody is at fault (early, late, duplicate, unavailable): drop, do not penalise."""


class SetupError(Foreseen):
    """This machine or its configuration is at fault: say what to do and stop.

    The message is one sentence that names the fact and the next step; the command line prints it without a
    traceback and exits with status 3.
    """


class UsageError(Foreseen):
    """The command was given something it cannot mean: one sentence, exit status 2."""
