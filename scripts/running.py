"""How the longer scripts speak and end: results are files, what is told goes to stderr, an error is one sentence."""

import sys
from collections.abc import Callable

from ledger.errors import SetupError, UsageError


def tell(text: str) -> None:
    """A line for the person who watches."""
    print(text, file=sys.stderr, flush=True)


def run(main: Callable[[], int]) -> int:
    """The exit status: what `main` gives, 2 for a usage error, 3 for the environment, 130 where it was stopped."""
    try:
        return main()
    except (UsageError, SetupError) as error:
        tell(str(error))
        return 2 if isinstance(error, UsageError) else 3
    except KeyboardInterrupt:
        tell("stopped; what is finished is kept")
        return 130
