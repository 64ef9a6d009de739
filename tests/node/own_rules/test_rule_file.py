"""A rule of no release in a circle."""

import hashlib
import marshal
import os
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

import pytest

from ledger.errors import SetupError, UsageError
from ledger.rules import rule_of
from node.own_rules.rule_file import check_can_be_kept, lend_rule_file, name_for_circle

pytestmark = pytest.mark.rule("R12.6")

FILE = """
from dataclasses import dataclass
from ledger.rules.median import Median

@dataclass(frozen=True)
class Mine(Median):
    salt: int = SALT
"""


def write(folder: Path, salt: int, before: str = "") -> Path:
    path = folder / f"mine_{salt}.py"
    path.write_text(before + FILE.replace("SALT", str(salt)))
    return path


def test_a_circle_names_a_rule_by_class_and_digest_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, 1)
    name = name_for_circle(f"{path}:Mine")
    assert name == f"Mine@{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert rule_of(name, {}).is_replayable
    assert name_for_circle("tether") == "tether"


def test_without_the_file_a_sentence_says_which_one_is_lacking(tmp_path: Path) -> None:
    path = write(tmp_path, 2)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(SetupError, match=f"SHA-256 is {digest}: give that file with --rule-file FILE"):
        rule_of(f"Mine@{digest}", {})
    lend_rule_file(write(tmp_path, 3))
    with pytest.raises(SetupError, match=digest):
        rule_of(f"Mine@{digest}", {})
    assert lend_rule_file(path) == digest
    assert rule_of(f"Mine@{digest}", {}).is_replayable


def test_what_is_asked_of_a_lent_rule_is_checked(tmp_path: Path) -> None:
    name = name_for_circle(f"{write(tmp_path, 4)}:Mine")
    with pytest.raises(UsageError, match="has no parameter 'pepper': choose from salt"):
        rule_of(name, {"pepper": 1})
    with pytest.raises(UsageError, match="has no class 'Yours'"):
        rule_of(name.replace("Mine", "Yours"), {})


def test_what_was_named_is_run_whatever_the_file_says_since(tmp_path: Path) -> None:
    path = write(tmp_path, 5)
    name = name_for_circle(f"{path}:Mine")
    path.write_text("raise AssertionError('other code')\n")
    assert rule_of(name, {}).is_replayable


def test_bytecode_that_came_along_with_a_file_is_not_run_in_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, 8)
    other = compile("raise AssertionError('other code')", str(path), "exec")
    cached = Path(cache_from_source(str(path)))
    cached.parent.mkdir()
    # Python takes it unasked: its flags say that nobody need compare it with the text.
    cached.write_bytes(MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(other))
    with pytest.raises(AssertionError, match="other code"):
        exec(SourceFileLoader("mine_8", str(path)).get_code("mine_8") or "", {})
    assert rule_of(name_for_circle(f"{path}:Mine"), {}).is_replayable


@pytest.mark.parametrize("place", ["a_package_beside/__init__.py", "a_namespace_beside/part.py"])
def test_a_package_beside_a_rule_is_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / place).parent.mkdir()
    (tmp_path / place).write_text("x = 1\n")
    module = place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    path = write(tmp_path, 9, f"import {module}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match=f"imports {module.partition('.')[0]} from beside it"):
        rule_of(name_for_circle(f"{path}:Mine"), {})


def test_a_circles_rule_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside_the_rule.py").write_text("x = 1\n")
    path = write(tmp_path, 6, "import beside_the_rule\n")
    with pytest.raises(
        SetupError, match=r"mine_6.py:1 with ModuleNotFoundError: No module named 'beside_the_rule'"
    ):
        rule_of(name_for_circle(f"{path}:Mine"), {})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match="imports beside_the_rule from beside it"):
        rule_of(name_for_circle(f"{path}:Mine"), {})


def test_a_chain_of_others_takes_no_rule_that_strangers_lack(tmp_path: Path) -> None:
    name = name_for_circle(f"{write(tmp_path, 7)}:Mine")
    check_can_be_kept(name, 1337, (1337,))
    check_can_be_kept("tether", 1, (1337,))
    with pytest.raises(UsageError, match="on chain 1 choose one of balance"):
        check_can_be_kept(name, 1, (1337,))


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--rule-file .* cannot be read"):
        lend_rule_file(tmp_path)


def test_a_pipe_is_no_rule_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rule.py")
    with pytest.raises(UsageError, match="cannot be read"):
        lend_rule_file(tmp_path / "rule.py")
