"""What `folkmoot status` shows of a circle: nothing cut off, and what its judges said of each seat."""

import asyncio
import io
import random
from pathlib import Path

import pytest
from circle_history import SEED, drawn, history_of, peer, settled
from rich.console import Console

from ledger.events import Attested, Moved, Settled
from ledger.history import History
from ledger.network import Network
from ledger.reputation import pack
from ledger.topology import mask_of
from ledger.verdicts import encode_verdicts
from node.cli.status import _print, _reached, _table, seat_row
from node.gossip import Certificate, Gossip

LONG = "wss://a-rather-long-name.of-some.organisation.example:41234 http://a-rather-long-name.of-some.organisation.example:8"
NETWORK = Network.of(1337, "0x" + "11" * 20)


def judged_by_one() -> History:
    """Round 1 is settled: of seat 1's three judges one accepted its update, and two did not have it."""
    events = drawn(0, 1, 2, 3)
    round_ = history_of(*events).round
    assert round_ is not None
    for judge in range(4):
        heard = 1 << 1 if judge == 0 else 0
        events.append(
            Attested(judge, encode_verdicts(SEED, 1, round_.neighbours(3)[judge], heard, heard), bytes([1] * 32))
        )
    history = history_of(*events)
    assert history.round is not None
    history.apply(Settled(1, mask_of(range(4)), pack(history.settled(history.round))))
    return history


def printed(rows: list[dict[str, object]], width: int) -> str:
    output = io.StringIO()
    Console(file=output, width=width).print(_table(rows))
    return output.getvalue()


def test_an_endpoint_is_shown_uncut_where_the_terminal_is_wide_enough() -> None:
    history = history_of(*settled(0, 1, 2, 3), Moved(1, LONG))
    text = printed([seat_row(history, seat) for seat in range(4)], 150)
    assert all(part in text for part in [*LONG.split(" "), peer(1)])
    assert "…" not in text


def test_the_addresses_of_a_circle_on_one_machine_fit_into_eighty_columns() -> None:
    history = history_of(*settled(0, 1, 2, 3))
    text = printed([seat_row(history, seat) for seat in range(4)], 80)
    assert all(
        part in text for seat in range(4) for part in (peer(seat), *history.seats[seat].endpoints[-1].split(" "))
    )


def test_what_the_judges_of_the_last_round_had_is_shown() -> None:
    row = seat_row(judged_by_one(), 1)
    assert row["last_round"] == {
        "round": 1,
        "committed": True,
        "attested": True,
        "accepting": 1,
        "rejecting": 0,
        "silent": 2,
    }
    assert "1 of 3 accepted, 2 had it not" in printed([row], 150)
    missed = history_of(*settled(0, 2, 3))
    assert "missed" in printed([seat_row(missed, 1)], 150)


def test_a_seat_in_quarantine_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    history = history_of(*settled(0, 1, 2, 3))
    history.reputations[1] = 1000
    rows = [seat_row(history, seat) for seat in range(4)]
    assert [[notice["kind"] for notice in row["notices"]] for row in rows] == [[], ["quarantined"], [], []]
    about = {"contract": "0xC", "task": "t", "rule": "r", "round": 1, "last_round": 2, "phase": "commit"}
    _print({**about, "seconds_left": None, "seats": rows})
    assert "seat 1 is quarantined: its reputation of 0.015" in " ".join(capsys.readouterr().out.split())


async def test_reach_tells_gossip_and_gateway_apart(tmp_path: Path) -> None:
    gossip = Gossip(
        network=NETWORK,
        key=b"\x07" * 32,
        certificate=Certificate.load_or_create(tmp_path),
        is_member=lambda _: True,
        on_announcement=lambda _: None,
        rng=random.Random(1),
    )
    port = await gossip.start("127.0.0.1", 0)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    dead = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    alive = f"wss://127.0.0.1:{port} http://127.0.0.1:{dead}"
    rows = [
        {"seat": 0, "peer": gossip.address, "endpoint": alive, "state": "held"},
        {"seat": 1, "peer": peer(1), "endpoint": alive, "state": "held"},
        {"seat": 2, "peer": peer(2), "endpoint": "nonsense", "state": "held"},
        {"seat": 3, "peer": peer(3), "endpoint": alive, "state": "released"},
    ]
    try:
        found = await _reached(NETWORK, rows)
    finally:
        await gossip.close()
    # The second seat's peer is another than proves itself there.
    assert found == {
        0: {"gossip": True, "gateway": False},
        1: {"gossip": False, "gateway": False},
        2: {"gossip": False, "gateway": False},
    }
