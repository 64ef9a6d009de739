"""Seats given up, keys rotated and peers invited while a circle runs."""

import contextlib
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from ledger.chain.rpc.client import Rpc
from ledger.identity.endpoints import parse_endpoint
from tests.support.network.local_run import Key, LocalRun

BOND = 10**18
OPTIONS = ["--bond", "1", "--degree", "3", "--commit-window", "120", "--attest-window", "120"]


def start_with_cold(
    run: LocalRun, *options: str, node_options: Mapping[int, Sequence[str]] = MappingProxyType({})
) -> Key:
    """Three peers under one cold key, in round 2 with its gates shut. node_options: of some of them."""
    run.start_chain()
    cold = run.add_key("cold")
    run.found("honest", "honest", "honest", rounds=3, options=[*OPTIONS, *options], paced=True)
    for index in range(3):
        run.start_peer(index, "--seat", str(index), "--cold", cold.address, *node_options.get(index, ()))
    run.open_gates(1)
    run.wait_round(2)
    return cold


def answers(port: int | None) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def test_who_leaves_gets_its_bond_back_and_the_others_go_on(run: LocalRun) -> None:
    cold = start_with_cold(run, "--dispute-bond", "0", "--unbonding", "1", "--commit-window", "15")
    seat = run.seat(2)
    assert "is not the cold key of any seat" in run.refusal("seat", "leave", key=run.key(2))
    run.expect_death(2)
    run.command("seat", "leave", str(seat), key=cold)
    run.open_gates(3)
    assert run.wait_for_end(2) == 3
    assert f"folkmoot: seat {seat} of this key was given up by its cold key" in run.log(2).splitlines()[-1]
    run.wait_finished(0, 1)
    # The others release it when its time has come.
    run.wait_for(lambda: run.history().seats[seat].is_released, "release of the seat")
    shown = run.command("seat", "show", str(seat))
    assert (shown["state"], shown["bond_wei"], shown["owed_to_cold_wei"]) == ("released", 0, BOND)
    assert run.command("seat", "withdraw", key=cold)["amount_wei"] == BOND
    # A node that is started again does not take another seat by itself.
    run.start_peer(2)
    assert run.wait_for_end(2) == 3
    assert len(run.history().seats) == 3
    assert run.findings() == []


@pytest.mark.parametrize("is_restarted", [False, True])
def test_who_leaves_after_the_draw_serves_its_update_until_the_round_is_over(
    run: LocalRun, is_restarted: bool
) -> None:
    dying = dict.fromkeys((0, 1), ("--fail-at", "2:exchange"))
    cold = start_with_cold(
        run,
        "--commit-window",
        "30",
        "--attest-window",
        "30",
        "--dispute-bond",
        "0",
        "--unbonding",
        "0",
        node_options=dying,
    )
    seat = run.seat(2)
    for index in (0, 1, 2):
        run.expect_death(index)
    run.open_gates(2)
    assert [run.wait_for_end(index) for index in dying] == [-signal.SIGKILL] * 2
    run.command("seat", "leave", str(seat), key=cold)
    if is_restarted:
        run.kill(2)
        gateway = parse_endpoint(run.history().seats[seat].endpoint).gateway
        run.start_peer(2, "--gateway-port", str(gateway.port))
        run.expect_death(2)
        run.wait_for(lambda: answers(gateway.port), "the gateway of the peer started again")
    run.open_gates(3)
    for index in dying:
        run.start_peer(index)
    assert [run.verdicts(index, 2)[seat] for index in (0, 1)] == ["accepted", "accepted"]
    assert run.wait_for_end(2) == 3
    assert f"folkmoot: seat {seat} of this key was given up by its cold key" in run.log(2).splitlines()[-1]
    run.wait_finished(0, 1)
    assert run.findings() == []


def test_a_circle_whose_members_all_leave_pays_everybody(run: LocalRun) -> None:
    cold = start_with_cold(run, "--dispute-bond", "0", "--unbonding", "1", "--commit-window", "15")
    for index in range(3):
        run.expect_death(index)
        run.command("seat", "leave", str(run.seat(index)), key=cold)
    run.open_all_gates()
    assert [run.wait_for_end(index) for index in range(3)] == [3, 3, 3]
    history = run.history()
    assert all(held.is_released for held in history.seats.values())
    assert history.owed == {cold.address: 3 * BOND}
    assert run.command("seat", "withdraw", key=cold)["amount_wei"] == 3 * BOND
    assert Rpc(run.network.rpc).fetch_number("eth_getBalance", run.contract, "latest") == 0


def test_a_rotated_key_keeps_seat_and_reputation(run: LocalRun) -> None:
    cold = start_with_cold(run, "--rotation-delay", "1")
    seat, before = run.seat(2), run.history().reputations
    successor = run.network.add_peer().index
    new = run.key(successor)
    run.command("seat", "rotate", str(seat), "--hot", new.address, key=cold)
    run.expect_death(2)
    run.start_peer(successor)
    assert run.seat(successor) == seat
    held = run.history().seats[seat]
    assert (held.peer, held.announced) == (new.address, None)
    run.open_gates(3)
    assert run.wait_for_end(2) == 3
    assert f"seat {seat} goes on with the key {new.address}" in run.log(2).splitlines()[-1]
    run.wait_finished(0, 1, successor)
    history = run.history()
    assert [round_.peers[seat] == new.address for round_ in history.rounds] == [False, True, True]
    assert history.reputations[seat] > before[seat] > 32768
    assert run.findings() == []


def test_a_circle_for_invited_peers_takes_nobody_else(run: LocalRun, tmp_path: Path) -> None:
    run.start_chain()
    inviter = run.add_key("inviter")
    invited = ["--admission", "inviter", "--inviter", inviter.address]
    run.found("honest", "honest", rounds=1, options=[*OPTIONS, *invited])
    run.start_peer(0)
    assert run.wait_for_end(0) == 3
    assert "this circle takes only who is invited" in run.log(0).splitlines()[-1]

    files = []
    for index in range(2):
        files.append(str(tmp_path / f"{index}.json"))
        run.command("invite", run.key(index).address, "--out", files[-1], key=inviter)
    assert "only the key" in run.refusal("invite", inviter.address, key=run.key(0))
    run.start_peer(1, "--invitation", files[0])
    assert run.wait_for_end(1) == 3
    assert f"the invitation is for {run.key(0).address}" in run.log(1).splitlines()[-1]
    for index, file in enumerate(files):
        run.start_peer(index, "--invitation", file)
    run.wait_finished()
    assert {held.inviter for held in run.history().seats.values()} == {inviter.address}
    assert run.findings() == []


def test_who_stays_below_the_floor_is_ejected_by_the_others(run: LocalRun) -> None:
    terms = ["--bond", "1", "--reputation-shift", "1", "--eject-after", "1", "--samples", "1000", "--skew", "0"]
    run.start("honest", "honest", "honest", "sign-flip", rounds=3, options=terms)
    run.expect_death(3)
    seat = run.seat(3)
    run.wait_for(lambda: not run.history().seats[seat].is_held, "ejection of the poisoner")
    assert run.history().seats[seat].bond == BOND // 2
    run.wait_finished(0, 1, 2)
    assert run.findings() == []
