"""Simulated circles: the rounds are a real circle's, and what befalls them has its effect."""

from dataclasses import replace
from itertools import pairwise
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import read_reference
from ledger.circle.fold.state import CircleTerms
from ledger.circle.history import History
from ledger.circle.members import Seat
from ledger.codec import DELTA, ZSTD
from ledger.errors import UsageError
from ledger.judging.frame_chains import CircleTask, HeldBlobs, StateCache, decode_public_state
from ledger.judging.replay import replay
from ledger.rules import RULES
from ledger.rules.judge_memory import CarriedState
from node.blobs.store import BlockStore
from node.simulator import Results, Scenario, simulate
from node.simulator.blobs import make_network
from node.simulator.engine import LocalEngine
from node.simulator.simulation import SimulatedRound
from node.state.own_frames import find_previous_commit

SMALL = Scenario(
    task="digits", peers=8, rounds=3, degree=4, rule="balance", samples=60, skew=0.2, test_examples=None
)


def laps_of(scenario: Scenario) -> tuple[Results, list[SimulatedRound]]:
    laps: list[SimulatedRound] = []
    return simulate(scenario, watch=laps.append), laps


def history_of(scenario: Scenario, laps: list[SimulatedRound]) -> History:
    """What a chain would tell of the simulated rounds."""
    history = History(
        CircleTerms(
            start_seats=scenario.peers,
            quorum=2,
            last_round=scenario.rounds,
            degree=scenario.degree,
            reputation_shift=scenario.reputation_shift,
            reputation_floor=scenario.reputation_floor,
        )
    )
    history.task_manifest = LocalEngine(scenario).manifest
    history.rounds = [lap.round for lap in laps]
    return history


@pytest.mark.parametrize(
    ("rule", "attack", "codec"),
    [
        *((rule, attack, ZSTD) for rule in RULES if rule != "ubar" for attack in ("sign-flip", "malformed")),
        ("balance", "withhold", ZSTD),
        ("tether", "alie", ZSTD),
        ("tether", "ride", DELTA),
        ("none", "malformed", DELTA),
    ],
)
def test_a_simulated_circle_is_what_replaying_its_blobs_gives(rule: str, attack: str, codec: str) -> None:
    scenario = replace(SMALL, rule=rule, attack=attack, malicious=(2, 5), records=True, codec=codec)
    _, laps = laps_of(scenario)
    history, network = history_of(scenario, laps), make_network(scenario)
    carried: dict[int, CarriedState] = {}
    states = StateCache(laps[0].turns[0].carried.base)
    blobs: dict[bytes, bytes | None] = {}
    for lap in laps:
        blobs |= {fetched.digest: fetched.blob for fetched in lap.exchange.fetched.values()}
        for seat, judged in lap.judged.items():
            before = carried.get(seat, lap.turns[seat].carried)
            again = replay(
                history, CircleTask(history.manifest, network, states), lap.round, seat, before, HeldBlobs(blobs)
            )
            assert (again.judged, again.accepted) == (judged.judged, judged.accepted)
            assert again.record == judged.record
            assert again.record_digest == lap.round.attestations[seat].record
            np.testing.assert_array_equal(again.carried.base, judged.carried.base)
            assert again.carried.memory.digest() == judged.carried.memory.digest()
            carried[seat] = again.carried


def test_a_simulated_author_sends_a_key_frame_when_a_real_one_would(tmp_path: Path) -> None:
    """Also where it missed rounds, its turn for one among them."""
    scenario = replace(SMALL, peers=4, rounds=40, samples=20, codec=DELTA, churn=0.15, records=True)
    _, laps = laps_of(scenario)
    history, network = history_of(scenario, laps), make_network(scenario)
    history.seats = {seat: Seat("", [], "", "", 0, 0) for seat in range(4)}
    store, states = BlockStore(tmp_path), StateCache(laps[0].turns[0].carried.base)
    keys: dict[int, list[int]] = {seat: [] for seat in range(4)}
    for lap in laps:
        for seat, fetched in lap.exchange.fetched.items():
            assert fetched.blob is not None
            real = find_previous_commit(history, network, lap.round.number, seat, store, states)
            assert read_reference(fetched.blob, history.manifest) == (real.digest if real else b"")
            keys[seat] += [] if real else [lap.round.number]
            assert store.put(fetched.blob) == fetched.digest
    # Seat 1 missed its turn in round 16 and seat 2 in rounds 15 and 32: a chain may not be longer.
    assert keys == {0: [1, 17, 34], 1: [1, 23, 33], 2: [1, 24], 3: [2, 14, 31]}


