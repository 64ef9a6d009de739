"""A model taken out of a circle: one digest and one file for everybody, whatever was asked for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eth_hash.auto import keccak

from ledger.blobs.contents.records import state_digest
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Settled
from ledger.circle.history import History
from ledger.errors import SetupError, UsageError
from ledger.judging.circle_model import compute_lineage, find_lower_median
from node.blobs.store import BlockStore
from node.duties.circle_model import BaseLacking
from node.models.bundled import WalkedSource
from node.models.model_file import encode_model_file
from node.models.own_blobs import OwnBlobsFirst
from node.models.taking_out import find_blocks
from tests.support.histories.circles import GENESIS_BLOB, NETWORK, Away, Circle, genesis_state
from tests.support.model_files import Gateways, circle_of_three, source_of

pytestmark = pytest.mark.rule("R31.1")
LATE = 2


@pytest.fixture(scope="module")
def circle() -> Circle:
    """Three seats, four rounds; seat 2 commits in rounds 1 and 2."""
    return circle_of_three(4, cheats={LATE: Away(LATE, (3, 4))})


async def test_the_circles_model_is_named_by_the_digest_of_the_exact_median(circle: Circle) -> None:
    source = source_of(circle)
    found = await source.recompute(4, None)
    facts = source.make_facts(found)
    median = find_lower_median([circle.carried[seat].base for seat in (0, 1)])
    assert np.array_equal(found.state, median)
    assert (facts.round, facts.seat, facts.seats, facts.digest) == (4, None, (0, 1), state_digest(median))
    assert (facts.block, facts.block_hash) == (40, f"0x{4:064x}")


async def test_two_who_take_it_out_write_the_same_bytes_whatever_came_later(circle: Circle) -> None:
    late = source_of(circle)
    early = replace(late, history=circle.until(3), fetch=Gateways(circle))
    files = []
    for source in (early, late):
        found = await source.recompute(2, None)
        files.append(encode_model_file(source.make_facts(found), source.layout, found.state))
    assert files[0] == files[1]


@pytest.mark.parametrize(("seat", "asked", "belongs"), [(0, 4, 4), (0, 1, 1), (LATE, 2, 2), (LATE, 4, 2)])
async def test_a_seats_base_belongs_to_the_last_round_that_it_attested(
    circle: Circle, seat: int, asked: int, belongs: int
) -> None:
    source = source_of(circle)
    found = await source.recompute(asked, seat)
    facts = source.make_facts(found)
    assert (facts.round, facts.seat, facts.seats, facts.block) == (belongs, seat, (seat,), 10 * belongs)
    if asked == 4:
        assert np.array_equal(found.state, circle.carried[seat].base)


async def test_the_model_of_round_0_is_what_the_genesis_blob_decodes_to(circle: Circle) -> None:
    source = source_of(circle)
    facts = source.make_facts(await source.recompute(0, None))
    assert (facts.digest, facts.seats, facts.block) == (state_digest(genesis_state()), (), 0)


@pytest.mark.rule("R31.2")
async def test_lineage_commits_to_circle_task_round_and_all_that_happened_until_then(circle: Circle) -> None:
    source, opened, task = source_of(circle), History(circle.terms), circle.known.opened
    assert task is not None
    opened.apply(circle.events[0])
    for number, after in ((0, opened.hash), (2, settled_hash(circle, 2)), (4, circle.known.hash)):
        facts = source.make_facts(await source.recompute(number, None))
        assert facts.history == after
        said = NETWORK.domain_separator + task.task + number.to_bytes(32, "big") + after
        assert facts.lineage == keccak(said) == compute_lineage(NETWORK.domain_separator, task.task, number, after)


def settled_hash(circle: Circle, number: int) -> bytes:
    """The running hash right after a round's settlement."""
    folded = History(circle.terms)
    for event in circle.events:
        folded.apply(event)
        if isinstance(event, Settled) and event.round == number:
            return folded.hash
    raise AssertionError(f"round {number} is not settled")


