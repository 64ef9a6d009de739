"""The circle's model of a round is recomputed from chain and blobs, the same whichever blobs it is come to by."""

from collections.abc import Collection

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import Update
from ledger.fetch.fetcher import Unavailable
from ledger.judging.circle_model import encode_model, find_first_commit, find_lower_median
from node.duties.circle_model import BaseLacking, CircleModel, recompute_model
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Away, Circle, FalseJudge, Honest
from tests.support.model_files import Gateways

pytestmark = pytest.mark.rule("R31")
ROUNDS = 5


class Garbled(Honest):
    """Commits what is no update in the last round, and attests."""

    def blob(self, number: int, update: Update) -> bytes | None:
        return b"FM nothing" if number == ROUNDS else super().blob(number, update)


def circle_of(rule: str, codec: str = "delta", cheats: dict[int, Honest] | None = None) -> Circle:
    parameters = {} if rule == "tether" else {"gamma_milli": 300, "kappa_milli": 500}
    return Circle(
        seats=5,
        rounds=ROUNDS,
        rule=rule,
        rule_parameters=parameters,
        codec=codec,
        genesis=GENESIS_ROOT.hex(),
        cheats=cheats or {},
    )


async def model_of(circle: Circle, number: int, lost: Collection[bytes] = ()) -> CircleModel:
    return await recompute_model(circle.history(), NETWORK.domain_separator, number, Gateways(circle, lost))


@pytest.mark.parametrize(("rule", "codec"), [("tether", "delta"), ("tether", "int8-zstd"), ("balance", "delta")])
async def test_it_is_the_middle_of_the_bases_that_the_peers_themselves_go_on_with(rule: str, codec: str) -> None:
    circle = circle_of(rule, codec)
    bases = [circle.carried[seat].base for seat in range(5)]
    assert len({base.tobytes() for base in bases}) > 1
    wanted = encode_model(find_lower_median(bases), circle.manifest.sizes)
    assert await model_of(circle, ROUNDS) == CircleModel(ROUNDS, (0, 1, 2, 3, 4), wanted)


async def test_whoever_lacks_a_checkpoint_looks_behind_it_and_finds_the_same() -> None:
    circle = circle_of("tether")
    lost = {root for (number, _), root in circle.checkpoints.items() if number == 4}
    assert lost
    assert await model_of(circle, ROUNDS, lost) == await model_of(circle, ROUNDS)


async def test_it_is_the_same_while_the_circle_goes_on_and_after() -> None:
    circle = circle_of("tether")
    then = await recompute_model(circle.until(4), NETWORK.domain_separator, 3, Gateways(circle))
    assert then == await model_of(circle, 3)


async def test_a_false_judge_has_the_base_that_its_verdicts_give_and_not_what_it_says() -> None:
    circle = circle_of("tether", cheats={2: FalseJudge(2, 0, (ROUNDS,)), 1: Garbled(1)})
    found = await model_of(circle, ROUNDS)
    before = circle_of("tether").carried
    assert found.seats == (0, 1, 2, 3, 4)
    assert found.round == ROUNDS
    # What commits no update keeps its base (R15).
    last = circle_of("tether", cheats={1: Away(1, (ROUNDS,))}).carried[1].base
    assert np.array_equal(circle.carried[1].base, last)
    assert not np.array_equal(before[1].base, last)


async def test_before_a_seats_first_update_nothing_of_it_is_in_the_model() -> None:
    """The same circle with and without the seat's training, up to the round that it began in."""

    class Loud(Away):
        def trained(self, number: int, base: GridState) -> NDArray[np.float32]:
            return super().trained(number, base) * np.float32(1.001)

    quiet, loud = (circle_of("tether", cheats={4: kind(4, (1, 2, 3))}) for kind in (Away, Loud))
    first = find_first_commit(loud.history(), 4)
    assert first == 4
    assert await model_of(quiet, first - 1) == await model_of(loud, first - 1)
    assert await model_of(quiet, first) != await model_of(loud, first)


async def test_before_round_1_there_is_the_genesis_to_the_byte() -> None:
    assert await model_of(circle_of("tether"), 0) == CircleModel(0, (), GENESIS_BLOB)


async def test_what_is_not_to_be_had_is_named_with_the_seat_and_the_round() -> None:
    circle = circle_of("balance")
    lost = circle.updates[ROUNDS, 3]
    with pytest.raises(BaseLacking) as caught:
        await model_of(circle, ROUNDS, {lost})
    judges = {
        seat for seat, said in circle.history().rounds[ROUNDS - 1].attestations.items() if said.judged >> 3 & 1
    } | {3}
    assert caught.value.seat == min(judges)
    assert caught.value.round_number == ROUNDS
    assert caught.value.lacking.digest == lost


async def test_without_the_circles_genesis_nothing_is_found() -> None:
    with pytest.raises(Unavailable):
        await model_of(circle_of("balance"), ROUNDS, {GENESIS_ROOT})
