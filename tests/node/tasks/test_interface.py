"""Tasks: those that ship, and a user's own file."""

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ledger.errors import SetupError, UsageError
from node.tasks import fashion_mnist
from node.tasks.interface import Task, load_task

OWN = """
import torch
from torch import nn

class Own:
    def __init__(self, seed=0):
        self.seed = seed
    def model(self):
        return nn.Linear(3, 2)
    def data(self, seat, seats):
        return torch.ones(4, 3), torch.tensor([0, 1, 0, 1])

class NoModel(Own):
    def model(self):
        return "a model"

class Empty(Own):
    def data(self, seat, seats):
        return torch.ones(0, 3), torch.ones(0)

class Uneven(Own):
    def data(self, seat, seats):
        return torch.ones(4, 3), torch.ones(3)

class Nothing(Own):
    def data(self, seat, seats):
        return None

class Broken(Own):
    def data(self, seat, seats):
        raise OSError("no such table")

class Unbuildable(Own):
    def __init__(self):
        raise ValueError("no")

class NoData:
    def model(self):
        return nn.Linear(3, 2)

class Everything(Own):
    def __init__(self, **keywords):
        self.keywords = keywords
"""


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def load(spec: str, skew: float = 0.0, seed: int = 1, samples: int = 100) -> Task:
    return load_task(spec, skew=skew, seed=seed, samples=samples)


def use(spec: str) -> None:
    task = load(spec)
    task.model()
    task.data(0, 2)


@pytest.mark.parametrize(("name", "features", "classes"), [("digits", 64, 10), ("breast-cancer", 30, 2)])
def test_the_small_tasks_give_every_seat_data_and_figures(name: str, features: int, classes: int) -> None:
    task = load(name, samples=50)
    x, y = task.data(2, 8)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((50, features), torch.float32, (50,), torch.int64)
    assert int(y.min()) >= 0
    assert int(y.max()) < classes
    assert torch.isfinite(x).all()
    figures = task.evaluate(task.model())
    assert all(0 <= figure <= 1 for figure in figures.values())


def test_breast_cancer_tells_missed_tumours_from_false_alarms() -> None:
    task = load("breast-cancer")
    always_malignant = task.model()
    with torch.no_grad():
        always_malignant.get_parameter("2.weight").zero_()
        always_malignant.get_parameter("2.bias").copy_(torch.tensor([0.0, 1.0]))
    figures = task.evaluate(always_malignant)
    assert (figures["sensitivity"], figures["specificity"]) == (1, 0)
    assert figures["accuracy"] == pytest.approx(42 / 113)


def test_breast_cancer_is_standardised_by_statistics_that_fit_its_training_patients() -> None:
    x, _ = load("breast-cancer", samples=456).data(0, 1)
    assert x.mean(0).abs().max() < 0.01
    assert (x.std(0) - 1).abs().max() < 0.01


@pytest.mark.usefixtures("installed_fashion_mnist")
def test_fashion_mnist_gives_seats_disjoint_images_of_the_training_files() -> None:
    task = load("fashion-mnist", skew=0.3)
    shares = [task.data(seat, 8) for seat in range(8)]
    assert all((x.shape, y.shape) == ((100, 784), (100,)) for x, y in shares)
    pixels = torch.cat([x for x, _ in shares])
    assert len(torch.unique(pixels, dim=0)) == 800
    assert abs(float(pixels.mean())) < 0.1
    assert float(pixels.std()) == pytest.approx(1, abs=0.1)
    assert 0 <= task.evaluate(task.model())["accuracy"] <= 0.4


@pytest.mark.usefixtures("installed_fashion_mnist")
def test_auto_is_fashion_mnist_where_it_is_installed() -> None:
    assert load("auto").spec == "fashion-mnist"


def test_auto_is_digits_where_fashion_mnist_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(fashion_mnist.DIRECTORY_VARIABLE, str(tmp_path))
    assert load("auto").spec == "digits"


def test_a_missing_fashion_mnist_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(fashion_mnist.DIRECTORY_VARIABLE, str(tmp_path))
    with pytest.raises(SetupError, match=r"dataset-fashion-mnist.*FOLKMOOT_FASHION_MNIST"):
        load("fashion-mnist")


def write_idx(path: Path, magic: int, shape: tuple[int, int, int], body: bytes) -> None:
    path.write_bytes(gzip.compress(struct.pack(f">{1 + len(shape)}I", magic, *shape) + body))


def test_idx_files_are_read_only_as_far_as_asked_for(tmp_path: Path) -> None:
    items = np.arange(24, dtype=np.uint8)
    write_idx(tmp_path / "a.gz", 0x0803, (6, 2, 2), items.tobytes())
    assert fashion_mnist.read_idx(tmp_path / "a.gz", (2, 2), 3).tolist() == items[:12].reshape(3, 2, 2).tolist()
    assert len(fashion_mnist.read_idx(tmp_path / "a.gz", (2, 2), 99)) == 6


