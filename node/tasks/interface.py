"""What a circle trains: a user's own model is one Python file with one class, and so is every task that ships.

    class Mine:
        def model(self) -> nn.Module: ...
        def data(self, seat: int, seats: int) -> tuple[Tensor, Tensor]: ...                     # x, y of one peer
        def train(self, model, data, *, round: int, seed: int, privacy=None) -> None: ...       # optional, in place
        def evaluate(self, model) -> dict[str, float]: ...                                      # optional
        def test_set(self) -> tuple[Tensor, Tensor]: ...                                        # optional

test_set() gives the examples, shaped as data() is, that evaluate() measures on, so that many models can be measured
at once or on a part of them. The attributes `shared` and `private` say which tensors peers share: see
node.tasks.sharing. A constructor may take any of the keywords `skew`, `seed` and `samples`. Without a train() of
its own the class gets one epoch of SGD on the cross-entropy a round, steered by the optional attributes
`learning_rate`, `momentum` and `batch_size`; its y then holds class numbers from 0. With one, data() may return
whatever that train() takes.

A circle may ask for differential privacy. Then a train() of its own must take `privacy` (node.learning.private),
which is None in other circles and may be left out of the signature where the task is for those alone.
"""

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ledger.errors import SetupError, UsageError
from node.tasks import fashion_mnist
from node.tasks.frozen_values import FrozenValues
from node.tasks.sharing import Sharing, sharing_of
from node.tasks.siblings import Siblings

BUILT_IN = {
    "breast-cancer": "569 patients, 30 measurements of a tumour, malignant or benign (hospitals)",
    "digits": "1,797 handwritten digits of 8 × 8 pixels",
    "fashion-mnist": "70,000 images of clothes of 28 × 28 pixels",
    "fashion-mnist-cnn": "the same, and a convolutional network of 36,000 parameters",
    "mnist": "10,000 handwritten digits of 28 × 28 pixels",
    "mnist-cnn": "the same, and a convolutional network of 36,000 parameters",
    "text": "4 million characters of program text, and a transformer of a million parameters",
    "text-large": "the same, and a transformer of ten million parameters",
    "auto": "fashion-mnist where it is installed, else digits",
}
_CLASSES = {
    "breast-cancer": "node.tasks.breast_cancer:BreastCancer",
    "digits": "node.tasks.digits:Digits",
    "fashion-mnist": "node.tasks.fashion_mnist:FashionMnist",
    "fashion-mnist-cnn": "node.tasks.fashion_mnist:FashionMnistCnn",
    "mnist": "node.tasks.mnist:Mnist",
    "mnist-cnn": "node.tasks.mnist:MnistCnn",
    "text": "node.tasks.text:Text",
    "text-large": "node.tasks.text:LargeText",
}


