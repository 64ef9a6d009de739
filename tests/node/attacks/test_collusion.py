"""What poisoners of a circle come to know: what was published, what follows from it, and nothing of this round."""

from collections.abc import Collection, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.records import decode_record
from ledger.fetch.fetcher import Unavailable
from ledger.judging.frame_chains import (
    CircleTask,
    StateCache,
    decode_public_state,
    find_frame_chain,
    make_fetched_update,
)
from ledger.judging.replay import make_judge_round
from ledger.rules.judge_memory import CarriedState
from node.attacks.collusion import Collusion, make_empty_verdicts
from tests.support.histories.circles import NETWORK, Circle, genesis_state

GANG = (3, 4)


def collusion_in(circle: Circle, lost: Collection[bytes] = ()) -> Collusion:
    async def fetch(wanted: Mapping[bytes, int], max_bytes: int) -> dict[bytes, bytes | None]:
        for digest in wanted:
            if digest in lost:
                raise Unavailable(digest, {})
        return {digest: circle.blobs[digest] for digest in wanted}

    return Collusion(lambda: circle.known, NETWORK.domain_separator, GANG, genesis_state(), fetch)


def state_of(circle: Circle, number: int, seat: int) -> NDArray[np.float32]:
    round_ = circle.known.rounds[number - 1]
    fetched = make_fetched_update(find_frame_chain(circle.known, round_, seat), round_.tenures[seat], circle.blobs)
    return to_float(
        decode_public_state(fetched, CircleTask(circle.manifest, NETWORK.domain_separator, StateCache())).state
    )


@pytest.mark.parametrize("rule", ["balance", "tether"])
async def test_accomplices_know_every_honest_peers_last_state_base_and_memory(rule: str) -> None:
    circle = Circle(seats=5, rounds=3, rule=rule, rule_parameters={})
    known = await collusion_in(circle).look(4)
    assert sorted(known.honest) == sorted(known.bases) == [0, 1, 2]
    assert known.peers == 5
    for seat in known.honest:
        assert np.array_equal(known.honest[seat], state_of(circle, 3, seat))
        assert np.array_equal(known.bases[seat], to_float(circle.carried[seat].base))
        assert known.memories[seat].digest() == circle.carried[seat].memory.digest()


async def test_of_the_round_under_way_nothing_is_known() -> None:
    circle = Circle(seats=5, rounds=3)
    collusion = collusion_in(circle)
    first = await collusion.look(1)
    assert (first.honest, first.bases) == ({}, {})
    for number in (2, 3):
        known = await collusion.look(number)
        assert np.array_equal(known.honest[0], state_of(circle, number - 1, 0))


async def test_a_lost_update_costs_the_knowledge_of_it_and_no_more() -> None:
    circle = Circle(seats=5, rounds=2)
    known = await collusion_in(circle, lost={circle.updates[2, 0]}).look(3)
    assert np.array_equal(known.honest[0], state_of(circle, 1, 0))
    assert np.array_equal(known.honest[1], state_of(circle, 2, 1))
    # Whose judgement hung on it cannot be followed, so that its state stands in for its base.
    assert known.bases == {}


async def test_a_reorganised_chain_is_read_anew() -> None:
    before, after = Circle(seats=5, rounds=2), Circle(seats=5, rounds=2, degree=3)
    after.known.rounds[0].seed = bytes(32)
    held = [before]
    collusion = collusion_in(after)
    collusion._present = lambda: held[0].known
    await collusion.look(3)
    held[0] = after
    known = await collusion.look(3)
    assert sorted(known.honest) == [0, 1, 2]
    assert collusion._seeds == [round_.seed for round_ in after.known.rounds]


def test_whoever_cannot_be_read_judges_nobody_and_stays_where_it_is() -> None:
    circle = Circle(seats=5, rounds=1)
    round_ = circle.known.rounds[0]
    carried = CarriedState(genesis_state())
    idle = make_empty_verdicts(
        NETWORK.domain_separator, make_judge_round(circle.known, round_, 3), circle.author(3), bytes(32), carried
    )
    assert (idle.judged, idle.accepted, idle.entries, idle.carried) == (0, 0, (), carried)
    record = decode_record(idle.record)
    assert (record.author, record.entries, record.base) == (circle.author(3), (), record.next_base)
