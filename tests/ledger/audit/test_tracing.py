"""Whose steps bases and models are made of, from a circle's chain and blobs, against all of its states (R33)."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState
from ledger.audit.tracing import Room, Traced, trace
from ledger.blobs.contents.records import Update
from ledger.errors import SetupError, UsageError
from ledger.fetch.fetcher import Unavailable
from ledger.judging.circle_model import find_lower_median
from ledger.judging.frame_chains import (
    CircleTask,
    StateCache,
    decode_public_state,
    find_frame_chain,
    make_fetched_update,
)
from ledger.judging.provenance import Step
from tests.support.histories.circles import (
    GENESIS_BLOB,
    GENESIS_ROOT,
    NETWORK,
    Away,
    Circle,
    FalseJudge,
    Honest,
    Poisoner,
    genesis_state,
    hand_over,
)
from tests.support.histories.private_circles import Private
from tests.support.privacy import TERMS
from tests.support.specification.provenance import follow_coefficients

pytestmark = pytest.mark.rule("R33")
ROUNDS, SEATS = 4, 4


class Garbled(Honest):
    """Commits what is no update in round 2, and attests."""

    def blob(self, number: int, update: Update) -> bytes | None:
        return b"FM nothing" if number == 2 else super().blob(number, update)


class Recorder(Circle):
    """A circle that remembers each base at the beginning of each round."""

    def _round(self, number: int) -> None:
        if number == 1:
            self.bases: dict[Step, GridState] = {}
        self.bases |= {(number, seat): carried.base for seat, carried in self.carried.items()}
        super()._round(number)


def circle_of(rule: str, cheats: Mapping[int, Honest] | None = None, **about: Any) -> Recorder:
    parameters = {"balance": {"gamma_milli": 900, "kappa_milli": 0}}.get(rule, {})
    return Recorder(
        seats=SEATS,
        rounds=ROUNDS,
        rule=rule,
        rule_parameters=parameters,
        genesis=GENESIS_ROOT.hex(),
        cheats=cheats or {},
        **{"codec": "int8-zstd", **about},
    )


async def trace_in(
    circle: Circle,
    number: int = ROUNDS,
    seat: int | None = None,
    lost: Collection[bytes] = (),
    memory: int = 1 << 30,
) -> Traced:
    blobs: dict[bytes, bytes | None] = {**circle.blobs, GENESIS_ROOT: GENESIS_BLOB}

    async def fetch(wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        for digest in wanted:
            if digest in lost:
                raise Unavailable(digest, {})
        return blobs

    with Room(memory) as room:
        return await trace(circle.history(), NETWORK.domain_separator, number, seat, fetch, room)


def find_steps(circle: Recorder) -> dict[Step, GridState]:
    """All steps, from the states that everybody saw and the bases that their authors went on from."""
    history, steps = circle.history(), {}
    task = CircleTask(circle.manifest, NETWORK.domain_separator, StateCache(genesis_state()))
    for round_ in history.rounds:
        for seat in round_.commits:
            fetched = make_fetched_update(
                find_frame_chain(history, round_, seat), round_.tenures[seat], circle.blobs
            )
            state = decode_public_state(fetched, task).state
            steps[round_.number, seat] = state - circle.bases[round_.number, seat]
    return steps


def sum_of(
    traced: Traced, steps: Mapping[Step, GridState], places: NDArray[Any], seat: int | None = None
) -> GridState:
    """Σ coefficient · step, rounded; of one seat's steps alone where it is named. places: of each value's base."""
    exact = follow_coefficients(traced.rounds)
    total = np.zeros(genesis_state().size, object)
    for place, holder in enumerate(traced.target.holders):
        for step, part in exact[holder].items():
            if seat is None or step[1] == seat:
                total = total + np.where(places == place, steps[step], 0) * Fraction(part)
    return np.array([round(value) for value in total])


@pytest.mark.parametrize(
    ("rule", "codec"),
    [("tether", "delta"), ("balance", "int8-zstd"), ("none", "int8-zstd"), ("scclip", "int8-zstd")],
)
async def test_a_base_is_genesis_and_steps_but_for_what_rounding_left(rule: str, codec: str) -> None:
    circle = circle_of(rule, codec=codec)
    traced = await trace_in(circle, seat=1)
    account = traced.account
    assert np.array_equal(traced.target.model, circle.carried[1].base)
    assert account.residual <= account.bound < ROUNDS / 2 + 0.01
    assert account.mixings == ROUNDS
    found = sum_of(traced, find_steps(circle), np.zeros(genesis_state().size))
    left = traced.target.model - genesis_state() - found
    assert abs(int(np.abs(left).max()) - account.residual) <= 1
    assert sum(share.along for share in account.owners.values()) == pytest.approx(1, abs=1e-3)
    assert all(share.updates for share in account.owners.values())


async def test_the_circles_model_takes_values_from_bases_and_is_accounted_for_by_value() -> None:
    circle = circle_of("tether")
    traced = await trace_in(circle)
    bases = [circle.carried[seat].base for seat in range(SEATS)]
    assert np.array_equal(traced.target.model, find_lower_median(bases))
    assert traced.target.choice is not None
    assert len(set(traced.target.choice.tolist())) > 1
    assert traced.account.residual <= traced.account.bound
    steps = find_steps(circle)
    for seat in range(SEATS):
        wanted = sum_of(traced, steps, traced.target.choice, seat)
        assert np.abs(traced.tally.find_part((seat, 1)) - wanted).max() <= 1


async def test_a_poisoner_that_all_reject_has_no_share() -> None:
    circle = circle_of("balance", {3: Poisoner(3)})
    history = circle.history()
    assert all(not said.accepted >> 3 & 1 for round_ in history.rounds for said in round_.attestations.values())
    traced = await trace_in(circle, seat=0)
    assert traced.account.owners[3, 1].updates == 0
    assert not traced.tally.find_part((3, 1)).any()
    assert traced.account.owners[2, 1].updates


async def test_a_judge_that_lies_about_whom_it_rejected_is_accounted_for_by_what_the_rule_gives() -> None:
    circle = circle_of("balance", {1: FalseJudge(1, 2, (ROUNDS,))})
    traced = await trace_in(circle, seat=1)
    assert not circle.history().rounds[-1].attestations[1].accepted >> 2 & 1
    assert traced.account.steps[ROUNDS, 2].coefficient > 0


async def test_whoever_takes_a_seat_anew_starts_without_what_the_one_before_put_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", SEATS)
    circle = circle_of("tether", between={2: lambda circle: hand_over(circle, 3)})
    traced = await trace_in(circle, seat=3)
    assert np.array_equal(traced.target.model, circle.carried[3].base)
    assert traced.account.residual <= traced.account.bound
    assert {owner for owner in traced.account.owners if owner[0] == 3} == {(3, 1), (3, 2)}
    own = [step for step in traced.account.steps if step[1] == 3]
    # The former holder's steps are there only by way of others; the two lines of the seat are apart.
    exact = follow_coefficients(traced.rounds)
    assert set(own) == {step for step in exact[3, 3] if step[1] == 3}
    found = sum_of(traced, find_steps(circle), np.zeros(genesis_state().size))
    assert np.abs(traced.target.model - genesis_state() - found).max() <= 2
    assert traced.account.steps[1, 3].coefficient < float(exact[3, 0][1, 3])


async def test_who_is_away_or_publishes_what_is_no_update_keeps_its_base() -> None:
    circle = circle_of("tether", {1: Away(1, (1, 3)), 2: Garbled(2)})
    for seat in (None, 1, 2):
        traced = await trace_in(circle, seat=seat)
        assert (3, 1) not in traced.account.steps
        assert (2, 2) not in traced.account.steps
        assert traced.account.residual <= traced.account.bound
        if seat is not None:
            assert np.array_equal(traced.target.model, circle.carried[seat].base)


async def test_in_a_private_circle_steps_are_accounted_for_with_their_noise() -> None:
    peers: dict[int, Honest] = {seat: Private(seat) for seat in range(SEATS)}
    circle = Recorder(
        seats=SEATS,
        rounds=ROUNDS,
        rule="tether",
        rule_parameters={},
        cheats=peers,
        privacy=TERMS,
        genesis=GENESIS_ROOT.hex(),
        codec="int8-zstd",
    )
    traced = await trace_in(circle, seat=2)
    assert traced.account.residual <= traced.account.bound
    found = sum_of(traced, find_steps(circle), np.zeros(genesis_state().size))
    assert np.abs(traced.target.model - genesis_state() - found).max() <= traced.account.bound + 1
    assert all(share.norm > 0 for share in traced.account.steps.values())


async def test_it_is_the_same_with_hardly_any_memory() -> None:
    circle = circle_of("tether", codec="delta")
    assert (await trace_in(circle, memory=4)).account == (await trace_in(circle)).account


async def test_an_earlier_round_is_accounted_for_as_it_was_then() -> None:
    circle = circle_of("tether")
    traced = await trace_in(circle, 2)
    assert {number for number, _ in traced.account.steps} == {1, 2}
    assert (await trace_in(circle, 0)).account.steps == {}


async def test_what_cannot_be_accounted_for_is_refused_with_the_reason() -> None:
    circle = circle_of("tether")
    with pytest.raises(UsageError, match=r"no model of round 9: the rounds settled in this circle are 0\.\.4"):
        await trace_in(circle, 9)
    with pytest.raises(UsageError, match="seat 9 had no base of its own up to round 4"):
        await trace_in(circle, seat=9)
    with pytest.raises(Unavailable):
        await trace_in(circle, lost={circle.updates[2, 1]})
    with pytest.raises(SetupError, match="under rule median: it chooses or averages each value by itself"):
        await trace_in(circle_of("median"))
