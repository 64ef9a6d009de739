"""`folkmoot watch`: where it keeps what it read, and what it refuses."""

from pathlib import Path

import pytest

from node.cli.main import _make_parser, main
from node.cli.watch import find_cache
from node.cli.watch_audit import spell_sources


def test_events_are_kept_below_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for named in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", named)
        assert find_cache() == tmp_path / ".cache" / "folkmoot"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert find_cache() == tmp_path / "xdg" / "folkmoot"


@pytest.mark.parametrize("more", [("--no-cache",), ()])
def test_a_cache_that_cannot_be_is_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main(["watch", "--cache", str(file), *more]) == 2
    assert "--cache" in capsys.readouterr().err


@pytest.mark.parametrize("where", [["circle.car"], []])
def test_what_works_behind_the_page_is_given_the_file_of_a_circles_own_rule(where: list[str]) -> None:
    typed = _make_parser(["watch"]).parse_args(["watch", *where, "--rule-file", "own rule.py"])
    for command in spell_sources(typed):
        assert command[command.index("--rule-file") + 1] == "own rule.py"
        # As they would be typed: both commands take it.
        assert _make_parser(command).parse_args(command).rule_file == Path("own rule.py")
