"""Which tensors of a model its peers share, which each keeps to itself, and which nobody changes.

A task says so by two attributes, fnmatch patterns over the names of `state_dict`: `shared` (exactly these, where it
is given) and `private` (never these). Without them the parameters that are trained are shared. What is not shared
stays at home: buffers (running statistics, masks, tables) and trained parameters live with the peer from round to
round; parameters that are not trained are *frozen*, the same on all peers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ledger.errors import SetupError

_LISTED: Final = 5


@dataclass(frozen=True)
class Sharing:
    """What a task says of its tensors, as fnmatch patterns over their names."""

    shared: tuple[str, ...] | None = None
    """Exactly these are; None where it leaves the choice to the default."""
    private: tuple[str, ...] = ()
    """Never these."""


DEFAULT: Final = Sharing()


@dataclass(frozen=True)
class Parts:
    """The names of a model's tensors, ascending; of tied ones the first."""

    shared: tuple[str, ...]
    """Published, screened and mixed."""
    private: tuple[str, ...]
    """Kept by each peer, and changed by its own training alone."""
    frozen: tuple[str, ...]
    """Parameters that nobody trains: the same on all peers, named by a digest and never sent."""


def sharing_of(spec: str, definition: Any) -> Sharing:
    """What a task's attributes `shared` and `private` say. Raises SetupError for anything but patterns."""
    shared = _patterns(spec, "shared", getattr(definition, "shared", None))
    private = _patterns(spec, "private", getattr(definition, "private", None))
    return Sharing(shared, private or ())


def _patterns(spec: str, attribute: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, tuple | list) or not all(isinstance(one, str) and one for one in found):
        raise SetupError(
            f"{spec}: its attribute {attribute} is {value!r:.80}: give patterns of tensors' names, e.g. ('head.*',)"
        )
    return tuple(found)


def tensors_of(model: nn.Module, spec: str) -> dict[str, tuple[str, ...]]:
    """Each tensor of `state_dict` by its first name, ascending, with all its names: tied ones have several.

    Raises SetupError for what cannot be told or copied as a tensor.
    """
    names: dict[Any, list[str]] = {}
    state: Mapping[str, Any] = model.state_dict(keep_vars=True)
    for name in sorted(state):
        _check_tensor(spec, name, state[name])
        names.setdefault(_place(state[name]), []).append(name)
    _check_views(spec, model)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and _place(parameter) not in names:
            raise SetupError(
                f"{spec}: {name} is trained and not in model()'s state_dict(), so it would be lost after each"
                " round: leave state_dict() whole"
            )
    return {group[0]: tuple(group) for group in names.values()}


def _place(tensor: torch.Tensor) -> Any:
    """The same for tensors that are tied, i.e. whole views of one memory."""
    if tensor.numel() == 0:
        return id(tensor)
    return (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())


def _check_tensor(spec: str, name: str, value: Any) -> None:
    if not isinstance(value, torch.Tensor):
        raise SetupError(
            f"{spec}: model() keeps {name}, a {type(value).__name__}, in its state_dict(): keep tensors there only"
        )
    if is_lazy(value):
        raise SetupError(
            f"{spec}: {name} has no shape before the first forward pass, and model() was not tried on data:"
            " give its layer its sizes"
        )
    if value.layout == torch.strided and any(
        size > 1 and not stride for size, stride in zip(value.shape, value.stride(), strict=True)
    ):
        raise SetupError(
            f"{spec}: {name} of model() is expanded, several of its values lie in one place: give it with .clone()"
        )
    if value.layout != torch.strided or value.is_meta:
        raise SetupError(f"{spec}: {name} of model() is {_kind(value)}: make it a dense tensor that holds values")


def _check_views(spec: str, model: nn.Module) -> None:
    """Raises SetupError for trained parameters that share memory with another tensor, and are not one with it.

    To train one is to train the other, but in a copy of the model each has memory of its own.
    """
    within: dict[Any, dict[str, torch.Tensor]] = {}
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if not is_lazy(tensor) and tensor.layout == torch.strided and not tensor.is_meta and tensor.numel():
            storage = tensor.untyped_storage()
            within.setdefault((storage.data_ptr(), storage.nbytes(), tensor.dtype), {})[name] = tensor
    for (_, size, dtype), group in within.items():
        if len(group) < 2 or not _is_trained(group.values()):
            continue
        taken = torch.zeros(size // dtype.itemsize, dtype=torch.bool)
        for name, tensor in group.items():
            part = taken.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
            if part.any():
                raise SetupError(
                    f"{spec}: {name} of model() lies in the memory of another tensor, and a copy of the model would"
                    " part them: give both names one parameter, or turn or cut it in forward()"
                )
            part |= True


def _kind(value: torch.Tensor) -> str:
    return "on the meta device" if value.is_meta else f"of the layout {value.layout}"


def parts_of(model: nn.Module, sharing: Sharing = DEFAULT, spec: str = "the task") -> Parts:
    """Divide a model's tensors (R3.2a). Raises SetupError where a pattern names nothing or nothing is shared."""
    groups = tensors_of(model, spec)
    state: Mapping[str, torch.Tensor] = model.state_dict(keep_vars=True)
    for attribute, patterns in (("shared", sharing.shared or ()), ("private", sharing.private)):
        for pattern in patterns:
            named = [name for name, group in groups.items() if _is_matched(group, (pattern,))]
            if not named:
                raise SetupError(f"{spec}: {attribute} names {pattern!r}, and model() has {format_names(groups)}")
            if attribute == "shared" and not any(_is_real(state[name]) for name in named):
                raise SetupError(
                    f"{spec}: shared names {named[0]}, which holds {state[named[0]].dtype}: only float and complex"
                    " tensors are shared"
                )
    shared, private, frozen = [], [], []
    for name, group in groups.items():
        tensors = [state[one] for one in group]
        if _is_shared(group, tensors, sharing):
            shared.append(name)
        elif (
            isinstance(tensors[0], nn.Parameter)
            and not _is_matched(group, sharing.private)
            and not _is_trained(tensors)
        ):
            frozen.append(name)
        else:
            private.append(name)
    if not shared:
        raise SetupError(
            f"{spec}: no tensor of model() is shared: let a float parameter be trained, or name tensors in `shared`"
        )
    return Parts(tuple(shared), tuple(private), tuple(frozen))


def _is_shared(group: tuple[str, ...], tensors: list[torch.Tensor], sharing: Sharing) -> bool:
    if not _is_real(tensors[0]) or _is_matched(group, sharing.private):
        return False
    return _is_trained(tensors) if sharing.shared is None else _is_matched(group, sharing.shared)


def _is_trained(tensors: Iterable[torch.Tensor]) -> bool:
    return any(isinstance(one, nn.Parameter) and one.requires_grad for one in tensors)


def _is_real(tensor: torch.Tensor) -> bool:
    """Whether its values are real or complex numbers, not integers or truth values."""
    return tensor.is_floating_point() or tensor.is_complex()


def _is_matched(group: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in group for pattern in patterns)


def format_names(names: Iterable[str]) -> str:
    """Some names in a sentence."""
    some = list(names)
    return ", ".join(some[:_LISTED]) + (f" and {len(some) - _LISTED} more" if len(some) > _LISTED else "")
