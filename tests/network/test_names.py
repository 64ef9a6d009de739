"""A seat's name on chain: set, kept, changed and cleared by its node; and a hostile one, that nobody is shown."""

from ledger.circle.seat_names import name_seats
from tests.support.network.local_run import LocalRun

OPTIONS = ["--degree", "2", "--bond", "1", "--commit-window", "120", "--attest-window", "120"]


def test_a_seat_keeps_its_name_over_restarts_until_its_node_gives_another_or_none(run: LocalRun) -> None:
    run.start_chain()
    run.found("honest", "honest", "honest", rounds=1, options=OPTIONS, paced=True)
    run.start_peer(0, "--name", "Klinik  Nord")
    run.wait_joined(0)
    assert run.events(0, "joined")[-1]["name"] == "Klinik Nord"

    for count, options, name in (
        (2, (), "Klinik Nord"),
        (3, ("--name", "Praxis Süd"), "Praxis Süd"),
        (4, ("--name", ""), None),
    ):
        run.kill(0)
        run.start_peer(0, *options)
        run.wait_joined(0, count)
        assert run.events(0, "joined")[-1]["name"] == name
        names = name_seats(run.history())
        assert (names[0].text if name else names.get(0)) == name
        assert run.command("status")["seats"][0]["name"] == name

    # A seat with a name is reached like any other.
    run.start_peer(1, "--name", "Labor Ost")
    run.start_peer(2)
    run.open_all_gates()
    run.wait_finished(0, 1, 2)
    assert run.verdicts(0, 1)[run.seat(1)] == "accepted"
    assert run.findings() == []
