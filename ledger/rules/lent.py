"""Rules of somebody's own file: a manifest names them by class and by the SHA-256 of the file (R12.6).

No code is here, nor is any fetched: whoever runs such a rule has the file, and lends it to this process.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from ledger.errors import SetupError
from ledger.rules.interface import Rule

Maker = Callable[[str, Mapping[str, int]], Rule]
"""Class and parameters → the rule."""
_NAME: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})@([0-9a-f]{64})")
# Digest of a file → what makes a rule of one of its classes.
_LENT: Final[dict[str, Maker]] = {}


def name_lent(class_name: str, digest: str) -> str:
    """What a manifest calls it. digest: SHA-256 of the file, 64 hex digits."""
    return f"{class_name}@{digest}"


def is_lent_name(name: str) -> bool:
    """Whether it is the name of a rule of somebody's own file."""
    return _NAME.fullmatch(name) is not None


def lend(digest: str, make: Maker) -> None:
    """Let this process have the rules of a file. make: can be pickled, for processes that this one starts."""
    _LENT[digest] = make


def list_lent(name: str) -> dict[str, Maker]:
    """What the rule of this name is made of, by digest, for a process that this one starts to have it too.

    Empty for one that a release has, or that nobody lent.
    """
    digest = name.rpartition("@")[2]
    return {digest: _LENT[digest]} if is_lent_name(name) and digest in _LENT else {}


def make_lent(name: str, parameters: Mapping[str, int]) -> Rule:
    """The rule with such a name (R12.6). Raises SetupError where this process has not been lent the file: that
    is nobody's fault."""
    match = _NAME.fullmatch(name)
    assert match is not None
    class_name, digest = match.groups()
    if digest not in _LENT:
        raise SetupError(
            f"rule {class_name} is of no release but of its founder's own file, whose SHA-256 is {digest}: give"
            " that file with --rule-file FILE, without which no verdict of this circle can be recomputed"
        )
    return _LENT[digest](class_name, parameters)
