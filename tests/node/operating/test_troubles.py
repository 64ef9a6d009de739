"""A node ends for a disk that fails, and for nothing that the network does."""

import errno
import socket

import pytest

from ledger.errors import SetupError
from node.operating.troubles import is_passing


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(errno.EMFILE, "Too many open files"), True),
        (OSError(errno.ENFILE, "Too many open files in system"), True),
        (ConnectionResetError(errno.ECONNRESET, "reset"), True),
        (TimeoutError(), True),
        (socket.gaierror(socket.EAI_AGAIN, "no answer"), True),
        (OSError(errno.ENETUNREACH, "no route"), True),
        (OSError("a library's own"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (SetupError("something else"), False),
        (ExceptionGroup("", [TimeoutError(), OSError(errno.EMFILE, "")]), True),
        (ExceptionGroup("", [TimeoutError(), OSError(errno.EROFS, "")]), False),
        (ExceptionGroup("", [TimeoutError(), ValueError()]), False),
    ],
)
def test_what_passes_by_itself(error: Exception, passes: bool) -> None:
    assert is_passing(error) is passes
