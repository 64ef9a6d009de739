"""`folkmoot watch`: where it keeps what it read, and what it refuses."""

from pathlib import Path

import pytest

from node.cli.main import main
from node.cli.watch import find_cache


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
