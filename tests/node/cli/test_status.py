"""What `folkmoot status` shows of a circle: nothing cut off, and what its judges said of each seat."""

import asyncio
import io
import random
from pathlib import Path

import pytest
from rich.console import Console

from ledger.circle.draw import mask_of
from ledger.circle.events import Attested, Moved, Settled
from ledger.circle.history import History
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import encode_verdicts
from ledger.identity.network import Network
from node.cli.status import _probe_reached
from node.cli.status_lines import print_seats, print_status
from node.cli.status_rows import list_open_disputes
from node.gossip import Certificate, Gossip
from node.seat.seat_rows import make_seat_row, make_seat_rows
from tests.support.histories.disputes import NOW, Court
from tests.support.histories.moments import SEED, drawn, history_of, settled
from tests.support.histories.parts import address

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
            Attested(
                judge, encode_verdicts(SEED, 1, round_.find_neighbours(3)[judge], heard, heard), bytes([1] * 32)
            )
        )
    history = history_of(*events)
    assert history.round is not None
    history.apply(Settled(1, mask_of(range(4)), pack(history.compute_reputations(history.round))))
    return history


def printed(rows: list[dict[str, object]], width: int, number: int = 2) -> str:
    output = io.StringIO()
    print_seats(Console(file=output, width=width), rows, number)
    return output.getvalue()


def test_an_endpoint_is_shown_uncut_where_the_terminal_is_wide_enough() -> None:
    history = history_of(*settled(0, 1, 2, 3), Moved(1, LONG))
    text = printed([make_seat_row(history, seat) for seat in range(4)], 150)
    assert all(part in text for part in [*LONG.split(" "), address(1)])
    assert "…" not in text


def test_the_addresses_of_a_circle_on_one_machine_fit_into_eighty_columns() -> None:
    history = history_of(*settled(0, 1, 2, 3))
    text = printed([make_seat_row(history, seat) for seat in range(4)], 80)
    assert all(
        part in text for seat in range(4) for part in (address(seat), *history.seats[seat].endpoint.split(" "))
    )


FAR = (
    "wss://federated-learning.radiology.university-hospital.example:41234"
    " https://federated-learning.radiology.university-hospital.example:41235"
)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_address_is_broken_or_cut_whatever_the_width(width: int) -> None:
    history = history_of(*settled(0, 1, 2, 3), Moved(1, FAR), Moved(2, f"{FAR} name=Klinik%20Nord"))
    rows = make_seat_rows(history)
    lines = printed(rows, width).split("\n")
    for row in rows:
        for address_ in (row["peer"], *FAR.split(" ")):
            assert any(address_ in line for line in lines)
    assert "…" not in printed(rows, width)
    assert "name=" not in printed(rows, width)
    longest = max(len(line.rstrip()) for line in lines)
    assert longest <= max(width, len(FAR.split(" ")[1]) + 14)


def test_names_are_shown_in_quotation_marks_with_what_should_be_known_of_them() -> None:
    place = "wss://127.0.0.1:1 http://127.0.0.1:1"
    named = [Moved(seat, f"{place} name={name}") for seat, name in ((1, "Nord"), (2, "nord"), (3, "seat%200"))]
    rows = make_seat_rows(history_of(*settled(0, 1, 2, 3), *named))
    assert [(row["name"], row["name_marks"]) for row in rows] == [
        (None, []),
        ("Nord", ["like seat 2's"]),
        ("nord", ["like seat 1's"]),
        (None, []),
    ]
    for width in (40, 80, 160):
        said = " ".join(printed(rows, width).replace("│", " ").split())
        assert '"Nord" (like seat 2\'s)' in said
        assert "name=" not in said


def test_what_the_judges_of_the_last_round_had_is_shown() -> None:
    row = make_seat_row(judged_by_one(), 1)
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
    assert "missed" in printed([make_seat_row(missed, 1)], 150)


def test_a_circle_that_nobody_joined_yet_has_a_sentence_in_place_of_a_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    about = {"contract": "0xC", "task": "t", "rule": "r", "round": 0, "last_round": 2, "phase": "gathering"}
    print_status({**about, "seconds_left": None, "seats": [], "open_disputes": []})
    said = capsys.readouterr().out
    assert "nobody has a seat yet" in said
    assert "━" not in said


