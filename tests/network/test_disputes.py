"""A false verdict is found, disputed and judged by the nodes themselves, and the liar pays and stays convicted."""

import pytest

from ledger.circle.events import Outcome
from node.blobs.store import BlockStore
from tests.support.network.local_run import LocalRun

pytestmark = pytest.mark.rule("R26")

HONEST, LIAR = range(7), 7
BOND, DISPUTE_BOND = 10**18, 10**17
COURT = [
    "--bond",
    "1",
    "--dispute-bond",
    "0.1",
    "--dispute-window",
    "60",
    "--unbonding",
    "600",
    "--jury-seats",
    "3",
]
WATCHING = ["--watch-share", "0.5"]


def test_a_liar_among_eight_is_disputed_and_convicted_without_any_person_and_stays_so(run: LocalRun) -> None:
    liar = ("--attack-parameter", "victim=0")
    run.start_chain()
    run.found(*["honest"] * 7, "false-verdict", rounds=3, options=COURT, paced=True)
    for index in (*HONEST, LIAR):
        run.start_peer(index, "--seat", str(index), *(liar if index == LIAR else ()), *WATCHING)
    run.open_gates(1)
    run.wait_round(2)
    # It lied once, and from now on it keeps the rules.
    run.kill(LIAR)
    run.network.peers[LIAR].attack = "honest"
    run.start_peer(LIAR, *WATCHING)

    run.wait_for(lambda: any(one.outcome is not None for one in run.history().disputes), "end of a dispute")
    history = run.history()
    dispute, held = history.disputes[0], history.seats[LIAR]
    assert (dispute.outcome, dispute.claimed) == (Outcome.UPHELD, (1, LIAR, 1, 0))
    assert dispute.jury_votes.rejecting == dispute.circle_votes.rejecting == 0
    assert (held.bond, held.convictions, held.suspended_until) == (BOND // 2, 1, 2 + 64)
    by_address = {run.key(index).address: index for index in HONEST}
    challenger = by_address[dispute.claim.challenger]
    told = run.wait_for(lambda: _notices(run, challenger, "claim_over"), "word of the outcome")[0]
    assert (told["fine_wei"], told["back_wei"], told["reward_wei"]) == (BOND // 2, DISPUTE_BOND, BOND // 8)
    run.wait_for(lambda: _notices(run, LIAR, "convicted"), "word to the liar")

    run.open_gates(3)
    run.wait_finished()
    history = run.history()
    last, floor = history.rounds[-1], history.terms.reputation_floor
    assert LIAR in last.attestations, "it goes on being judged"
    assert LIAR not in last.find_eligible(floor)
    assert history.suspended == 1 << LIAR
    assert len(history.disputes) == 1, "what it said since was looked at and is true"
    run.command("seat", "leave", str(LIAR), key=run.key(LIAR))
    assert run.history().seats[LIAR].bond == BOND // 2
    assert {found["seat"] for found in run.findings()} == {LIAR}


def test_who_withheld_two_early_updates_is_still_convicted_for_a_later_lie(run: LocalRun) -> None:
    honest, liar = range(4), 4
    run.start_chain()
    apart = ["--checkpoint-every", "2", "--codec", "int8"]
    run.found(*["honest"] * 4, "withhold", rounds=4, options=[*COURT, *apart], paced=True)
    for index in (*honest, liar):
        run.start_peer(index, "--seat", str(index), *WATCHING)
    run.open_gates(2)
    run.wait_round(3)
    run.kill(liar)
    run.network.peers[liar].attack = "false-verdict"
    run.start_peer(liar, "--attack-parameter", "victim=0", *WATCHING)
    run.open_gates(3)
    run.wait_for(lambda: any(one.outcome is not None for one in run.history().disputes), "end of a dispute")
    dispute = run.history().disputes[0]
    assert (dispute.outcome, dispute.claimed) == (Outcome.UPHELD, (3, liar, 1, 0))
    assert dispute.circle_votes.upholding, "recomputed from its checkpoint, and not only withheld"
    early = {round_.commits[liar] for round_ in run.history().rounds[:2]}
    for index in honest:
        store = BlockStore(run.network.peers[index].folder / "blobs")
        assert not any(store.find(digest, 1 << 20) for digest in early), "nobody ever got them"


def _notices(run: LocalRun, index: int, kind: str) -> list[dict[str, int]]:
    return [event for event in run.events(index, "notice") if event["kind"] == kind]
