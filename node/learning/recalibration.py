"""Running statistics for weights that nobody has trained with: a mixed model's, or somebody else's.

Batch normalisation answers by the means and variances that its training met. They stay with the peer, and after
mixing the weights before them are others. So they are taken anew, over own examples, before a model is judged.
"""

from collections.abc import Iterable
from typing import Final

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from node.tasks.pairs import ask

_EXAMPLES: Final = 1000
_AT_ONCE: Final = 100


def find_normalisations(model: nn.Module) -> dict[str, _BatchNorm]:
    """The layers that keep running statistics, by name."""
    found = {name: layer for name, layer in model.named_modules() if isinstance(layer, _BatchNorm)}
    return {name: layer for name, layer in found.items() if layer.running_mean is not None}


@torch.no_grad()
def recalibrate(model: nn.Module, x: torch.Tensor, layers: Iterable[_BatchNorm]) -> None:
    """Take the statistics of these layers anew, in place; the model is left as for answering.

    x: own examples (n, …), as the model takes them. Of more than a thousand some; one alone changes nothing.
    """
    chosen = list(layers)
    model.eval()
    if len(x) < 2 or not chosen:
        return
    momenta = [layer.momentum for layer in chosen]
    for layer in chosen:
        layer.reset_running_stats()
        layer.momentum = None  # the mean of all batches, not a moving one
        layer.train()
    rows = torch.arange(0, len(x), -(-len(x) // _EXAMPLES))
    for some in rows.tensor_split(-(-len(rows) // _AT_ONCE)):
        ask(model, x[some])
    for layer, momentum in zip(chosen, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
