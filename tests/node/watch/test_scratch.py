"""What works behind the page leaves nothing for good, even where the page is killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from node.watch.scratch import ScratchFolder

_HOLD = (
    "from node.watch.scratch import ScratchFolder\nimport time\n"
    "print(ScratchFolder().path, flush=True)\ntime.sleep(600)"
)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def make_old(path: Path) -> None:
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))


def test_the_next_one_removes_what_a_killed_one_left_and_nothing_that_is_held(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        try:
            (left / "cache").mkdir()
            (left / "cache" / "round").write_bytes(b"remembered")
            make_old(left)
            ScratchFolder().remove()
            assert left.is_dir(), "it is held"
        finally:
            process.send_signal(signal.SIGKILL)
    own = ScratchFolder()
    assert not left.exists()
    assert own.path.stat().st_mode & 0o777 == 0o700
    own.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_young_or_no_folder_stays(tmp_path: Path) -> None:
    young, other = tmp_path / "folkmoot-page-young", tmp_path / "other"
    young.mkdir()
    other.mkdir()
    (other / "file").write_bytes(b"somebody's")
    (tmp_path / "folkmoot-page-link").symlink_to(other)
    (tmp_path / "folkmoot-page-file").write_bytes(b"")
    make_old(other)
    ScratchFolder().remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "folkmoot-page-file",
        "folkmoot-page-link",
        "folkmoot-page-young",
        "other",
    ]
    assert (other / "file").exists()
