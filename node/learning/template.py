"""A task's model as model() gives it, and the models that peers train and judge made of it."""

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.devices import CPU, send
from node.learning.frozen import Frozen, digest_frozen, load_frozen, read_tensor_bytes
from node.learning.layout import Layout, Vector, find_not_finite, flatten, load_into, make_layout
from node.learning.private_part import PrivatePart
from node.learning.recalibration import find_normalisations, recalibrate
from node.tasks.interface import Task
from node.tasks.sharing import Parts, format_names, parts_of, tensors_of

# torch has one global random state a process: two trainers in one process must not interleave in it.
GLOBAL_RANDOM_STATE: Final = threading.Lock()


@dataclass(frozen=True)
class Template:
    """What every model of a task is made of."""

    spec: str
    """The task's name, or FILE.py:CLASS."""
    model: nn.Module
    """Never trained, never handed out."""
    parts: Parts
    """Which tensors are shared, private and frozen."""
    layout: Layout
    """Of the shared tensors in the flat vector."""
    frozen: Frozen
    """The part that nobody trains or sends."""
    device: torch.device = CPU
    """Where the models made of it are trained and asked; the template itself stays on the CPU."""

    @classmethod
    def of(cls, task: Task, seed: int) -> "Template":
        """Make the model that everyone with this seed makes. Raises SetupError where the task is at fault."""
        with GLOBAL_RANDOM_STATE, torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed))
            model = task.model()
        with task.run_user_code("state_dict() of what model() gives"):
            parts = parts_of(model, task.sharing, task.spec)
        _forget_computed(model)
        if task.frozen_values is not None:
            load_frozen(model, parts.frozen, task.frozen_values, task.spec)
        frozen = digest_frozen(model, parts.frozen)
        found = cls(task.spec, model, parts, make_layout(model, parts), frozen, task.device)
        if names := find_not_finite(found.layout, found.make_initial()):
            raise SetupError(
                f"{task.spec}: {names[0]} is shared, and model() gives it values that are not finite: keep it at"
                f" home with private = ({names[0]!r},), or give it others"
            )
        return found

    def in_units_of(self, layout: Layout) -> "Template":
        """The same with the units of a layout of the same tensors."""
        return replace(self, layout=layout)

    def holding(self, values: Mapping[str, torch.Tensor]) -> "Template":
        """The same, begun from other values. values: of shared tensors, by name, in the model's shapes."""
        model = copy.deepcopy(self.model)
        state = model.state_dict()
        with torch.no_grad():
            for name, tensor in values.items():
                state[name].copy_(tensor)
        return replace(self, model=model)

    def make_initial(self) -> Vector:
        """What is shared of the untrained model, (d,), float32, in the layout's units."""
        return flatten(self.model, self.layout)

    def make_private_part(self) -> dict[str, torch.Tensor]:
        """The private part as model() gives it."""
        return self.private_of(self.model)

    def fill(self, vector: Vector, kept: PrivatePart) -> nn.Module:
        """A new model of this state, on the device. vector: (d,), float32. kept: the peer's own part.

        What that lacks is as made.
        """
        try:
            model = copy.deepcopy(self.model)
        except Exception as error:
            fact = f"{type(error).__name__}: {error}".splitlines()[0]
            raise SetupError(
                f"{self.spec}: what model() gives cannot be copied: {fact}; correct the task"
            ) from error
        state = model.state_dict()
        with torch.no_grad():
            for name, tensor in kept.items():
                state[name].copy_(tensor)
        load_into(model, self.layout, vector)
        return send(model, self.device, self.spec)

    def fill_for_answering(self, vector: Vector, kept: PrivatePart, x: torch.Tensor | None) -> nn.Module:
        """A new model of this state, for answering: its running statistics taken anew where the peer keeps its own.

        x: the peer's own examples, None where it has none that the model takes. Statistics that training left alone
        (a frozen part's) stay.
        """
        model = self.fill(vector, kept)
        model.eval()
        if x is not None:
            made = self.model.state_dict()
            means = {name: f"{name}.running_mean".removeprefix(".") for name in find_normalisations(model)}
            moved = [
                layer
                for name, layer in find_normalisations(model).items()
                if means[name] in kept and not torch.equal(kept[means[name]], made[means[name]])
            ]
            recalibrate(model, x, moved)
        return model

    def private_of(self, model: nn.Module) -> dict[str, torch.Tensor]:
        """A copy of a model's private part."""
        state = model.state_dict()
        return {name: state[name].detach().cpu().clone() for name in self.parts.private}

    def find_spoilt(self, before: PrivatePart, after: PrivatePart) -> list[str]:
        """The private tensors that were finite and are no more; what was made with infinity may keep it."""
        made = self.make_private_part() | dict(before)
        return [name for name, tensor in after.items() if not _is_finite(tensor) and _is_finite(made[name])]

    def check_kept(self, kept: PrivatePart) -> None:
        """Raises SetupError where a private part from disk is another model's."""
        own = self.make_private_part()
        for name, tensor in kept.items():
            here = _described(own[name]) if name in own else "nothing"
            if here != _described(tensor):
                raise SetupError(
                    f"{self.spec}: the private part of this peer's model holds {name} {_described(tensor)}, and"
                    f" model() gives {here}: start it with the task it was started with, or move private.bin away"
                )

    def check_trained(self, model: nn.Module) -> None:
        """Raises SetupError, naming tensor and train(), where training made another model of it."""
        before, after = self.model.state_dict(), model.state_dict()
        new = sorted(after.keys() - before.keys())
        for name, tensor in before.items():
            if name not in after:
                instead = f" (and made {format_names(new)})" if new else ""
                raise SetupError(
                    f"{self.spec}: train() renamed or removed {name}{instead}: give the model back with the tensors"
                    " that model() made, e.g. by torch.nn.utils.prune.remove() or remove_parametrizations()"
                )
            if _described(tensor) != _described(after[name]):
                raise SetupError(
                    f"{self.spec}: train() made {name}, {_described(tensor)}, into {_described(after[name])}:"
                    " give the model back with the tensors that model() made"
                )
        if new:
            raise SetupError(
                f"{self.spec}: train() added {format_names(new)}: make all tensors in model(), others would be lost"
            )
        for name in self.parts.frozen:
            if not _is_same(before[name], after[name]):
                raise SetupError(
                    f"{self.spec}: train() changed {name}, which is frozen and not shared: name it in `shared` or"
                    " `private`, or let model() give it with requires_grad"
                )
        self._check_tied(after)

    def _check_tied(self, after: Mapping[str, torch.Tensor]) -> None:
        for first, group in tensors_of(self.model, self.spec).items():
            for other in group[1:]:
                if not _is_same(after[first], after[other]):
                    raise SetupError(
                        f"{self.spec}: train() parted {other} from {first}, which are one tensor in model(): leave"
                        " them tied, or make two in model()"
                    )


def derive_seed(*numbers: int) -> int:
    """One 63-bit seed out of several numbers from 0 up."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _forget_computed(model: nn.Module) -> None:
    """Cut tensors that layers computed and keep as plain attributes (the old weight_norm, pruning) off their graph.

    A model with a graph cannot be copied; the next forward pass computes them again.
    """
    for module in model.modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor) and value.grad_fn is not None:
                vars(module)[name] = value.detach()


def _is_same(one: torch.Tensor, other: torch.Tensor) -> bool:
    one, other = one.cpu(), other.cpu()
    return torch.equal(one, other) or read_tensor_bytes(one) == read_tensor_bytes(other)  # NaN is never equal


def _is_finite(tensor: torch.Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


def _described(value: Any) -> str:
    return f"{value.dtype} {tuple(value.shape)}".removeprefix("torch.")
