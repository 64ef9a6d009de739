"""How many values of a frame may need more than a byte: one bound, which every reader draws at the same place."""

import numpy as np
import pytest

from ledger.codec import MalformedFrame
from ledger.codec.blocks import Blocks
from ledger.codec.delta import OPEN, WIDE, Sections, decode_delta, nibbles_of, pack
from ledger.codec.header import DENSE, KEY_FRAME

pytestmark = pytest.mark.rule("R9.4")


def frame_with_wides(blocks: Blocks, count: int) -> bytes:
    """A key frame whose first values are wide codes, as many as wanted."""
    map_ = np.zeros(blocks.state_size, np.int8)
    map_[:count] = OPEN
    steps, codes = np.zeros(blocks.count, np.uint8), np.full(count, WIDE, np.int8)
    return pack(KEY_FRAME, DENSE, Sections(steps, nibbles_of(map_), codes, np.full(count, 1000, np.int32)))


@pytest.mark.parametrize(("size", "most"), [(1023, 8), (1024, 9), (2047, 9), (2048, 10), (1 << 20, 1032)])
def test_a_frame_has_eight_wide_codes_at_most_and_one_more_for_each_1024_values(size: int, most: int) -> None:
    """R9.4. Two readers that differ by one would hold two states for one digest."""
    blocks = Blocks((size,))
    state = decode_delta(frame_with_wides(blocks, most), blocks)
    assert np.count_nonzero(state) == most
    with pytest.raises(MalformedFrame, match="bytes of wide codes"):
        decode_delta(frame_with_wides(blocks, most + 1), blocks)