def test_a_seat_in_quarantine_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    history = history_of(*settled(0, 1, 2, 3))
    history.reputations[1] = 1000
    rows = [make_seat_row(history, seat) for seat in range(4)]
    assert [[notice["kind"] for notice in row["notices"]] for row in rows] == [[], ["quarantined"], [], []]
    about = {"contract": "0xC", "task": "t", "rule": "r", "round": 1, "last_round": 2, "phase": "commit"}
    print_status({**about, "seconds_left": None, "seats": rows, "open_disputes": []})
    assert "seat 1 is quarantined: its reputation of 0.015" in " ".join(capsys.readouterr().out.split())


def in_court(court: Court) -> list[dict[str, object]]:
    """The rows of a circle in round 3 that has seen a conviction, and two who did not come."""
    court.uphold()
    court.play(2, range(7))
    court.history.reputations[4] = 1000
    court.history.late |= 1 << 8
    return [make_seat_row(court.history, seat) for seat in range(9)]


def test_who_dozes_is_suspended_or_convicted_is_shown() -> None:
    court = Court()
    rows = in_court(court)
    names = ("quarantined", "dozing", "late", "on_roster", "suspended_until", "convictions")
    assert [tuple(rows[seat][name] for name in names) for seat in (0, 1, 7, 8)] == [
        (True, False, False, True, 66, 1),
        (False, False, False, True, None, 0),
        (False, True, False, False, None, 0),
        (False, True, True, False, None, 0),
    ]
    assert [rows[seat]["bond_wei"] for seat in (0, 1)] == [10**18 // 2, 10**18]
    said = printed([rows[0], rows[7], rows[8]], 200)
    for words in (
        "0.248, quarantined, suspended until round 66, convicted ",
        "0.492, dozing ",
        "0.492, late, dozing ",
    ):
        assert words in said
    assert "suspended until it wakes" in printed([rows[0]], 200, number=66)


@pytest.mark.parametrize("width", [80, 100, 120, 150])
def test_no_word_is_cut_whatever_the_width(width: int) -> None:
    rows = in_court(Court())
    for row in rows:
        row["reached"] = {"gossip": False, "gateway": False}
        row["attested"] = True
    text = printed(rows, width)
    assert "…" not in text
    said = set(text.replace(",", " ").split())
    assert {
        "quarantined",
        "suspended",
        "convicted",
        "dozing",
        "accepted",
        "attested",
        "gateway",
        address(8),
    } <= said


def test_open_disputes_are_one_line_however_many(capsys: pytest.CaptureFixture[str]) -> None:
    court = Court()
    for target in range(1, 8):
        court.dispute(0, target)
    rows = list_open_disputes(court.history, lambda: float(NOW))
    assert [row["dispute"] for row in rows] == list(range(7))
    about = {"contract": "0xC", "task": "t", "rule": "r", "round": 1, "last_round": 2, "phase": "commit"}
    seats = [make_seat_row(court.history, seat) for seat in range(9)]
    assert [notice["kind"] for notice in seats[0]["notices"]] == ["disputed"] * 7
    print_status({**about, "seconds_left": None, "seats": seats, "open_disputes": rows})
    said = " ".join(capsys.readouterr().out.split())
    assert "open disputes: number 0 about seat 0 (drawing), number 1 about" in said
    assert said.endswith("number 3 about seat 0 (drawing) and 3 more; see `folkmoot disputes --open`")
    assert list_open_disputes(history_of(), lambda: 1 / 0) == []


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
        {"seat": 1, "peer": address(1), "endpoint": alive, "state": "held"},
        {"seat": 2, "peer": address(2), "endpoint": "nonsense", "state": "held"},
        {"seat": 3, "peer": address(3), "endpoint": alive, "state": "released"},
    ]
    try:
        found = await _probe_reached(NETWORK, rows)
    finally:
        await gossip.close()
    # The second seat's peer is another than proves itself there.
    assert found == {
        0: {"gossip": True, "gateway": False},
        1: {"gossip": False, "gateway": False},
        2: {"gossip": False, "gateway": False},
    }
