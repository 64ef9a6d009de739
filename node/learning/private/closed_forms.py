"""Clipped sums of per-example gradients without the gradients: from what goes into each layer and what comes back.

For a linear layer the gradient of an example is the product of its input and of what comes back to its output, so
its norm follows from theirs, and the clipped sum is one product of matrices. Convolutions are linear in patches.
Source: Goodfellow 2015, arXiv:1510.01799; Bu, Wang, Zha and Karypis 2022, arXiv:2210.00038.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

Gradients = dict[torch.Tensor, torch.Tensor]
PerExampleLoss = Callable[..., torch.Tensor]


class NoClosedForm(Exception):
    """A layer, or the way a model uses it, has no closed form here."""


@dataclass(frozen=True)
class _Pass:
    """One layer's part in a pass over examples."""

    layer: nn.Module
    """The layer."""
    inputs: torch.Tensor
    """What went into it, (n, …)."""
    outputs: torch.Tensor
    """What came out of it, (n, …)."""


def sum_clipped(model: nn.Module, loss: PerExampleLoss, examples: Sequence[torch.Tensor], clip: float) -> Gradients:
    """The sum of the examples' gradients, each cut to length `clip` over all parameters together.

    loss: of the model and the parts of the examples; (n,). Raises NoClosedForm.
    """
    passes: list[_Pass] = []
    with _watching(model, passes):
        losses = loss(model, *examples)
    _check_passes(model, passes, losses)
    backs = torch.autograd.grad(losses.sum(), [one.outputs for one in passes], allow_unused=True)
    with torch.no_grad():
        return _sum_passes(passes, backs, clip)


def _sum_passes(passes: Sequence[_Pass], backs: Sequence[torch.Tensor | None], clip: float) -> Gradients:
    layers = [_make_layer(one, back) for one, back in zip(passes, backs, strict=True) if back is not None]
    if not layers:
        return {}
    squares = torch.stack([layer.compute_squares() for layer in layers]).sum(0)
    scales = compute_scales(squares.sqrt(), clip)
    if not bool(torch.isfinite(squares).all()):
        layers = [layer.without(~torch.isfinite(squares)) for layer in layers]
    found: Gradients = {}
    for layer in layers:
        found |= layer.sum_scaled(scales)
    return found


def compute_scales(norms: torch.Tensor, clip: float) -> torch.Tensor:
    """By what to multiply gradients of these norms, (n,), so that none is longer than `clip`.

    0 for one that is not finite: were it left in, a sum that is NaN would say that the example was there.
    """
    scales = (clip / norms.clamp(min=torch.finfo(norms.dtype).tiny)).clamp(max=1.0)
    return torch.where(torch.isfinite(norms), scales, torch.zeros_like(scales))


