"""What the calls burn is known to the unit, and what a node allows for them is enough."""

import json

import pytest

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.transactions.gas_limits import gas_limit
from scripts.contracts.gas import GAS_FILE, SIZES, Figures, code_sizes, measure
from tests.support.contract.calldata import functions

TRANSACTION_MOST = 2**24
# Blocks of 16 million gas are the smallest that a circle is deployed in.
DEPLOYMENT_MOST = 16_000_000
PEER_ROUND_MOST = {8: 100_000, 256: 80_000}
CALLS = functions(load_circle_artifact(), views=False)


@pytest.fixture(scope="module")
def held() -> dict[int, Figures]:
    """The gas in contracts/gas.json."""
    written = json.loads(GAS_FILE.read_text())
    return {seats: written[str(seats)] for seats in SIZES}


@pytest.mark.parametrize("seats", SIZES)
def test_the_gas_file_holds_what_is_measured(held: dict[int, Figures], seats: int) -> None:
    assert held[seats] == measure(seats), (
        "after a change of the contract run `python -m scripts.contracts.measure_gas`"
    )


def test_the_gas_file_holds_how_large_the_codes_are_and_both_may_be_deployed() -> None:
    sizes = code_sizes()
    assert json.loads(GAS_FILE.read_text())["code"] == sizes, "run `python -m scripts.contracts.measure_gas`"
    assert min(size["left_bytes"] for size in sizes.values()) >= 0


@pytest.mark.parametrize("call", CALLS)
def test_every_function_is_measured_and_a_nodes_gas_limit_leaves_a_quarter_above_the_worst(
    held: dict[int, Figures], call: str
) -> None:
    for seats, figures in held.items():
        worst = max(gas for name, gas in figures.items() if name == call or name.endswith(f"_{call}"))
        limit = gas_limit(call, seats)
        assert limit is None or limit * 4 >= worst * 5


def test_every_call_fits_a_transaction(held: dict[int, Figures]) -> None:
    assert max(max(figures.values()) for figures in held.values()) < TRANSACTION_MOST
    assert (gas_limit("settle", 256) or 0) < TRANSACTION_MOST


def test_each_deploying_transaction_fits_a_block_of_16_million(held: dict[int, Figures]) -> None:
    for figures in held.values():
        assert max(figures["deploy"], figures["deploy_court"]) < DEPLOYMENT_MOST


@pytest.mark.parametrize("kind", ["quiet", "rejecting"])
@pytest.mark.parametrize("seats", PEER_ROUND_MOST)
def test_a_peers_round_stays_below_its_bar_in_the_smallest_and_the_largest_circle(
    held: dict[int, Figures], seats: int, kind: str
) -> None:
    assert held[seats][f"{kind}_peer_round"] <= PEER_ROUND_MOST[seats]
