"""A user's rule in a circle: named by its class and the digest of its one file, lent to whoever recomputes."""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

from ledger.errors import SetupError, UsageError
from ledger.files import opened_regular
from ledger.rules import RULES, Rule
from ledger.rules.lent import is_lent_name, lend, name_lent
from node.own_code.class_files import find_class_file, names_a_file, read_class
from node.own_code.own_objects import OwnObject
from node.own_code.parameters import make_with
from node.own_code.siblings import Siblings
from node.own_rules.checked_rule import CheckedRule

_LARGEST_BYTES: Final = 1_000_000


def lend_rule_file(path: Path) -> str:
    """Let this process have the rules of a file. Returns its SHA-256 in hex. Raises UsageError."""
    try:
        with opened_regular(path) as stream:
            held = stream.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--rule-file {path} cannot be read ({error.strerror or error}): name the file") from error
    if len(held) > _LARGEST_BYTES:
        raise UsageError(f"--rule-file {path} is above {_LARGEST_BYTES:,} bytes: that is no rule")
    digest = hashlib.sha256(held).hexdigest()
    lend(digest, _LentFile(path, held))
    return digest


class _LentFile:
    """Makes the rules of a file's classes, each once; goes to other processes as the bytes that it is."""

    def __init__(self, path: Path, held: bytes) -> None:
        self._path, self._held = path, held
        self._made: dict[tuple[str, tuple[tuple[str, int], ...]], Rule] = {}

    def __reduce__(self) -> tuple[type["_LentFile"], tuple[Path, bytes]]:
        return _LentFile, (self._path, self._held)

    def __call__(self, class_name: str, parameters: Mapping[str, int]) -> Rule:
        key = class_name, tuple(sorted(parameters.items()))
        if key not in self._made:
            self._made[key] = _make_rule(self._path, self._held, class_name, parameters)
        return self._made[key]


def name_for_circle(asked: str) -> str:
    """What a manifest calls the rule that somebody typed; one of FILE.py:CLASS is lent to this process."""
    if not names_a_file(asked):
        return asked
    path = find_class_file(asked, "rule", ", ".join(RULES))
    return name_lent(asked.rpartition(":")[2], lend_rule_file(path))


def list_rule_options(asked: str) -> tuple[str, ...]:
    """The options by which a command has what is needed to recompute a circle with the rule that somebody typed."""
    return ("--rule-file", asked.rpartition(":")[0]) if names_a_file(asked) else ()


def check_can_be_kept(name: str, chain_id: int, local: tuple[int, ...]) -> None:
    """Raises UsageError for a circle whose verdicts only those could recompute who have its founder's file."""
    if is_lent_name(name) and chain_id not in local:
        raise UsageError(
            f"rule {name.partition('@')[0]} is of no release, so nobody without its file could audit the circle: on"
            f" chain {chain_id} choose one of {', '.join(RULES)}; try your own with folkmoot simulate, or demo"
        )


def _make_rule(path: Path, held: bytes, class_name: str, parameters: Mapping[str, int]) -> Rule:
    """held: the file's bytes, of which the digest was taken."""
    spec = f"{path}:{class_name}"
    # [REJECT] R12.6: what is run are the bytes that the manifest names, whatever the file says by now. The digest
    # is of one file, so nothing that lies beside it is lent.
    before = set(sys.modules)
    kind = read_class(spec, "rule", Siblings(path.parent / ".none"), held)
    for name in sorted(set(sys.modules) - before):
        if _lies_beside(sys.modules[name.partition(".")[0]], path.resolve()):
            raise UsageError(f"{path} imports {name} from beside it, and a circle names one file: put both into it")
    with OwnObject(spec, None, "rule").run("the constructor"):
        value = make_with(kind, f"rule {class_name}", parameters)
    if not callable(getattr(value, "screen", None)):
        raise SetupError(f"rule {spec} has no method screen(): write one")
    return CheckedRule(OwnObject(spec, value, "rule"))


def _lies_beside(module: ModuleType, path: Path) -> bool:
    """Whether a module or package of the top level is another one of the file's folder."""
    files = [module.__file__] if getattr(module, "__file__", None) else []
    places = {Path(place).resolve() for place in (*getattr(module, "__path__", ()), *files)}
    return path not in places and any(place.parent == path.parent for place in places)
