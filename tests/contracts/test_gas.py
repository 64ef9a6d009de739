"""What the calls burn is known to the unit, and what a node allows for them is enough."""

import json

import pytest
from circle_gas import GAS_FILE, SIZES, measure

from ledger.chain.sender import gas_limit

BLOCK_SHARE = 2**24
CALLS = ("join", "move", "wake", "commit", "advance", "attest", "settle")


@pytest.fixture(scope="module")
def held() -> dict[int, dict[str, int]]:
    """The figures in contracts/gas.json."""
    return {int(seats): figures for seats, figures in json.loads(GAS_FILE.read_text()).items()}


@pytest.mark.parametrize("seats", SIZES)
def test_the_gas_file_holds_what_is_measured(held: dict[int, dict[str, int]], seats: int) -> None:
    assert held[seats] == measure(seats), "after a change of the contract run `python scripts/measure_gas.py`"


@pytest.mark.parametrize("call", CALLS)
def test_a_nodes_gas_limits_leave_a_quarter_above_the_worst(held: dict[int, dict[str, int]], call: str) -> None:
    for seats, figures in held.items():
        worst = max(gas for name, gas in figures.items() if name.split("_")[-1] == call)
        assert gas_limit(call, seats) * 4 >= worst * 5


def test_every_call_fits_a_transaction(held: dict[int, dict[str, int]]) -> None:
    assert max(max(figures.values()) for figures in held.values()) < BLOCK_SHARE
    assert gas_limit("settle", 256) < BLOCK_SHARE