def test_an_author_may_send_a_larger_share_of_its_values() -> None:
    scenario = replace(SMALL, codec=DELTA, attack="sign-flip", malicious=(2,))
    usual, named, larger = (simulate(replace(scenario, sent_share=share)) for share in (None, 0.03, 0.3))
    assert usual.digest == named.digest
    assert 1.5 * usual.summary.bytes_per_update < larger.summary.bytes_per_update
    sent = [[row.payload_bytes for row in r.rows if row.seat == 2 and row.round > 1] for r in (usual, larger)]
    assert sum(sent[0]) < sum(sent[1]), "an attacker's, too"


def test_the_states_judged_are_those_in_the_blobs() -> None:
    scenario = replace(SMALL, records=True, rounds=2)
    seen: list[dict[int, GridState]] = []
    manifest, network = LocalEngine(scenario).manifest, make_network(scenario)

    def look(lap: SimulatedRound) -> None:
        for seat, state in lap.exchange.states.items():
            np.testing.assert_array_equal(
                decode_public_state(lap.exchange.fetched[seat], CircleTask(manifest, network, StateCache())).state,
                state,
            )
        seen.append(dict(lap.exchange.states))

    simulate(scenario, watch=look)
    assert [len(states) for states in seen] == [8, 8]


@pytest.mark.parametrize(
    ("rule", "codec"), [("balance", ZSTD), ("tether", ZSTD), ("ubar", ZSTD), ("tether", DELTA)]
)
def test_making_blobs_and_records_changes_no_figure(rule: str, codec: str) -> None:
    scenario = replace(SMALL, rule=rule, attack="ride", malicious=0.25, codec=codec, churn=0.2)
    assert simulate(scenario).digest == simulate(replace(scenario, records=True)).digest


def test_the_same_seed_gives_the_same_bits_and_another_others() -> None:
    scenario = replace(SMALL, attack="gaussian", malicious=0.25, churn=0.2, drift=0.1, own_initialisations=True)
    first = simulate(scenario)
    assert simulate(scenario).digest == first.digest
    assert simulate(replace(scenario, seed=1)).digest != first.digest


def test_an_attacker_whom_all_reject_is_quarantined_and_then_ejected() -> None:
    scenario = replace(SMALL, rounds=9, attack="gaussian", malicious=(3,), eject_after=2)
    results = simulate(scenario)
    rows = {row.round: row for row in results.rows if row.seat == 3}
    out = results.summary.out_after[3]
    assert out is not None
    assert not rows[out - 1].quarantined
    assert rows[out + 1].ejected
    assert not rows[out + 2].committed
    assert results.summary.false_accept == 0.0
    assert results.summary.share_out == 1.0


def test_without_reputation_nobody_is_quarantined() -> None:
    results = simulate(replace(SMALL, rounds=8, attack="gaussian", malicious=(3,), reputation=False))
    assert not any(row.quarantined or row.ejected for row in results.rows)
    assert {row.reputation for row in results.rows} == {32768 / 65535}


def test_a_latecomer_starts_from_the_genesis_in_its_round() -> None:
    results, laps = laps_of(replace(SMALL, late={4: 3}))
    assert [row.round for row in results.rows if row.seat == 4] == [3]
    np.testing.assert_array_equal(laps[2].turns[4].carried.base, laps[0].turns[0].carried.base)


def test_peers_with_initialisations_of_their_own_start_apart() -> None:
    _, laps = laps_of(replace(SMALL, rounds=1, own_initialisations=True))
    assert len({turn.carried.base.tobytes() for turn in laps[0].turns.values()}) == 8


