"""Where a model is trained and judged: the device, and the way there and back.

A peer's state leaves its device as float32 values, which the CPU rounds to integers. Frames, digests, distances and
verdicts are made of those alone, so no device has a say in how a peer judges.
"""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn
from torch.utils import _pytree as pytree

from ledger.errors import SetupError, UsageError

CPU: Final = torch.device("cpu")
AUTO: Final = "auto"


def choose_device(wanted: str) -> torch.device:
    """The device of --device: cpu, cuda, cuda:1, mps, or auto, the first of cuda, mps and cpu that is here.

    Raises UsageError for a word that names none, SetupError for one that is not here.
    """
    name, colon, number = wanted.partition(":")
    if name not in (AUTO, *_HERE) or (colon and (name != "cuda" or not number.isdecimal())):
        raise UsageError(f"--device {wanted[:20]!r} is none: choose auto, cpu, cuda, cuda:NUMBER or mps")
    if name == AUTO:
        return torch.device(next(kind for kind, count in _HERE.items() if count()))
    count = _HERE[name]()
    if not count:
        raise SetupError(
            f"--device {name} is not here: this torch ({torch.__version__}) finds none; install a build of torch"
            " for it, or take --device auto"
        )
    if colon and int(number) >= count:
        raise SetupError(f"--device {wanted} is not here: this machine has {count}, counted from cuda:0")
    return torch.device(wanted)


def _count_mps() -> int:
    return int(torch.backends.mps.is_available())


# How many of a kind there are, the most welcome first.
_HERE: Final[dict[str, Callable[[], int]]] = {
    "cuda": lambda: torch.cuda.device_count() if torch.cuda.is_available() else 0,
    "mps": _count_mps,
    "cpu": lambda: 1,
}


def list_seeded(device: torch.device) -> dict[str, Any]:
    """Keywords for torch.random.fork_rng: whose random state besides the CPU's a training on this device uses."""
    if device.type not in ("cuda", "mps"):
        return {"devices": []}
    return {"devices": [device.index or 0], "device_type": device.type}


def send(model: nn.Module, device: torch.device, spec: str) -> nn.Module:
    """Move a model to a device, in place, its tied parameters tied as before. Raises SetupError where it cannot go.

    There it answers where it was asked: examples may lie anywhere, and its answers come back to where they lay. So
    a task's own code needs to know of no device.
    """
    if device == CPU:
        return model
    ties = _find_ties(model)
    try:
        model.to(device)
    except (RuntimeError, TypeError) as error:
        fact = str(error).splitlines()[0]
        raise SetupError(f"{spec}: the model cannot go to {device}: {fact}; take another --device") from error
    for places in ties:
        for module, name in places[1:]:
            setattr(module, name, getattr(*places[0]))
    homes: list[torch.device | None] = []
    model.register_forward_pre_hook(lambda _, args, kwargs: _fetch(args, kwargs, device, homes), with_kwargs=True)
    model.register_forward_hook(lambda _, __, answer: _give_back(answer, homes))
    return model


def _find_ties(model: nn.Module) -> list[list[tuple[nn.Module, str]]]:
    """The places of each parameter that has several. Some devices give every place a parameter of its own."""
    places: dict[int, list[tuple[nn.Module, str]]] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                places.setdefault(id(parameter), []).append((module, name))
    return [group for group in places.values() if len(group) > 1]


def _fetch(
    args: Any, kwargs: Any, device: torch.device, homes: list[torch.device | None]
) -> tuple[Any, dict[str, Any]]:
    """What a model is asked, on its device. homes: gets where the first tensor of it lay."""
    given = (part for part in pytree.tree_leaves((args, kwargs)) if isinstance(part, torch.Tensor))
    homes.append(next((part.device for part in given), None))
    moved: tuple[Any, dict[str, Any]] = _move((args, kwargs), device)
    return moved


def _give_back(answer: Any, homes: list[torch.device | None]) -> Any:
    home = homes.pop()
    if home is None:
        return answer
    moved = _move(answer, home)
    # An object of a class that torch does not know: its logits are what is looked at.
    logits = getattr(moved, "logits", None)
    if isinstance(logits, torch.Tensor) and logits.device != home:
        moved.logits = logits.to(home)
    return moved


def _move(value: Any, device: torch.device) -> Any:
    return pytree.tree_map(lambda part: part.to(device) if isinstance(part, torch.Tensor) else part, value)
