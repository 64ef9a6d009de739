"""A false verdict is disputed, a jury of the members recomputes it, and the liar pays."""

from local_run import LocalRun

from ledger.events import Outcome

HONEST, LIAR = (0, 1, 2, 3), 4
OPTIONS = ["--bond", "1", "--dispute-bond", "0.1", "--dispute-window", "120", "--jury-seats", "3"]


def test_a_jury_upholds_the_dispute_of_a_false_verdict_and_the_liar_pays(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", "honest", "false-verdict", rounds=2, options=OPTIONS)
    challenger = run.add_key("challenger")
    run.wait_finished()
    liar, before = run.seat(LIAR), run.history().reputations
    refused = run.refusal("dispute", "1", str(run.seat(1)), str(run.seat(0)), key=challenger)
    assert "agrees with the judge, so the bond would be lost: nothing was sent" in refused

    raised = run.command("dispute", "1", str(liar), str(run.seat(0)), key=challenger)
    assert len(raised["jury"]) == 3
    run.wait_for(lambda: run.history().disputes[0].outcome is not None, "outcome of the dispute")
    history = run.history()
    dispute = history.disputes[0]
    assert (dispute.outcome, dispute.rejecting) == (Outcome.UPHELD, 0)
    assert set(raised["jury"]) <= {run.seat(index) for index in HONEST}
    assert history.reputations[liar] == before[liar] >> 2
    assert history.seats[liar].bond == 75 * 10**16
    paid = run.command("seat", "withdraw", key=challenger)
    assert paid["amount_wei"] == 35 * 10**16
    assert "owes" in run.refusal("seat", "withdraw", key=challenger)
    assert {found["seat"] for found in run.findings()} == {liar}
