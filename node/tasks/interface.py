"""What a circle trains: a user's own model is one Python file with one class, and so is every task that ships.

    class Mine:
        def model(self) -> nn.Module: ...
        def data(self, seat: int, seats: int) -> tuple[Tensor, Tensor]: ...                     # x, y of one peer
        def train(self, model, data, *, round: int, seed: int, privacy=None) -> None: ...       # optional, in place
        def evaluate(self, model) -> dict[str, float]: ...                                      # optional
        def test_set(self) -> tuple[Tensor, Tensor]: ...                                        # optional
        figures = {"auc": "higher", "mae": "lower"}                                             # optional

test_set() gives the examples, shaped as data() is, that evaluate() measures on, so that many models can be measured
at once or on a part of them. `figures` says of evaluate()'s figures whether more of them is better, the main one
first (node.operating.merit). The attributes `shared` and `private` say which tensors peers share: see
node.tasks.sharing. A constructor may take any of the keywords `skew`, `seed` and `samples`, `data`, the path that a
peer gave with `--data`, and options of its own (node.tasks.options). train() and evaluate() may take `seat`;
evaluate()'s is None where the model is nobody's.

Without a train() of its own the class is trained by its attributes, or the options, of node.tasks.training_choices:
one epoch of SGD on the cross-entropy a round where it says nothing. With one, data() may return whatever that
train() takes.

A circle may ask for differential privacy. Then a train() of its own must take `privacy` (node.learning.private),
which is None in other circles and may be left out of the signature where the task is for those alone.
"""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ledger.errors import SetupError, UsageError
from node.operating.merit import DIRECTIONS, put_main_first
from node.own_code.class_files import find_class_file, read_class
from node.own_code.faults import describe_kind
from node.own_code.running import run_own_code
from node.own_code.siblings import Siblings
from node.tasks import fashion_mnist
from node.tasks.built_in import BUILT_IN, find_built_in
from node.tasks.frozen_values import FrozenValues
from node.tasks.options import Options, settle_options
from node.tasks.pairs import answer_of, ask, check_filled, check_pair, fit_dtype, is_pair
from node.tasks.sharing import Sharing, sharing_of
from node.tasks.training_choices import TrainingChoices, choices_of


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
    options: Options = field(default_factory=dict, compare=False, kw_only=True)
    """What it was made with besides the common options, as a manifest holds it."""
    device: torch.device = field(default=torch.device("cpu"), compare=False, kw_only=True)
    """Where its models are trained and asked."""
    make: Callable[[], Any] | None = field(default=None, compare=False, repr=False, kw_only=True)
    """Makes another instance in the same way; None where that is not known."""

    def make_again(self) -> "Task":
        """The same task with an object of its own, for another peer in this process. Raises SetupError."""
        if self.make is None:
            return self
        with self.run_user_code("the constructor"):
            return replace(self, definition=self.make())

    @property
    def sharing(self) -> Sharing:
        """Which tensors the task shares. Raises SetupError."""
        return sharing_of(self.spec, self.definition)

    def model(self) -> nn.Module:
        """A new, untrained model. Raises SetupError unless it is a module with float or complex parameters."""
        with self.run_user_code("model()"):
            model = self.definition.model()
        if not isinstance(model, nn.Module):
            raise SetupError(f"{self.spec}: model() returned {describe_kind(model)}: return a torch.nn.Module")
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
            ask(model, fit_dtype(model, x))
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
            x, _ = check_pair(self.spec, data)
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
        return check_pair(self.spec, data) if self.trainer is None else check_filled(self.spec, data)

    def check_own_data(self) -> None:
        """Let the task look at what this peer is to train on, before it pays for a seat. Raises SetupError."""
        if self.looks_at_data:
            with self.run_user_code("check_data()"):
                self.definition.check_data()

    @property
    def looks_at_data(self) -> bool:
        """Whether `check_own_data` does anything: whether the class has a check_data()."""
        return hasattr(self.definition, "check_data")

    @property
    def trainer(self) -> Callable[..., None] | None:
        """The task's own train(), or None for the default."""
        return getattr(self.definition, "train", None)

    @property
    def takes_privacy(self) -> bool:
        """Whether the task's own train() takes the keyword `privacy`."""
        return self.trainer is not None and _asks_for(self.trainer, "privacy")

    @property
    def takes_correction(self) -> bool:
        """Whether the task's own train() takes the keyword `correct`: one that takes any knows nothing of it."""
        return self.trainer is not None and "correct" in inspect.signature(self.trainer).parameters

    def train(
        self,
        model: nn.Module,
        data: Any,
        *,
        round: int,
        seed: int,
        seat: int,
        privacy: Any = None,
        correct: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Run the task's own train() in place. privacy: the means of private training, None where there is none.

        correct: see node.learning.correction.
        """
        keywords: dict[str, Any] = {"privacy": privacy} if self.takes_privacy else {}
        if self.takes_correction:
            keywords["correct"] = correct
        if _asks_for(self.trainer, "seat"):
            keywords["seat"] = seat
        with self.run_user_code("train()"):
            self.definition.train(model, data, round=round, seed=seed, **keywords)

    def evaluate(self, model: nn.Module, seat: int | None = None) -> dict[str, float]:
        """Figures of merit by name, the main one first; empty where the task has no evaluate().

        seat: whose model it is; None where it is nobody's.
        """
        judge = getattr(self.definition, "evaluate", None)
        if judge is None:
            return {}
        keywords = {"seat": seat} if _asks_for(judge, "seat") else {}
        with self.run_user_code("evaluate()"):
            found = {str(name): float(figure) for name, figure in judge(model, **keywords).items()}
        return put_main_first(found, self.told_figures)

    @cached_property
    def told_figures(self) -> dict[str, str]:
        """What the attribute `figures` says: each one's direction, the main one first. Raises SetupError."""
        said = getattr(self.definition, "figures", None)
        if said is None:
            return {}
        is_right = isinstance(said, Mapping) and all(isinstance(name, str) for name in said)
        if not is_right or any(direction not in DIRECTIONS for direction in said.values()):
            raise SetupError(
                f"{self.spec}: its attribute figures is {said!r:.80}: give each figure's name and whether"
                " `higher` or `lower` is better, the main one first, e.g. {'auc': 'higher'}"
            )
        return dict(said)

    @cached_property
    def choices(self) -> TrainingChoices:
        """How it is trained where it has no train() of its own. Raises SetupError."""
        with self.run_user_code("its attributes"):
            return choices_of(self.spec, self.definition)

    @property
    def correction(self) -> float:
        """The share of a peer's lean that its training corrects, 0..1 (node.learning.lean). Raises SetupError."""
        if self.trainer is None:
            return self.choices.correction
        if not self.takes_correction:
            return 0.0
        with self.run_user_code("its attribute correction"):
            return choices_of(self.spec, self.definition, ("correction",)).correction

    def count_classes(self, model: nn.Module, data: Any) -> int:
        """How many classes there are: the attribute `classes`, else the model's outputs for one example."""
        if (classes := getattr(self.definition, "classes", None)) is not None:
            return int(classes)
        if not is_pair(data):
            raise SetupError(
                f"{self.spec}: its number of classes is unknown: give the class an attribute `classes`"
            )
        model.eval()
        with self.run_user_code("the model on one example"), torch.no_grad():
            return int(answer_of(model, data[0][:1]).shape[1])

    @contextmanager
    def run_user_code(self, what: str) -> Iterator[None]:
        """Run the user's own code: it finds its neighbours, and what it raises becomes one sentence."""
        with run_own_code(f"{self.spec}: {what}", "task", self.siblings):
            yield


def load_task(
    spec: str,
    *,
    skew: float,
    seed: int,
    samples: int,
    options: Options | None = None,
    data: Path | None = None,
    typed: Collection[str] = (),
) -> Task:
    """Make the task that `spec` names: one that ships, or `path/to/file.py:Class`.

    skew: 0..1, how differently labels fall to peers. samples: per peer. options: the task's own, as they were typed
    or stand in a manifest. data: what a peer trains on, where it says so. typed: the options' names that whoever
    founds a circle typed just now, which may name a file of theirs, see node.tasks.options. Raises UsageError for a
    name, file, class or option that is not there and SetupError for a task that does not load.
    """
    if spec == "auto":
        spec = "fashion-mnist" if fashion_mnist.is_installed() else "digits"
    if data is not None and not data.exists():
        raise UsageError(f"--data {data} is not there: name the file or folder that this peer trains on")
    siblings, task_class = (None, find_built_in(spec)) if spec in BUILT_IN else _read_own(spec)
    settled = settle_options(
        spec,
        task_class,
        {"skew": skew, "seed": seed, "samples": samples},
        options or {},
        data,
        is_trained_by_default=not hasattr(task_class, "train"),
        typed=typed,
    )

    def make() -> Any:
        made = task_class(**settled.keywords)
        for name, value in settled.attributes.items():
            setattr(made, name, value)
        return made

    with Task(spec, task_class, siblings).run_user_code("the constructor"):
        definition = make()
    for method in ("model", "data"):
        if not callable(getattr(definition, method, None)):
            raise SetupError(f"{spec} has no method {method}(): a task needs model() and data(seat, seats)")
    return Task(spec, definition, siblings, options=settled.options, make=make)


def _read_own(spec: str) -> tuple[Siblings, type[Any]]:
    """What lies beside a user's file, and its class. Raises UsageError, SetupError."""
    siblings = Siblings(find_class_file(spec, "task", ", ".join(BUILT_IN)).parent)
    return siblings, read_class(spec, "task", siblings)


def _asks_for(method: Any, name: str) -> bool:
    taken = inspect.signature(method).parameters.values()
    return any(one.name == name or one.kind is one.VAR_KEYWORD for one in taken)
