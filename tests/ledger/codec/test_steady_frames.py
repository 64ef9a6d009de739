"""Codec v1's steady frames: one value that grows does not round all others anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.codec import LARGEST, PLAIN, SNAPSHOTS, Blocks, decode, quantise

pytestmark = pytest.mark.rule("R9.3")

COUNT = 4096
BLOCKS = Blocks((COUNT,))
STEP = 2.0**-5  # of values up to 3.97


def resting(generator: np.random.Generator) -> NDArray[np.float32]:
    """(4096,), float32, on the steps of their frame, the first at its end."""
    values = np.clip(generator.standard_normal(COUNT, dtype=np.float32), -3.9, 3.9)
    values[0] = 127 * STEP
    return to_float(quantise(values, BLOCKS).state)


@pytest.mark.parametrize("codec", SNAPSHOTS)
def test_a_value_that_grows_past_its_steps_leaves_those_that_rest_where_they_are(codec: str) -> None:
    values = resting(np.random.default_rng(0))
    grown = values.copy()
    grown[0] += 0.01

    plain, steady = (to_float(quantise(grown, BLOCKS, codec, is_steady=one).state) for one in (False, True))

    assert np.linalg.norm(plain - values) > 1
    assert (steady == values).all()


def test_what_is_cut_off_is_left_over_for_the_next_round() -> None:
    wanted = resting(np.random.default_rng(1))
    wanted[0] += 0.01

    left_over = wanted - to_float(quantise(wanted, BLOCKS, is_steady=True).state)

    assert left_over[0] == pytest.approx(0.01, abs=1e-6)
    assert not left_over[1:].any()


def test_a_block_whose_largest_value_is_far_beyond_takes_the_coarser_step() -> None:
    values = resting(np.random.default_rng(2))
    values[0] = 6.0

    assert quantise(values, BLOCKS, is_steady=True).payload == quantise(values, BLOCKS).payload


def test_a_block_in_motion_is_rounded_as_ever() -> None:
    generator = np.random.default_rng(3)
    values = resting(generator) + generator.normal(0, 0.01, COUNT).astype(np.float32)
    values[0] = 127.3 * STEP

    assert quantise(values, BLOCKS, is_steady=True).payload == quantise(values, BLOCKS).payload


@given(
    st.lists(st.floats(-LARGEST, LARGEST, width=32), min_size=1, max_size=60),
    st.lists(st.integers(1, 20), min_size=1),
)
def test_a_steady_frame_decodes_to_its_state_and_loses_no_more_than_a_plain_one(
    values: list[float], sizes: list[int]
) -> None:
    vector = np.resize(np.array(values, np.float32), sum(sizes))
    blocks = Blocks(tuple(sizes))

    plain, steady = (quantise(vector, blocks, PLAIN, is_steady=one) for one in (False, True))

    assert (decode(steady.payload, PLAIN, blocks) == steady.state).all()
    lost, lost_plainly = (
        np.square(vector.astype(np.float64) - to_float(one.state)).sum() for one in (steady, plain)
    )
    assert lost <= lost_plainly * (1 + 1e-6)
