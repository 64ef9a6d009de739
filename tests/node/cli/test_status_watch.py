"""`folkmoot status --watch`: what is told of a change, and of a chain that is away."""

import io
import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from ledger.chain.rpc.client import ChainUnreachable
from ledger.circle.events import Moved
from ledger.circle.history import History, Phase
from node.cli.main import main
from node.cli.status_rows import make_circle_fields
from node.cli.status_watch import JsonLines, Lines, describe_changes, draw_status, follow
from tests.support.histories.disputes import NOW, Court
from tests.support.histories.moments import commits, drawn, history_of, settled
from tests.support.histories.parts import address

PLACE = "wss://127.0.0.1:1 http://127.0.0.1:1"


def shown_of(history: History, block: int = 7) -> dict[str, Any]:
    state = SimpleNamespace(round=history.number, phase=history.phase, deadline_s=NOW)
    circle = SimpleNamespace(terms=history.terms)
    file = SimpleNamespace(contract="0xC")
    return {**make_circle_fields(file, circle, history, state, block, lambda: float(NOW)), "deadline_s": NOW}


def changes(before: History, now: History) -> list[str]:
    return list(describe_changes(shown_of(before), shown_of(now)))


def test_first_it_is_told_where_the_circle_is() -> None:
    (first,) = describe_changes({}, shown_of(history_of(*settled(0, 1, 2, 3))))
    assert first.startswith("circle 0xC: ")
    assert first.endswith("; 4 seats are held")


def test_what_did_not_change_is_not_told() -> None:
    assert changes(history_of(*settled(0, 1, 2, 3)), history_of(*settled(0, 1, 2, 3))) == []


def test_a_round_goes_on_in_a_line_a_step() -> None:
    assert changes(history_of(*commits(0)), history_of(*commits(0, 1, 2))) == ["seats 1, 2 committed"]
    to_draw = changes(history_of(*commits(0, 1, 2, 3)), history_of(*drawn(0, 1, 2, 3)))
    assert to_draw == ["round 1 of 2, attest"]
    to_settle = changes(history_of(*drawn(0, 1, 2, 3)), history_of(*settled(0, 1, 2, 3)))
    assert to_settle[0] == "round 2 of 2, commit"


def test_names_addresses_and_newcomers_are_told() -> None:
    before = history_of(*settled(0, 1, 2, 3))
    named = history_of(*settled(0, 1, 2, 3), Moved(1, f"{PLACE} name=Nord"))
    said = changes(before, named)
    assert said == ['seat 1 calls itself "Nord"', f"seat 1 is reached at {PLACE}"]
    again = history_of(*settled(0, 1, 2, 3), Moved(1, f"{PLACE} name=Nord"), Moved(1, PLACE))
    assert changes(named, again) == ["seat 1 calls itself nothing any more"]
    without = {**shown_of(named), "seats": [row for row in shown_of(named)["seats"] if row["seat"] != 1]}
    assert list(describe_changes(without, shown_of(named))) == [f'seat 1 is {address(1)}\'s, "Nord", at {PLACE}']


def test_standing_and_disputes_are_told() -> None:
    court = Court()
    before = shown_of(court.history)
    court.dispute(0, 1)
    raised = shown_of(court.history)
    assert list(describe_changes(before, raised)) == ["dispute 0 about seat 0 is raised"]
    court = Court()
    court.uphold()
    said = list(describe_changes(before, shown_of(court.history)))
    assert "seat 0 is convicted" in said
    assert any(line.startswith("seat 0 fell to a reputation of 0.") for line in said)


def test_a_chain_that_is_away_is_told_of_once_and_its_return_too(capsys: pytest.CaptureFixture[str]) -> None:
    one, two = shown_of(history_of(*commits(0))), shown_of(history_of(*commits(0, 1)), 8)
    gone = ChainUnreachable("nobody answers")
    for screen in (Lines(lambda: 0.0), JsonLines()):
        play(screen, [one, one, gone, gone, two, gone, two])
    said = capsys.readouterr().out.split("\n")
    prefix = "1970-01-01 00:00:00 UTC  "
    assert said[0].startswith(f"{prefix}block 7: circle 0xC")
    assert said[1:6] == [
        f"{prefix}the chain cannot be read, and is tried again: nobody answers",
        f"{prefix}the chain can be read again, after 2 s",
        f"{prefix}block 8: seat 1 committed",
        f"{prefix}the chain cannot be read, and is tried again: nobody answers",
        f"{prefix}the chain can be read again, after 1 s",
    ]
    events = [json.loads(line) for line in said[6:-1]]
    assert [event["event"] for event in events] == ["status", "away", "back", "status", "away", "back"]
    assert events[2] == {"event": "back", "away_s": 2}
    assert [row["committed"] for row in events[3]["seats"]] == [True, True, False, False]


def play(screen: Any, answers: Sequence[Any]) -> None:
    """follow, with an answer or an error a second; then Ctrl-C."""
    left, now = list(answers), [0.0]

    def look() -> Any:
        if not left:
            raise KeyboardInterrupt
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pause() -> None:
        now[0] += 1.0

    with pytest.raises(KeyboardInterrupt):
        follow(look, screen, pause, lambda: now[0])


def test_another_fault_than_the_chains_ends_it() -> None:
    with pytest.raises(ValueError, match="ours"):
        follow(raising(ValueError("ours")), JsonLines(), lambda: None, lambda: 0.0)


def raising(error: Exception) -> Callable[[], Any]:
    def look() -> Any:
        raise error

    return look


def drawn_at(shown: dict[str, Any], width: int, height: int) -> str:
    output = io.StringIO()
    console = Console(file=output, width=width, height=height)
    for part in draw_status(shown, (width, height), NOW - 5.0):
        console.print(part)
    return output.getvalue()


def test_what_is_drawn_fits_the_terminal_and_says_what_does_not() -> None:
    history = history_of(*settled(0, 1, 2, 3), Moved(1, f"{PLACE} name=Klinik%20Nord"))
    shown = shown_of(history)
    text = drawn_at(shown, 80, 40)
    assert '"Klinik Nord"' in text
    assert ", 5 s left" in text
    assert "…" not in text
    text = drawn_at(shown, 80, 11)
    assert "and 2 more seats" in text
    assert len(text.rstrip().split("\n")) <= 11
    assert Phase.COMMIT.name.lower() in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--watch", "0"], "looks every 0.2 to 3600 seconds"),
        (["--watch", "nan"], "looks every 0.2 to 3600 seconds"),
        (["--watch", "--reach"], "without --reach"),
        (["--watch", "--folder", "folder"], "without --reach"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--circle", "no-such-file.json", *options]) == 2
    assert says in capsys.readouterr().err
