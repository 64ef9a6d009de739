"""What a user's own code raises, turned into one sentence with the place it came from."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import SetupError, UsageError


@contextmanager
def blame(doing: str, what: str = "task") -> Iterator[None]:
    """Turn what a user's code raises into one sentence with the place it came from.

    doing: whose code does what. what: it is to be, such as `task`.
    """
    try:
        yield
    except (SetupError, UsageError):
        raise
    except (Exception, SystemExit) as error:  # a command's status is not for a user's class to say
        fact = f"{type(error).__name__}: {error}".splitlines()[0]
        raise SetupError(
            f"{doing} failed{_place(error)} with {fact}; correct the {what} and start again"
        ) from error


def _place(error: BaseException) -> str:
    """The innermost line of the user's own code that the fault passed through, if any."""
    ours = (str(Path(__file__).parents[1]), sysconfig.get_path("stdlib"), "<")
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(ours) and "site-packages" not in frame.filename:
            return f" at {frame.filename}:{frame.lineno}"
    return ""


def describe_kind(value: object) -> str:
    """What something is, in a sentence."""
    return "nothing" if value is None else f"a {type(value).__name__}"
