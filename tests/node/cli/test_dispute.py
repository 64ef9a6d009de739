"""`folkmoot dispute` recomputes before it pledges, each blob fetched once, and tells what has happened."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.chain.transactions.receipts import Reverted
from ledger.circle.events import WITHOUT_RECORD
from ledger.errors import SetupError, UsageError
from ledger.judging.false_verdicts import Truth
from node.cli.dispute import _summon, check_worth
from node.cli.recomputing import Recomputed, check_timeout, fetch_and_recompute
from tests.support.circle_endpoint import Blobs
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Away, Circle, FalseJudge
from tests.support.histories.disputes import Court


@pytest.fixture
def circle() -> Circle:
    """Seat 1 pauses; seat 2 lies about seat 0 in round 6."""
    cheats = {1: Away(1, (3, 4)), 2: FalseJudge(2, 0, (6,))}
    genesis = GENESIS_ROOT.hex()
    return Circle(rounds=6, rule="tether", rule_parameters={}, codec="delta", genesis=genesis, cheats=cheats)


def recomputing(circle: Circle, judge: int, target: int, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("ledger.fetch.fetcher.BlobFetcher", lambda daemon=None: blobs)
    opened: Any = SimpleNamespace(history=circle.history(), circle=SimpleNamespace(network=NETWORK))
    return fetch_and_recompute(opened, 6, judge, target, 5.0)


@pytest.mark.parametrize("judge", [2, 3])
@pytest.mark.parametrize("is_about_record", [False, True])
async def test_the_liar_is_found_and_the_record_it_should_have_anchored(
    circle: Circle, judge: int, is_about_record: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = Blobs({GENESIS_ROOT: GENESIS_BLOB, **circle.blobs})
    anchored = circle.known.rounds[5].attestations[judge].record
    found = await recomputing(circle, judge, judge if is_about_record else 0, blobs, monkeypatch)
    # The liar's record is the true one, and clears it of nothing: it lied on chain alone.
    truth = Truth.FALSE if judge == 2 else Truth.RIGHT
    assert found == Recomputed(truth, "", anchored)
    assert len(blobs.asked) == len(set(blobs.asked)), "verdict and record need the same blobs"


async def test_a_blob_that_nobody_serves_is_named(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = circle.updates[6, 1]
    shown = {root: blob for root, blob in circle.blobs.items() if root != lost}
    blobs = Blobs({GENESIS_ROOT: GENESIS_BLOB, **shown})
    found = await recomputing(circle, 3, 0, blobs, monkeypatch)
    assert (found.truth, found.record) == (Truth.WITHHELD, WITHOUT_RECORD)
    assert lost.hex()[:12] in found.lacking


# ------------------------------------------------------------------------------------- what a bond is put on


def options(**chosen: bool) -> Any:
    return SimpleNamespace(round=1, judge=0, **{"anyway": False, "withheld": False, **chosen})


def worth(truth: Truth | None, **chosen: bool) -> None:
    opened: Any = SimpleNamespace(history=Court().history)
    check_worth(options(**chosen), opened, 5, Recomputed(truth, "blob abc is not to be had", bytes(32)))


def test_a_claim_that_recomputing_shows_to_be_right_is_raised() -> None:
    worth(Truth.FALSE)


def test_what_a_judge_withholds_is_disputed_as_that_where_it_is_asked_for() -> None:
    with pytest.raises(SetupError, match=r"blob abc is not to be had.*the judge has to show it.*--withheld"):
        worth(Truth.WITHHELD)
    worth(Truth.WITHHELD, withheld=True)


@pytest.mark.parametrize(
    ("truth", "error", "says"),
    [
        (
            Truth.RIGHT,
            UsageError,
            "agrees with the judge, so the claim that seat 0 falsely accepted seat 5 in round 1 would",
        ),
        (Truth.UNKNOWABLE, UsageError, "is for the judge alone"),
        (None, SetupError, "nobody gives the circle's first state"),
    ],
)
def test_a_claim_that_would_fail_is_raised_only_on_demand(
    truth: Truth | None, error: type[Exception], says: str
) -> None:
    for withheld in (False, True):
        with pytest.raises(error, match=says):
            worth(truth, withheld=withheld)
    worth(truth, anyway=True)


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_timeout_that_is_none_is_refused(timeout_s: float) -> None:
    with pytest.raises(UsageError, match="--timeout is above 0 and at most 86400 seconds"):
        check_timeout(Namespace(timeout=timeout_s))


# ------------------------------------------------------------------------------------------ drawing the jury


@dataclass
class Chain:
    """A circle whose next block holds what is arranged; calls to it fail, as somebody else's did not."""

    court: Court
    becomes: Callable[[Court], object] = lambda _: None
    sent: list[str] = field(default_factory=list)

    @property
    def history(self) -> Any:
        return self.court.history

    block = 7

    def read_again(self, _: int) -> "Chain":
        self.becomes(self.court)
        self.becomes = lambda _: None
        return self

    def call(self, name: str, *_: object) -> Any:
        self.sent.append(name)
        raise Reverted(name, "summon: no jury is to be drawn")


def summoned(chain: Any) -> Exception | None:
    return _summon(chain, chain, 0)[0]


def test_a_jury_that_another_member_had_drawn_is_as_good() -> None:
    court = Court()
    court.dispute()
    assert summoned(Chain(court, Court.summon)) is None
    assert court.history.disputes[0].jury


def test_a_jury_that_nobody_drew_is_told_after_what_was_pledged() -> None:
    court = Court()
    court.dispute()
    chain = Chain(court)
    assert isinstance(summoned(chain), Reverted)
    court.summon()
    assert summoned(chain) is None
    assert chain.sent == ["summon"]
