"""A peer's examples as (x, y), and how a model answers them. x is a tensor, or several by name."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ledger.errors import SetupError
from node.own_code.faults import describe_kind
from node.tasks.named_inputs import NamedInputs

Pair = tuple[torch.Tensor, torch.Tensor]
Inputs = torch.Tensor | NamedInputs


def is_pair(data: Any) -> bool:
    """Whether these are two tensors or arrays; the first may be several by name."""
    return (
        isinstance(data, tuple | list)
        and len(data) == 2
        and (hasattr(data[0], "shape") or isinstance(data[0], Mapping))
        and hasattr(data[1], "shape")
    )


def check_filled(spec: str, data: Any) -> Any:
    """What a train() of its own takes, as it is. Raises SetupError where it holds no example."""
    first = data[0] if is_pair(data) else data
    if first is None or (hasattr(first, "__len__") and len(first) == 0):
        raise SetupError(f"{spec}: data() returned {describe_kind(data)} without examples: give every seat some")
    return data


def check_pair(spec: str, data: Any) -> Pair:
    """x as it is, y as int64 where it is integer. numpy arrays are taken as well. Raises SetupError.

    A mapping of tensors for x, such as a tokeniser gives, becomes NamedInputs.
    """
    if not is_pair(data):
        raise SetupError(
            f"{spec}: data() returned {describe_kind(data)}: return tensors (x, y), where x may be several by name,"
            " or write a train() that takes it"
        )
    x: Any = name_inputs(spec, data[0])
    y = torch.as_tensor(data[1])
    if x.ndim == 0 or y.ndim == 0 or len(x) == 0 or len(x) != len(y):
        raise SetupError(
            f"{spec}: data() returned x of shape {tuple(x.shape)} and y of shape {tuple(y.shape)}:"
            " give as many labels as examples, and at least one"
        )
    return x, y if y.is_floating_point() else y.long()


def name_inputs(spec: str, x: Any) -> Any:
    """Examples as a tensor, or as NamedInputs where they are a mapping. Raises SetupError."""
    if isinstance(x, NamedInputs):
        return x
    if not isinstance(x, Mapping):
        return torch.as_tensor(x)
    try:
        return NamedInputs(x)
    except (ValueError, TypeError) as error:
        raise SetupError(
            f"{spec}: data() returned named inputs that are not tensors of one length ({error}): let the tokeniser"
            " pad them, and return tensors"
        ) from error


def fit_dtype(model: nn.Module, x: Inputs) -> Any:
    """Examples in a dtype of the model's: left alone where they are no floats or have one of its own."""
    if isinstance(x, NamedInputs):
        return x
    dtypes = [p.dtype.to_real() for p in model.parameters() if p.is_floating_point() or p.is_complex()]
    return x if not x.is_floating_point() or x.dtype in dtypes else x.to(dtypes[0])


def ask(model: nn.Module, x: Inputs) -> Any:
    """What a model answers, as it is. Named inputs are its keywords."""
    return model(**x.parts) if isinstance(x, NamedInputs) else model(x)


def answer_of(model: nn.Module, x: Inputs) -> torch.Tensor:
    """What a model answers to examples, as a tensor: as it is, an object's `logits`, or a tuple's first part.

    Raises SetupError for any other answer.
    """
    answer = ask(model, x)
    if isinstance(answer, torch.Tensor):
        return answer
    found = getattr(answer, "logits", None)
    if found is None and isinstance(answer, tuple | list) and answer:
        found = answer[0]
    if not isinstance(found, torch.Tensor):
        raise SetupError(
            f"the model answers with {describe_kind(answer)}: return a tensor, an object with `logits`, or a tuple"
            " whose first part is a tensor"
        )
    return found