@pytest.mark.parametrize(
    ("magic", "shape", "body", "why"),
    [
        (0x0803, (6, 3, 2), bytes(36), "not"),
        (0x0D03, (6, 2, 2), bytes(24), "not"),
        (0x0803, (2**32 - 1, 2, 2), bytes(24), "ends after"),
    ],
)
def test_an_idx_file_that_lies_about_itself_is_a_setup_error(
    tmp_path: Path, magic: int, shape: tuple[int, int, int], body: bytes, why: str
) -> None:
    write_idx(tmp_path / "a.gz", magic, shape, body)
    with pytest.raises(SetupError, match=why):
        fashion_mnist.read_idx(tmp_path / "a.gz", (2, 2), 10**9)


def test_an_idx_file_cut_short_is_a_setup_error(tmp_path: Path) -> None:
    write_idx(tmp_path / "a.gz", 0x0803, (6, 2, 2), bytes(24))
    (tmp_path / "a.gz").write_bytes((tmp_path / "a.gz").read_bytes()[:-10])
    with pytest.raises(SetupError, match="damaged"):
        fashion_mnist.read_idx(tmp_path / "a.gz", (2, 2), 6)


def test_a_users_class_is_made_from_the_keywords_it_takes(own_file: Path) -> None:
    assert load(f"{own_file}:Own", seed=9).definition.seed == 9
    assert load(f"{own_file}:Everything").definition.keywords == {"skew": 0.0, "seed": 1, "samples": 100}


def test_a_users_numpy_arrays_become_tensors(tmp_path: Path) -> None:
    path = tmp_path / "arrays.py"
    method = "def data(self, seat, seats): return numpy.ones((2, 3)), numpy.ones(2, 'i4')"
    path.write_text(f"import numpy\n{OWN}    {method}\n")
    x, y = load(f"{path}:Everything").data(0, 1)
    assert (x.dtype, y.dtype) == (torch.float64, torch.int64)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("emnist", "no task is called 'emnist': choose .*digits.*fashion-mnist.*mnist-cnn.*python-code-large"),
        ("missing.py:Own", "there is no file missing.py"),
        ("{file}:Other", "has no class 'Other'"),
        ("{file}:torch", "has no class 'torch'"),
    ],
)
def test_a_task_that_is_not_there_is_a_usage_error(own_file: Path, spec: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        load(spec.format(file=own_file))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("NoModel", "model.. returned a str: return a torch.nn.Module"),
        ("Empty", "at least one"),
        ("Uneven", "as many labels as examples"),
        ("Nothing", "returned nothing: return tensors"),
        ("Broken", r"failed at .*own\.py:\d+ with OSError: no such table"),
        ("Unbuildable", "the constructor failed at .*ValueError: no"),
        ("NoData", "has no method data"),
    ],
)
def test_a_faulty_task_is_a_setup_error_that_names_the_fault(own_file: Path, name: str, why: str) -> None:
    with pytest.raises(SetupError, match=why):
        use(f"{own_file}:{name}")


def test_a_file_that_does_not_run_is_a_setup_error(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("class Own(:\n")
    with pytest.raises(SetupError, match=r"bad\.py failed with SyntaxError.*line 1"):
        load(f"{tmp_path / 'bad.py'}:Own")


def test_the_small_tasks_do_not_import_scikit_learn() -> None:
    code = (
        "import sys; from node.tasks.interface import load_task as load\n"
        "for name in ('digits', 'breast-cancer'): load(name, skew=0, seed=0, samples=9).data(0, 2)\n"
        "sys.exit('sklearn' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False, timeout=120).returncode == 0
    )


def test_what_training_corrects_is_an_option_and_an_attribute_where_a_train_asks_for_it(tmp_path: Path) -> None:
    assert load_task("digits", skew=0, seed=0, samples=1).correction == 0
    assert load_task("digits", skew=0, seed=0, samples=1, options={"correction": "0.25"}).correction == 0.25
    with pytest.raises(UsageError, match="correction is 2: give a number from 0 to 1"):
        load_task("digits", skew=0, seed=0, samples=1, options={"correction": "2"})
    path = tmp_path / "own.py"
    own = "\n    correction = 0.5\n    def model(self): ...\n    def data(self, seat, seats): ...\n    def train"
    path.write_text(
        f"class Asks:{own}(self, model, data, *, round, seed, correct): ...\n"
        f"class Takes:{own}(self, model, data, **named): ...\n"
    )
    assert load_task(f"{path}:Asks", skew=0, seed=0, samples=1).correction == 0.5
    assert load_task(f"{path}:Takes", skew=0, seed=0, samples=1).correction == 0