@contextmanager
def _watching(model: nn.Module, passes: list[_Pass]) -> Iterator[None]:
    def watch(layer: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> torch.Tensor:
        if len(inputs) != 1 or not isinstance(inputs[0], torch.Tensor) or not isinstance(outputs, torch.Tensor):
            raise NoClosedForm
        passes.append(_Pass(layer, inputs[0].detach(), outputs))
        # What works in place on the outputs must not change what was noted.
        return outputs.clone()

    handles = [
        layer.register_forward_hook(watch)
        for layer in model.modules()
        if any(one.requires_grad for one in layer.parameters(recurse=False))
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _check_passes(model: nn.Module, passes: Sequence[_Pass], losses: torch.Tensor) -> None:
    """Every trained parameter is in one pass over all examples: what is used twice adds up before it is clipped."""
    if losses.ndim != 1 or any(one.inputs.shape[:1] != losses.shape for one in passes):
        raise NoClosedForm
    passed = [one for each in passes for one in each.layer.parameters(recurse=False) if one.requires_grad]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if len(passed) != len(set(passed)) or set(passed) != set(trained):
        raise NoClosedForm


@dataclass(frozen=True)
class _Linear:
    """A linear layer's part in a pass."""

    weight: torch.Tensor
    """(out, in)."""
    bias: torch.Tensor | None
    """(out,); None where it has none."""
    inputs: torch.Tensor
    """(n, places, in)."""
    backs: torch.Tensor
    """Gradients of the outputs, (n, places, out)."""

    def compute_squares(self) -> torch.Tensor:
        places, width, height = self.inputs.shape[1], self.inputs.shape[2], self.backs.shape[2]
        squares = self.inputs.new_zeros(len(self.inputs))
        if self.weight.requires_grad:
            if places == 1:
                squares = self.inputs.square().sum((1, 2)) * self.backs.square().sum((1, 2))
            elif 2 * places * places < width * height:
                squares = ((self.inputs @ self.inputs.mT) * (self.backs @ self.backs.mT)).sum((1, 2))
            else:
                squares = (self.backs.mT @ self.inputs).square().sum((1, 2))
        if self.bias is not None and self.bias.requires_grad:
            squares = squares + self.backs.sum(1).square().sum(1)
        return squares

    def without(self, rows: torch.Tensor) -> "_Linear":
        return _Linear(self.weight, self.bias, _clear(self.inputs, rows), _clear(self.backs, rows))

    def sum_scaled(self, scales: torch.Tensor) -> Gradients:
        backs, found = (self.backs * scales[:, None, None]).flatten(0, 1), {}
        if self.weight.requires_grad:
            found[self.weight] = (backs.T @ self.inputs.flatten(0, 1)).view_as(self.weight)
        if self.bias is not None and self.bias.requires_grad:
            found[self.bias] = backs.sum(0)
        return found


@dataclass(frozen=True)
class _Embedding:
    """An embedding's part in a pass."""

    weight: torch.Tensor
    """(entries, width)."""
    places: torch.Tensor
    """Which entries were looked up, (n, places), int64."""
    backs: torch.Tensor
    """Gradients of the outputs, (n, places, width)."""

    def compute_squares(self) -> torch.Tensor:
        is_same = self.places[:, :, None] == self.places[:, None, :]
        return ((self.backs @ self.backs.mT) * is_same).sum((1, 2))

    def without(self, rows: torch.Tensor) -> "_Embedding":
        return _Embedding(self.weight, self.places, _clear(self.backs, rows))

    def sum_scaled(self, scales: torch.Tensor) -> Gradients:
        backs = (self.backs * scales[:, None, None]).flatten(0, 1)
        return {self.weight: torch.zeros_like(self.weight).index_add_(0, self.places.flatten(), backs)}


@dataclass(frozen=True)
class _Scale:
    """A normalisation's scale and shift."""

    layer: nn.Module
    """The normalisation."""
    weights: torch.Tensor
    """Its scale's gradients by example, (n, …)."""
    biases: torch.Tensor
    """Its shift's gradients by example, (n, …)."""

    def compute_squares(self) -> torch.Tensor:
        squares = [one.flatten(1).square().sum(1) for _, one in self._trained()]
        return torch.stack(squares).sum(0)

    def without(self, rows: torch.Tensor) -> "_Scale":
        return _Scale(self.layer, _clear(self.weights, rows), _clear(self.biases, rows))

    def sum_scaled(self, scales: torch.Tensor) -> Gradients:
        return {parameter: torch.tensordot(scales, one, 1) for parameter, one in self._trained()}

    def _trained(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for parameter, one in ((self.layer.weight, self.weights), (self.layer.bias, self.biases)):
            if isinstance(parameter, nn.Parameter) and parameter.requires_grad:
                yield parameter, one


_Layer = _Linear | _Embedding | _Scale


def _make_linear(layer: nn.Linear, inputs: torch.Tensor, backs: torch.Tensor) -> _Layer:
    if inputs.ndim < 2:
        raise NoClosedForm
    flat_inputs = inputs.reshape(len(inputs), -1, inputs.shape[-1])
    return _Linear(layer.weight, layer.bias, flat_inputs, backs.reshape(len(backs), -1, backs.shape[-1]))


def _make_convolution(layer: nn.Conv2d, inputs: torch.Tensor, backs: torch.Tensor) -> _Layer:
    if inputs.ndim != 4 or layer.groups != 1 or layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise NoClosedForm
    patches = nn.functional.unfold(
        inputs, layer.kernel_size, dilation=layer.dilation, padding=layer.padding, stride=layer.stride
    )
    return _Linear(layer.weight, layer.bias, patches.mT, backs.flatten(2).mT)


def _make_embedding(layer: nn.Embedding, inputs: torch.Tensor, backs: torch.Tensor) -> _Layer:
    if inputs.ndim < 1 or layer.max_norm is not None or layer.scale_grad_by_freq or layer.sparse:
        raise NoClosedForm
    places, flat = inputs.reshape(len(inputs), -1), backs.reshape(len(inputs), -1, backs.shape[-1])
    if layer.padding_idx is not None:
        flat = flat.masked_fill((places == layer.padding_idx)[:, :, None], 0.0)
    return _Embedding(layer.weight, places, flat)


def _make_layer_norm(layer: nn.LayerNorm, inputs: torch.Tensor, backs: torch.Tensor) -> _Layer:
    between = tuple(range(1, inputs.ndim - len(layer.normalized_shape)))
    if inputs.ndim <= len(layer.normalized_shape):
        raise NoClosedForm
    normal = nn.functional.layer_norm(inputs, layer.normalized_shape, None, None, layer.eps)
    return _Scale(layer, *((one.sum(between) if between else one) for one in (backs * normal, backs)))


def _make_group_norm(layer: nn.GroupNorm, inputs: torch.Tensor, backs: torch.Tensor) -> _Layer:
    normal = nn.functional.group_norm(inputs, layer.num_groups, None, None, layer.eps)
    return _Scale(layer, *(one.flatten(2).sum(2) if one.ndim > 2 else one for one in (backs * normal, backs)))


_MAKERS: Final[Mapping[type[nn.Module], Callable[..., _Layer]]] = {
    nn.Linear: _make_linear,
    nn.Conv2d: _make_convolution,
    nn.Embedding: _make_embedding,
    nn.LayerNorm: _make_layer_norm,
    nn.GroupNorm: _make_group_norm,
}


def _make_layer(one: _Pass, backs: torch.Tensor) -> _Layer:
    # Exactly these classes: what is made of one may do otherwise.
    maker = _MAKERS.get(type(one.layer))
    if maker is None:
        raise NoClosedForm
    return maker(one.layer, one.inputs, backs)


def _clear(values: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Zeros in some rows. rows: (n,), bool."""
    return values.masked_fill(rows.view(-1, *(1,) * (values.ndim - 1)), 0.0)
