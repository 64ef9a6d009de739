"""Which keccak this program hashes with: the one in C where the extra `fast` is installed, five times as fast."""

import os
from importlib.util import find_spec
from typing import Final

_CHOSEN_BY: Final = "ETH_HASH_BACKEND"
_EXTENSION: Final = "_pysha3"
_BACKEND: Final = "pysha3"


def choose_keccak() -> None:
    """Name eth-hash's back end in this process's environment, before its first hash; what is named there stays."""
    if find_spec(_EXTENSION) is not None:
        os.environ.setdefault(_CHOSEN_BY, _BACKEND)
