"""A random circle as the live page sees it, with the time of each of its blocks known."""

from typing import Final

from tests.support.histories.stories import Story
from tests.support.stand_ins import as_any
from tests.support.watched_circle import WatchedCircle

ALL_ENDS: Final = 50
"""The number of a circle whose disputes end in every way."""
BLOCK_S: Final = 1_800_000_000
"""When block 0 was made; each other comes a second later."""


def watch(number: int, rounds: int = 5) -> WatchedCircle:
    """The circle of a number."""
    source = WatchedCircle(as_any(Story(number, rounds)))
    for block in range(source.view.block + 1):
        source.view.times.put(block, BLOCK_S + block)
    return source
