"""How a state is cut into blocks, each with a step of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 4096


@dataclass(frozen=True)
class Blocks:
    """At most `BLOCK` values a block, and a new block where a tensor begins: no block spans two tensors.

    So no tensor's values say how coarsely another one's are rounded.
    """

    sizes: tuple[int, ...]
    """The values of each tensor, in the order in which they lie in the state; 0 for an empty one."""

    @cached_property
    def state_size(self) -> int:
        """The state's length d."""
        return sum(self.sizes)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The values of each block, (count,), 1..BLOCK each."""
        whole, rest = np.divmod(np.array(self.sizes, np.int64), BLOCK)
        # Each tensor has its whole blocks, and one more for what is left.
        lengths = np.full(self.count, BLOCK, np.int64)
        ends = np.cumsum(whole + (rest > 0))
        lengths[ends[rest > 0] - 1] = rest[rest > 0]
        return lengths

    @cached_property
    def count(self) -> int:
        """How many blocks there are."""
        return sum(-(-size // BLOCK) for size in self.sizes)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each block ends in the state, (count,)."""
        return np.cumsum(self.lengths)

    @property
    def tensors(self) -> Iterator[slice]:
        """Where each tensor lies in the state."""
        start = 0
        for size in self.sizes:
            yield slice(start, start + size)
            start += size


@lru_cache(maxsize=64)
def blocks_of(sizes: tuple[int, ...]) -> Blocks:
    """The blocks of tensors of these sizes; what is reckoned of them once is kept (R9.2)."""
    return Blocks(sizes)
