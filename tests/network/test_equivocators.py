"""A peer that signs two updates for one round loses seat and bond, and the others go on."""

import pytest

from ledger.chain.rpc.client import Rpc
from tests.support.network.local_run import LocalRun

pytestmark = pytest.mark.rule("R25")

HONEST, EQUIVOCATOR = (0, 1, 2), 3
BOND = 10**18
GRAVE = "0x000000000000000000000000000000000000dEaD"
ROUNDS = 3
OPTIONS = ["--bond", "1", "--quorum", "2", "--commit-window", "60", "--attest-window", "8"]


def test_an_equivocator_is_reported_ejected_and_its_bond_burned(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", "equivocate", rounds=ROUNDS, options=OPTIONS, paced=True)
    run.expect_death(EQUIVOCATOR)
    seat = run.seat(EQUIVOCATOR)
    run.open_gates(1)
    run.wait_round(2)
    # Two wait for a third: while they do, they report what they heard.
    run.open_gates(2, 0, 1)
    run.wait_for(lambda: not run.history().seats[seat].is_held, "loss of the seat")
    run.open_gates(ROUNDS)
    assert run.wait_for_end(EQUIVOCATOR) == 3
    last = run.log(EQUIVOCATOR).splitlines()[-1]
    assert last.startswith(f"folkmoot: seat {seat} of this key was taken away because its key signed two updates")
    run.wait_finished(*HONEST)

    history = run.history()
    held = history.seats[seat]
    assert (held.is_held, held.bond) == (False, 0)
    # All of it: nobody gains by reporting, nor by reporting itself.
    assert history.owed == {}
    assert Rpc(run.network.rpc).fetch_number("eth_getBalance", GRAVE, "latest") == BOND
    assert all(run.seat(index) in history.rounds[-1].attestations for index in HONEST)
    assert {found["seat"] for found in run.findings()} <= {seat}

    kept = sorted((run.network.peers[0].folder / "data").rglob("evidence/*.json"))
    assert "most likely it was reported already" in run.refusal("report", str(kept[0]), key=run.key(0))
