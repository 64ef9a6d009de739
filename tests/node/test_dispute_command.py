"""`folkmoot dispute` recomputes before it pledges: each blob is fetched once, and a missing one is named."""

from types import SimpleNamespace

import pytest
from circles import NETWORK, Away, Circle, FalseJudge
from endpoint import Blobs
from test_jury import GENESIS

from ledger.audit.jury import Truth
from ledger.blobs.unixfs import build
from node.cli.dispute import _recompute
from node.jury import Answered


@pytest.fixture
def circle() -> Circle:
    """Seat 1 pauses; seat 2 lies about seat 0 in round 6."""
    cheats = {1: Away(1, (3, 4)), 2: FalseJudge(2, 0, (6,))}
    genesis = build(GENESIS).root.hex()
    return Circle(rounds=6, rule="tether", rule_parameters={}, codec="delta", genesis=genesis, cheats=cheats)


def recomputing(circle: Circle, judge: int, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr("ledger.blobs.fetch.BlobFetcher", lambda: blobs)
    options = SimpleNamespace(round=6, judge=judge, target=0, timeout=5.0)
    return _recompute(options, SimpleNamespace(history=circle.history(), circle=SimpleNamespace(network=NETWORK)))  # type: ignore[arg-type]


@pytest.mark.parametrize("judge", [2, 3])
async def test_the_liar_is_found_and_the_record_it_should_have_anchored(
    circle: Circle, judge: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = Blobs({build(GENESIS).root: GENESIS, **circle.blobs})
    anchored = circle.known.rounds[5].attestations[judge].record
    truth = Truth.FALSE if judge == 2 else Truth.RIGHT
    assert await recomputing(circle, judge, blobs, monkeypatch) == (Answered(truth), anchored)
    assert len(blobs.asked) == len(set(blobs.asked)), "verdict and record need the same blobs"


async def test_a_blob_that_nobody_serves_is_named(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = circle.updates[6, 1]
    blobs = Blobs(
        {root: blob for root, blob in circle.blobs.items() if root != lost} | {build(GENESIS).root: GENESIS}
    )
    answered, record = await recomputing(circle, 3, blobs, monkeypatch)
    assert (answered.truth, answered.lacking.digest, record) == (Truth.WITHHELD, lost, bytes(32))