@dataclass(frozen=True)
class Task:
    """A task as the node uses it: the user's object behind checks that turn its faults into sentences."""

    spec: str
    """As it was asked for, `auto` resolved."""
    definition: Any
    """An instance of the user's class."""
    siblings: Siblings | None = field(default=None, compare=False)
    """What lies beside the user's file; None for a task that ships."""
    frozen_values: FrozenValues | None = field(default=None, compare=False)
    """What its frozen tensors hold; None where model() says it."""

    @property
    def sharing(self) -> Sharing:
        """Which tensors the task shares. Raises SetupError."""
        return sharing_of(self.spec, self.definition)

    def model(self) -> nn.Module:
        """A new, untrained model. Raises SetupError unless it is a module with float or complex parameters."""
        with self.run_user_code("model()"):
            model = self.definition.model()
        if not isinstance(model, nn.Module):
            raise SetupError(f"{self.spec}: model() returned {_kind(model)}: return a torch.nn.Module")
        if not any(p.is_floating_point() or p.is_complex() for p in model.parameters()):
            raise SetupError(f"{self.spec}: model() has no float parameters to train: return a model with some")
        if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
            self._give_shapes(model)
        return model

    def _give_shapes(self, model: nn.Module) -> None:
        """Lazy layers take their shapes from a first forward pass, and draw torch's next random numbers."""
        state = torch.random.get_rng_state()
        try:
            x = self._examples()
        finally:
            torch.random.set_rng_state(state)
        mode = model.training
        model.eval()
        with self.run_user_code("model() has lazy layers, and its first pass over examples"), torch.no_grad():
            model(fit_dtype(model, x))
        model.train(mode)

    def _examples(self) -> torch.Tensor:
        """Two examples, to tell shapes by."""
        try:
            if hasattr(self.definition, "test_set"):
                with self.run_user_code("test_set()"):
                    data = self.definition.test_set()
            else:
                with self.run_user_code("data(0, 1)"):
                    data = self.definition.data(0, 1)
            x, _ = _checked_pair(self.spec, data)
        except SetupError as error:
            raise SetupError(
                f"{self.spec}: model() has layers without sizes, and there are no examples here to tell them by"
                f" ({error}): give every layer its sizes"
            ) from error
        return x[:2]

    def data(self, seat: int, seats: int) -> Any:
        """One peer's private data: tensors (x, y) of one length, or what the task's own train() takes."""
        if not 0 <= seat < seats:
            raise UsageError(f"seat {seat} of {seats}: seats count from 0 to {seats - 1}")
        with self.run_user_code(f"data({seat}, {seats})"):
            data = self.definition.data(seat, seats)
        return _checked_pair(self.spec, data) if self.trainer is None else _filled(self.spec, data)

    @property
    def trainer(self) -> Callable[..., None] | None:
        """The task's own train(), or None for the default."""
        return getattr(self.definition, "train", None)

    @property
    def takes_privacy(self) -> bool:
        """Whether the task's own train() takes the keyword `privacy`."""
        taken = [] if self.trainer is None else inspect.signature(self.trainer).parameters.values()
        return any(one.name == "privacy" or one.kind is one.VAR_KEYWORD for one in taken)

    def train(self, model: nn.Module, data: Any, *, round: int, seed: int, privacy: Any = None) -> None:
        """Run the task's own train() in place. privacy: the means of private training, None where there is none."""
        keywords = {"privacy": privacy} if self.takes_privacy else {}
        with self.run_user_code("train()"):
            self.definition.train(model, data, round=round, seed=seed, **keywords)

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Figures of merit by name, such as {"accuracy": 0.81}; empty where the task has no evaluate()."""
        if not hasattr(self.definition, "evaluate"):
            return {}
        with self.run_user_code("evaluate()"):
            return {str(name): float(figure) for name, figure in self.definition.evaluate(model).items()}

    def option(self, name: str, default: float) -> float:
        """A number the class may set for the default training, such as `learning_rate`."""
        with self.run_user_code(f"its attribute {name}"):
            return float(getattr(self.definition, name, default))

    def count_classes(self, model: nn.Module, data: Any) -> int:
        """How many classes there are: the attribute `classes`, else the model's outputs for one example."""
        if (classes := getattr(self.definition, "classes", None)) is not None:
            return int(classes)
        if not _is_pair(data):
            raise SetupError(
                f"{self.spec}: its number of classes is unknown: give the class an attribute `classes`"
            )
        model.eval()
        with self.run_user_code("the model on one example"), torch.no_grad():
            return int(model(data[0][:1]).shape[1])

    @contextmanager
    def run_user_code(self, what: str) -> Iterator[None]:
        """Run the user's own code: it finds its neighbours, and what it raises becomes one sentence."""
        with blame(f"{self.spec}: {what}"):
            if self.siblings is None:
                yield
                return
            with self.siblings.importable():
                yield


