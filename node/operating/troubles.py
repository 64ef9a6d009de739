"""Which errors of this machine pass by themselves, so that a node waits and goes on."""

import errno
from typing import Final

# The disk's: they stay until somebody mends them. Everything else comes of the network or of a moment's shortage.
_LASTING: Final = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EIO,
        errno.EISDIR,
        errno.ENODEV,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)


def is_passing(error: BaseException) -> bool:
    """Whether an error is the network's or a shortage of descriptors; of a group, whether all are."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_passing(one) for one in error.exceptions)
    return isinstance(error, OSError) and error.errno not in _LASTING
