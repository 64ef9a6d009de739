"""Who was there when: counted from the chain alone, and compared with a slow second count of the events."""

import time
from collections import Counter
from dataclasses import asdict

import pytest

from ledger.audit.availability import SPANS, Attendance, find_spans, list_availability
from ledger.circle import events
from ledger.circle.draw import draw_neighbours, mask_of
from ledger.circle.history import CircleTerms, History, Phase
from ledger.circle.round import Attestation, Round
from tests.support.histories.circles import Circle, Honest, Said
from tests.support.histories.parts import address, digest
from tests.support.histories.stories import Story

pytestmark = pytest.mark.rule("R22.4")


class Absent(Honest):
    """Commits nothing in round 2."""

    def blob(self, number: int, update: object) -> bytes | None:
        return None if number == 2 else super().blob(number, update)  # type: ignore[arg-type]  # as it came


class Silent(Honest):
    """Attests nothing in round 2."""

    def attestation(self, number: int, said: Said) -> Said | None:
        return None if number == 2 else said


def test_who_was_always_there_was_waited_for_and_heard_in_every_round() -> None:
    history = Circle(rounds=3).history()
    for holder in list_availability(history):
        assert holder.peer == address(holder.seat)
        assert holder.total == Attendance(3, 3, 3, 3, 0, judges=12, neighbours=12)
        assert [span.held for span in holder.spans] == [1, 1, 1]


def test_who_is_away_was_waited_for_once_and_then_dozes() -> None:
    found = {holder.seat: holder for holder in list_availability(Circle(rounds=4, cheats={1: Absent(1)}).history())}
    away = found[1].spans
    assert (away[1].waited_for, away[1].committed, away[1].attested) == (1, 0, 0)
    assert away[2].dozed == 1
    assert found[0].total.committed == 4
    # Nobody was to judge who committed nothing.
    assert away[1].judges == 0


def test_silence_is_told_apart_from_absence() -> None:
    found = {holder.seat: holder for holder in list_availability(Circle(rounds=3, cheats={3: Silent(3)}).history())}
    assert (found[3].spans[1].committed, found[3].spans[1].attested) == (1, 0)
    assert found[0].spans[1].judges == 3


def test_spans_are_tenths_of_the_rounds_drawn_and_leave_none_out() -> None:
    history = History(CircleTerms(2, 2, 1000, 4, 1, 256))
    for number in (1, 7, 10, 23, 100):
        history.rounds = [Round(n, {}, seed=bytes(32)) for n in range(1, number + 1)] + [Round(number + 1, {})]
        spans = find_spans(history)
        assert len(spans) == min(SPANS, number)
        assert [n for first, last in spans for n in range(first, last + 1)] == list(range(1, number + 1))
        sizes = [last - first for first, last in spans]
        assert max(sizes) - min(sizes) <= 1
    history.rounds = []
    assert find_spans(history) == []
    assert list_availability(history) == []


def count_slowly(story: Story) -> dict[tuple[int, int], Counter[str]]:
    """(seat, tenure) → figures of `Attendance`: event by event, from what the fold holds right then."""
    known, found = History(story.terms), dict[tuple[int, int], Counter[str]]()
    opened, dozing = dict[int, int](), 0
    for event in story.events:
        number = known.number
        if isinstance(event, events.Drawn) and known.phase == Phase.COMMIT:
            commits = known.rounds[-1].tenures
            for seat, tenure in {**opened, **commits}.items():
                counted = found.setdefault((seat, tenure), Counter())
                counted["held"] += 1
                counted["waited_for"] += known.roster >> seat & 1
                counted["committed"] += seat in commits
                counted["dozed"] += opened.get(seat) == tenure and dozing >> seat & 1
        if isinstance(event, events.Settled):
            _count_verdicts(known.rounds[-1], story.terms.degree, found)
        known.apply(event)
        if known.number != number:
            opened = {seat: held.tenure for seat, held in known.seats.items() if held.is_held}
            dozing = known.dozing
    return found


def _count_verdicts(round_: Round, degree: int, found: dict[tuple[int, int], Counter[str]]) -> None:
    assert round_.seed is not None
    neighbours = draw_neighbours(round_.seed, round_.committed, degree)
    for judge, attested in round_.attestations.items():
        own = found[judge, round_.tenures[judge]]
        own["attested"] += 1
        own["neighbours"] += len(neighbours[judge])
        for seat in neighbours[judge]:
            of = found[seat, round_.tenures[seat]]
            of["judges"] += 1
            if not attested.judged >> seat & 1:
                of["unavailable"] += 1
                own["left_out"] += 1


@pytest.mark.parametrize("number", range(12))
def test_in_a_circle_where_peers_come_and_go_the_figures_are_those_of_the_events(number: int) -> None:
    story = Story(number, rounds=6)
    found = {(one.seat, one.tenure): one.total for one in list_availability(story.known)}
    slow = count_slowly(story)
    assert set(found) == set(slow)
    for holder, total in found.items():
        told = {name: number for name, number in asdict(total).items() if name != "unreached"}
        assert told == {name: slow[holder][name] for name in told}


def test_rounds_by_the_thousand_take_seconds() -> None:
    peers, rounds = {seat: address(seat) for seat in range(32)}, 1000
    history = History(CircleTerms(32, 17, rounds, 8, 1, 256))
    history.arrivals = {(seat, 1): (0, peer) for seat, peer in peers.items()}
    everybody = mask_of(peers)
    # All but seat 0 was to be had in every round.
    said = dict.fromkeys(peers, Attestation(everybody & ~1, 0, bytes(32)))
    commits, tenures = dict.fromkeys(peers, bytes(32)), dict.fromkeys(peers, 1)
    for number in range(1, rounds + 1):
        round_ = Round(number, {}, members=everybody, commits=commits, peers=peers, tenures=tenures)
        round_.seed, round_.committed, round_.attestations = digest("seed", number), everybody, said
        history.rounds.append(round_)
    started = time.process_time()
    found = list_availability(history)
    # A tenth of that, as a rule.
    assert time.process_time() - started < 5
    assert found[0].total == Attendance(1000, 1000, 1000, 1000, 0, 8000, 8000, 1000, 8000, 0)
    assert [span.held for span in found[1].spans] == [100] * 10
    assert sum(one.total.left_out for one in found) == 8000