def test_a_peer_that_misses_rounds_keeps_its_model() -> None:
    results, laps = laps_of(replace(SMALL, rounds=6, churn=0.3))
    assert {row.committed for row in results.rows} == {True, False}
    for before, after in pairwise(laps):
        absent = set(range(8)) - set(before.turns)
        for seat in absent & set(after.turns):
            earlier = [lap.judged[seat].carried.base for lap in laps[: before.round.number] if seat in lap.judged]
            if earlier:
                np.testing.assert_array_equal(after.turns[seat].carried.base, earlier[-1])


def test_rounds_that_all_but_one_miss_change_nothing() -> None:
    results, laps = laps_of(replace(SMALL, churn=1.0))
    assert all(not row.committed for row in results.rows)
    assert all(not lap.judged for lap in laps)


def test_drift_brings_other_peers_examples() -> None:
    assert simulate(SMALL).digest != simulate(replace(SMALL, drift=0.5)).digest


def test_a_simulation_may_have_more_peers_than_a_circle() -> None:
    results = simulate(replace(SMALL, peers=300, rounds=2, samples=4, evaluate_every=2))
    assert len(results.rows) == 600
    assert all(row.honest_accepted + row.honest_rejected == 4 for row in results.rows)
    assert all(isnan(row.error) for row in results.rows if row.round == 1)
    assert not any(isnan(row.error) for row in results.rows if row.round == 2)


def test_what_colluders_see_can_be_limited_to_the_last_round() -> None:
    scenario = replace(SMALL, attack="alie", malicious=0.25)
    assert simulate(scenario).digest != simulate(replace(scenario, sight="network")).digest


def test_a_backdoors_success_is_measured() -> None:
    results = simulate(replace(SMALL, rule="none", attack="backdoor", malicious=0.25))
    assert 0.0 <= results.summary.figures["backdoor"] <= 1.0


def test_poison_that_makes_training_diverge_ends_in_peers_that_stop_and_not_in_a_crash() -> None:
    results = simulate(replace(SMALL, rule="none", options={"learning_rate": 1e30}))
    assert not all(row.committed for row in results.rows)
    assert results.summary.worst_error > 0.5


def test_one_judges_counts_add_up_to_its_neighbours() -> None:
    results = simulate(replace(SMALL, attack="withhold", malicious=0.25))
    for row in results.rows:
        judged = row.honest_accepted + row.honest_rejected + row.hostile_accepted + row.hostile_rejected
        assert judged + row.unavailable == 4


@pytest.mark.parametrize(
    ("fields", "fact"),
    [
        ({"peers": 1}, "1 peers"),
        ({"rounds": 0}, "0 rounds"),
        ({"degree": 21}, "degree 21"),
        ({"malicious": 1.5}, "malicious is 1.5"),
        ({"malicious": (8,), "attack": "alie"}, "seats"),
        ({"malicious": tuple(range(8)), "attack": "alie"}, "every peer attacks"),
        ({"sight": "none"}, "sight"),
        ({"churn": 2.0}, "churn is 2.0"),
        ({"late": {9: 1}}, "late seat 9"),
        ({"late": {1: 4}}, "joins in round 4"),
        ({"rule": "magic"}, "rule 'magic'"),
        ({"attack": "magic", "malicious": 0.5}, "no attack is called 'magic'"),
        ({"codec": "magic"}, "codec 'magic'"),
        ({"sent_share": 0.1}, "codec 'delta' alone"),
        ({"codec": DELTA, "sent_share": 0.0}, "sent share is 0: give"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_a_sentence(fields: dict[str, Any], fact: str) -> None:
    with pytest.raises(UsageError, match=fact):
        replace(SMALL, **fields)


def test_bases_lie_closer_together_where_each_step_corrects_its_peers_lean() -> None:
    scenario = replace(SMALL, peers=10, degree=6, rounds=16, rule="none", skew=0.9, samples=40, evaluate_every=16)
    distances = []
    for share in (0.0, 0.9):
        _, laps = laps_of(replace(scenario, options={"correction": share}))
        bases = np.stack([one.carried.base for one in laps[-1].judged.values()]).astype(np.float64)
        distances.append(np.linalg.norm(bases - bases.mean(0)))
    assert distances[1] < 0.8 * distances[0]
