"""The default training and evaluation of multilayer perceptrons, a group of peers at a time.

A group's flat states are the rows of one matrix, and each layer's weights a strided view of it, so one batched
matrix product serves the same layer of all peers. The gradients are written out: matrix products accumulate them
straight into the velocities, which autograd cannot do. Measured for 784-128-10 on one core, ms an epoch of 1,000
examples: 10 to 13 in groups of 4, 16 to 21 peer by peer in this way, 28 by autograd, 37 by torch.func.vmap over it.
vmap does not pay for convolutions either: 830 for the small network of node.tasks.images, 440 peer by peer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from node.learning.layout import Layout
from node.simulator.data import Pair

_EVALUATED_AT_ONCE: Final = 500


@dataclass(frozen=True)
class StackedPerceptrons:
    """A stack of linear layers with ReLU between. Where weights and biases lie in the flat vector."""

    weights: tuple[tuple[int, int, int], ...]  # start, outputs, inputs
    biases: tuple[int, ...]  # start

    def train(
        self,
        states: torch.Tensor,
        data: Sequence[Pair],
        orders: Sequence[torch.Tensor],
        pushes: torch.Tensor | None = None,
        *,
        rate: float,
        momentum: float,
        batch: int,
    ) -> None:
        """One epoch of SGD with momentum on the cross-entropy for each peer, in place.

        states: (peers, d), float32. data: a peer's x (n, inputs), float32, and y (n,), int64, all of one n. orders:
        a peer's order of its examples, (n,). pushes: what the epoch's steps move by beside their gradients, all of
        them together, (peers, d), float32. Source: node.learning.training.train_by_choices, its steps in the same
        order.
        """
        velocities = torch.zeros_like(states)
        weights, biases = self._views(states)
        impulses, nudges = self._views(velocities)
        turned, wanted = [weight.mT for weight in weights], self._wanted(data, orders)
        parts = -(-len(orders[0]) // batch)
        room = torch.empty(len(data), -(-len(orders[0]) // parts), data[0][0].shape[1])
        first = 0
        for rows in zip(*[order.tensor_split(parts) for order in orders], strict=True):
            count = len(rows[0])
            x = room[:, :count]
            for into, (examples, _), some in zip(x, data, rows, strict=True):
                torch.index_select(examples, 0, some, out=into)
            outputs = self._forward(turned, biases, x)
            # The gradient of the mean cross-entropy by the last layer's outputs.
            back = torch.softmax(outputs[-1], 2).sub_(wanted[:, first : first + count]).div_(count)
            for layer in reversed(range(len(weights))):
                further = torch.bmm(back, weights[layer]) if layer else back
                impulses[layer].baddbmm_(back.mT, outputs[layer], beta=momentum)
                nudges[layer].mul_(momentum).add_(back.sum(1, keepdim=True))
                back = further.mul_(outputs[layer] > 0) if layer else back
            states.sub_(velocities, alpha=rate)
            if pushes is not None:
                states.add_(pushes, alpha=1 / parts)
            first += count

    def _wanted(self, data: Sequence[Pair], orders: Sequence[torch.Tensor]) -> torch.Tensor:
        """1 at each example's class and 0 at the others, in the order of training, (peers, n, classes), float32."""
        wanted = torch.zeros(len(data), len(orders[0]), self.weights[-1][1])
        for into, (_, y), order in zip(wanted, data, orders, strict=True):
            into.scatter_(1, y[order, None], 1.0)
        return wanted

    def compute_outputs(self, states: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Each peer's outputs for the same examples. x: (n, inputs). Returns (peers, n, classes)."""
        weights, biases = self._views(states)
        turned = [weight.mT for weight in weights]
        # In parts: the outputs of the first layer then stay in the cache.
        parts = [
            self._forward(turned, biases, some.expand(len(states), *some.shape))[-1]
            for some in torch.split(x, _EVALUATED_AT_ONCE)
        ]
        return torch.cat(parts, 1)

    def _forward(
        self, turned: Sequence[torch.Tensor], biases: Sequence[torch.Tensor], x: torch.Tensor
    ) -> list[torch.Tensor]:
        """The input and each layer's output, after its ReLU but for the last.

        turned: a layer's weights, (peers, inputs, outputs). biases: (peers, 1, outputs).
        """
        found = [x]
        for layer, (weight, bias) in enumerate(zip(turned, biases, strict=True)):
            y = torch.baddbmm(bias, found[-1], weight)
            found.append(y.relu_() if layer + 1 < len(turned) else y)
        return found

    def _views(self, states: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        peers, size = states.shape
        weights = [
            states.as_strided((peers, rows, columns), (size, columns, 1), start)
            for start, rows, columns in self.weights
        ]
        biases = [
            states.as_strided((peers, 1, rows), (size, rows, 1), start)
            for start, (_, rows, _) in zip(self.biases, self.weights, strict=True)
        ]
        return weights, biases


def stack_perceptrons(model: nn.Module, layout: Layout) -> StackedPerceptrons | None:
    """The model as a perceptron, None where it is anything else, or a tensor's unit is not 1."""
    if not isinstance(model, nn.Sequential) or any(layout.exponents):
        return None
    starts = {name: place.start for name, place in zip(layout.names, layout.blocks.tensors, strict=True)}
    weights, biases = [], []
    for place, layer in enumerate(model):
        wanted = nn.Linear if place % 2 == 0 else nn.ReLU
        # A subclass may compute anything.
        if type(layer) is not wanted:
            return None
        if isinstance(layer, nn.Linear):
            if layer.bias is None or not all(p.requires_grad for p in layer.parameters()):
                return None
            weights.append((starts[f"{place}.weight"], layer.out_features, layer.in_features))
            biases.append(starts[f"{place}.bias"])
    if len(model) % 2 == 0:
        return None
    return StackedPerceptrons(tuple(weights), tuple(biases))


def epoch_order(count: int, seed: int) -> torch.Tensor:
    """The order in which node.learning.training.train_one_epoch takes `count` examples."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def can_stack(data: Sequence[object]) -> bool:
    """Whether these peers' data fit one stack: float examples and class numbers, all of one size."""
    pairs = [pair for pair in data if isinstance(pair, tuple)]
    if len(pairs) != len(data):
        return False
    shapes = {(x.shape, x.dtype, y.dtype) for x, y in pairs}
    return len(shapes) == 1 and next(iter(shapes))[1:] == (torch.float32, torch.int64) and pairs[0][0].ndim == 2
