"""A judge's memory: who is who, its digest, and the file it survives in."""

import hashlib
import struct

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.judge_memory import AuthorTrace, JudgeMemory

pytestmark = pytest.mark.rule("R8")

int32s = st.integers(-(2**31), 2**31 - 1)
traces = st.builds(
    AuthorTrace,
    tenure=st.integers(1, 2**32 - 1),
    meetings=st.integers(0, 2**32 - 1),
    values=st.lists(int32s, max_size=5).map(lambda values: np.array(values, np.int32)),
)
memories = st.builds(
    JudgeMemory, seed=st.sampled_from([b"", bytes(32)]), traces=st.dictionaries(st.integers(0, 255), traces)
)


def remembering(*values: int, seat: int = 3, tenure: int = 2) -> JudgeMemory:
    return JudgeMemory(bytes(32), {seat: AuthorTrace(tenure, 1, np.array(values, np.int32))})


def test_the_next_holder_of_a_seat_is_a_stranger() -> None:
    memory = remembering(1, tenure=2)
    assert memory.trace_of(3, 2) is memory.traces[3]
    assert memory.trace_of(3, 3) is None
    assert memory.trace_of(4, 2) is None


@given(memories)
def test_the_digest_is_over_every_integer_in_the_order_of_the_seats(memory: JudgeMemory) -> None:
    packed = bytes([len(memory.seed)]) + memory.seed
    for seat, trace in sorted(memory.traces.items()):
        head = struct.pack("<H3I", seat, trace.tenure, trace.meetings, len(trace.values))
        packed += head + struct.pack(f"<{len(trace.values)}i", *trace.values.tolist())
    assert memory.digest() == hashlib.sha256(packed).digest()


@given(memories)
def test_a_file_gives_back_what_was_remembered(memory: JudgeMemory) -> None:
    found = JudgeMemory.from_fields(msgpack.unpackb(msgpack.packb(memory.to_fields()), strict_map_key=False))
    assert found.digest() == memory.digest()
    assert found.seed == memory.seed


def test_another_value_seat_tenure_or_seed_is_another_digest() -> None:
    told = [
        remembering(1, 2),
        remembering(1, 3),
        remembering(1, 2, seat=4),
        remembering(1, 2, tenure=3),
        JudgeMemory(),
    ]
    assert len({memory.digest() for memory in told}) == len(told)
