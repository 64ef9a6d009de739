"""Networks that weigh every symbol for the next one, at each place of a window.

All take symbols, (n, places), int64, and return logits, (n, places, symbols), float32.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import nn

from ledger.errors import UsageError
from node.tasks.transformer import Block

LSTM, TRANSFORMER = "lstm", "transformer"
_HEADS: Final = 4
_DEPTH: Final = 2
# Small, so that a frame's step, which follows from the largest value, is fine.
_DEVIATION: Final = 0.1


class LongMemory(nn.Module):
    """An embedding, one LSTM, and a linear layer. Source: Hochreiter and Schmidhuber 1997."""

    def __init__(self, symbols: int, context: int, width: int) -> None:  # noqa: ARG002
        super().__init__()
        self.symbol = nn.Embedding(symbols, width)
        self.memory = nn.LSTM(width, width, batch_first=True)
        self.output = nn.Linear(width, symbols)
        nn.init.normal_(self.symbol.weight, std=_DEVIATION)

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.output(self.memory(self.symbol(symbols))[0])
        return logits


class Attention(nn.Module):
    """A decoder-only transformer of two blocks.

    Every layer is called, and none of its weights taken by hand, so that private training has a closed form for it.
    """

    def __init__(self, symbols: int, context: int, width: int) -> None:
        super().__init__()
        if width % _HEADS:
            raise UsageError(f"width is {width}: give a multiple of {_HEADS} for network={TRANSFORMER}")
        self.symbol, self.place = nn.Embedding(symbols, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, _HEADS) for _ in range(_DEPTH))
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, symbols)
        for embedding in (self.symbol, self.place):
            nn.init.normal_(embedding.weight, std=_DEVIATION)

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        places = torch.arange(symbols.shape[1], device=symbols.device).expand(symbols.shape)
        x = self.symbol(symbols) + self.place(places)
        for block in self.blocks:
            x = block(x)
        logits: torch.Tensor = self.output(self.norm(x))
        return logits


NETWORKS: Final[Mapping[str, type[nn.Module]]] = {LSTM: LongMemory, TRANSFORMER: Attention}