async def test_what_is_not_there_is_said(circle: Circle) -> None:
    with pytest.raises(UsageError, match=r"round 5 is not settled: name one of 0\.\.4"):
        await source_of(circle).recompute(5, None)
    with pytest.raises(UsageError, match=r"no seat 3: its seats are 0\.\.2"):
        await source_of(circle).recompute(4, 3)
    with pytest.raises(SetupError, match="seat 1 has no base of its own in round 0"):
        await source_of(circle).recompute(0, 1)


async def test_a_blob_that_nobody_gives_is_named_with_the_seat_and_round(circle: Circle) -> None:
    lost = {circle.updates[4, 0], *(root for (_, _), root in circle.checkpoints.items())}
    with pytest.raises(BaseLacking, match="the base of seat 0 after round 4"):
        await source_of(circle, lost).recompute(4, None)


async def test_a_rule_that_nobody_can_recompute_has_no_model_but_its_genesis() -> None:
    private = circle_of_three(2, rule="ubar", rule_parameters={})
    source = source_of(private)
    assert (await source.recompute(0, None)).round == 0
    for seat in (None, 1):
        with pytest.raises(SetupError, match="the rule ubar judges by private data"):
            await source.recompute(2, seat)


async def test_a_folder_that_has_the_blobs_is_not_looked_beyond(circle: Circle, tmp_path: Path) -> None:
    store = BlockStore(tmp_path / "blobs")
    kept = [blob for root, blob in circle.blobs.items() if blob is not None and root != circle.updates[4, 1]]
    for blob in (GENESIS_BLOB, *kept):
        store.put(blob)
    beyond = Gateways(circle)
    source = replace(source_of(circle), fetch=OwnBlobsFirst(tmp_path, beyond))
    found = await source.recompute(4, None)
    assert np.array_equal(found.state, (await source_of(circle).recompute(4, None)).state)
    assert set(beyond.asked) == {circle.updates[4, 1]}
    with pytest.raises(UsageError, match="no node was here"):
        OwnBlobsFirst(tmp_path / "elsewhere", beyond)
    assert not (tmp_path / "elsewhere").exists()


def test_a_round_is_known_by_the_block_of_its_settlement(circle: Circle) -> None:
    placed = [PlacedEvent((n, 0), f"0x{n}", "", event) for n, event in enumerate(circle.events)]
    found = find_blocks(placed)
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert found[0] == (0, "0x0")
    assert found[4] == (len(placed) - 1, f"0x{len(placed) - 1}")


@pytest.mark.parametrize(("number", "seat"), [(4, None), (1, None), (0, None), (4, 1), (4, LATE)])
async def test_from_the_first_round_on_it_is_the_same_without_a_single_checkpoint(
    circle: Circle, number: int, seat: int | None
) -> None:
    wanted, walked = source_of(circle), source_of(circle, set(circle.checkpoints.values()))
    found = await WalkedSource(walked.network, walked.history, walked.blocks, walked.fetch).recompute(number, seat)
    assert wanted.make_facts(found) == wanted.make_facts(await wanted.recompute(number, seat))


async def test_from_the_first_round_on_a_lost_update_is_named_with_the_seat(circle: Circle) -> None:
    lost = {circle.updates[2, 0], *circle.checkpoints.values()}
    one = source_of(circle, lost)
    walked = WalkedSource(one.network, one.history, one.blocks, one.fetch)
    with pytest.raises(BaseLacking, match=r"the base of seat 0 after round 4") as error:
        await walked.recompute(4, 0)
    assert error.value.lacking.digest == circle.updates[2, 0]
    with pytest.raises(UsageError, match="round 9 is not settled"):
        await walked.recompute(9, None)
    with pytest.raises(SetupError, match="no base of its own"):
        await walked.recompute(0, 1)