def load_task(spec: str, *, skew: float, seed: int, samples: int) -> Task:
    """Make the task that `spec` names: one that ships, or `path/to/file.py:Class`.

    skew: 0..1, how differently labels fall to peers. samples: per peer. Raises UsageError for a name, file or class
    that is not there and SetupError for one that does not load.
    """
    if spec == "auto":
        spec = "fashion-mnist" if fashion_mnist.is_installed() else "digits"
    siblings = None if spec in BUILT_IN else Siblings(_file_of(spec).parent)
    task_class = _built_in(spec) if siblings is None else _from_file(spec, siblings)
    offered = {"skew": skew, "seed": seed, "samples": samples}
    taken = inspect.signature(task_class).parameters.values()
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken)
    names = {parameter.name for parameter in taken}
    keywords = {name: value for name, value in offered.items() if takes_all or name in names}
    with Task(spec, task_class, siblings).run_user_code("the constructor"):
        definition = task_class(**keywords)
    for method in ("model", "data"):
        if not callable(getattr(definition, method, None)):
            raise SetupError(f"{spec} has no method {method}(): a task needs model() and data(seat, seats)")
    return Task(spec, definition, siblings)


def _built_in(name: str) -> Callable[..., Any]:
    module, _, class_name = _CLASSES[name].partition(":")
    built_in: Callable[..., Any] = getattr(importlib.import_module(module), class_name)
    return built_in


def _file_of(spec: str) -> Path:
    """The file in `path/to/file.py:Class`. Raises UsageError."""
    name, colon, _ = spec.rpartition(":")
    if not colon or not name.endswith(".py"):
        raise UsageError(f"no task is called {spec!r}: choose {', '.join(BUILT_IN)} or path/to/file.py:Class")
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"there is no file {path}: give the path of your task as path/to/file.py:Class")
    return path


def _from_file(spec: str, siblings: Siblings) -> Callable[..., Any]:
    path, class_name = _file_of(spec), spec.rpartition(":")[2]
    found = getattr(_import_file(path, siblings), class_name, None)
    if not inspect.isclass(found):
        raise UsageError(f"{path} has no class {class_name!r}: name the class with model() and data()")
    return found


def _import_file(path: Path, siblings: Siblings) -> ModuleType:
    """Run the user's own file as a module. This is the one place where code from outside the package is run."""
    name = f"folkmoot_task_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    with blame(str(path)), siblings.importable():
        spec.loader.exec_module(module)
    return module


@contextmanager
def blame(what: str) -> Iterator[None]:
    """Turn what a user's code raises into one sentence with the place it came from."""
    try:
        yield
    except (SetupError, UsageError):
        raise
    except (Exception, SystemExit) as error:  # a command's status is not for a task to say
        fact = f"{type(error).__name__}: {error}".splitlines()[0]
        raise SetupError(f"{what} failed{_place(error)} with {fact}; correct the task and start again") from error


def _place(error: BaseException) -> str:
    """The innermost line of the user's own code that the fault passed through, if any."""
    package = str(Path(__file__).parents[1])
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((package, "<")) and "site-packages" not in frame.filename:
            return f" at {frame.filename}:{frame.lineno}"
    return ""


def _is_pair(data: Any) -> bool:
    return isinstance(data, tuple | list) and len(data) == 2 and all(hasattr(part, "shape") for part in data)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _filled(spec: str, data: Any) -> Any:
    first = data[0] if _is_pair(data) else data
    if first is None or (hasattr(first, "__len__") and len(first) == 0):
        raise SetupError(f"{spec}: data() returned {_kind(data)} without examples: give every seat some")
    return data


def _checked_pair(spec: str, data: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """x as it is, y as int64 where it is integer. numpy arrays are taken as well."""
    if not _is_pair(data):
        raise SetupError(
            f"{spec}: data() returned {_kind(data)}: return tensors (x, y), or write a train() that takes it"
        )
    x, y = (torch.as_tensor(part) for part in data)
    if x.ndim == 0 or y.ndim == 0 or len(x) == 0 or len(x) != len(y):
        raise SetupError(
            f"{spec}: data() returned x of shape {tuple(x.shape)} and y of shape {tuple(y.shape)}:"
            " give as many labels as examples, and at least one"
        )
    return x, y if y.is_floating_point() else y.long()


def fit_dtype(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Examples in a dtype of the model's: left alone where they are no floats or have one of its own."""
    dtypes = [p.dtype.to_real() for p in model.parameters() if p.is_floating_point() or p.is_complex()]
    return x if not x.is_floating_point() or x.dtype in dtypes else x.to(dtypes[0])
