"""How far an author's updates were from where a judge stood, round by round, and how far the judge reaches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ledger.blobs.contents.records import ACCEPTED, INVALID, RECORD_MAX_BYTES, REJECTED, UNAVAILABLE
from ledger.circle.history import History, Round
from ledger.circle.manifest import Manifest
from ledger.rules import find_rule
from ledger.rules.tether import Tether
from node.watch.judge_replays import find_judge_replays
from node.watch.query import SEAT_MAX, BadQuery, Missing, Query
from node.watch.rule_figures import RECORD, ReadEntry, ReadRecord, RuleReading, find_reading, read_record
from node.watch.shelf import Found, Lost, Shelf, Want, find_shelf
from node.watch.source import Source

POINTS_MAX: Final = 2000
"""So many rounds of a pair in one answer, the newest ones."""
# Of rounds in which a judge said nothing of the author, so many are looked at for whether it should have: each
# draws a graph anew.
_DRAWN_MAX: Final = 200
_GROUPS_MAX: Final = 20
_ROUND_MAX: Final = 9_999_999
_UNJUDGED: Final = "unjudged"
_UNIT: Final = "the model's own units: the root of the sum of squared differences of all parameters"
_WORD: Final = (
    "These figures are the judge's word, from the records that it anchored on the chain: every byte hashes to what"
    " stands there, and only an audit says whether the figures follow."
)
_RECOMPUTED: Final = (
    "A bundle holds updates and no records: these figures are recomputed here from the updates, and are shown where"
    " what comes out is the record that the judge anchored, or is read from its record in a folder here."
)
_NO_LENGTHS: Final = "Rule {} compares no distances: its records hold verdicts without figures."
_REASONS: Final[Mapping[str, str]] = {
    "beyond": "beyond the gate",
    "direction": "within the gate, and pushing apart from the rest",
    "hidden": "within the gate by its length, and not counted: it hides part of its step, or the gate was lower",
    "far": "further away than the reach",
    "score": "its score is above the limit",
    "private": "by the judge's private loss, or not on the shortlist",
    "unread": "the blob does not decode",
    "cut": "accepted, and cut to the reach",
    "unmixed": "accepted, and not mixed: in quarantine, suspended, or left out as one of few",
}


@dataclass(frozen=True)
class _Pair:
    judge: int
    author: int


def measure_distances(source: Source, query: Query) -> dict[str, Any]:
    """GET /api/distances?judge=J&author=A, with from= and to= for some rounds alone. Raises Missing, BadQuery."""
    pair = _Pair(
        query.number("judge", None, least=0, most=SEAT_MAX), query.number("author", None, least=0, most=SEAT_MAX)
    )
    first = query.number("from", 1, least=1, most=_ROUND_MAX)
    last = query.number("to", _ROUND_MAX, least=1, most=_ROUND_MAX)
    if pair.judge == pair.author:
        raise BadQuery("judge and author are one seat, and nobody judges itself: name two")
    history, shelf = source.view.history, find_shelf(source)
    for seat in (pair.judge, pair.author):
        if seat not in history.seats:
            raise Missing(f"seat {seat} was never taken")
    reading = find_reading(history.manifest.rule)
    judged, skipped = _find_judged(history, pair, first, last)
    shown = judged[:POINTS_MAX]
    if reading is not None:
        shelf.ask(_make_want(round_, pair.judge, reading) for round_ in shown)
    is_coming = reading is not None and find_judge_replays(source).ask(pair.judge)
    known = [_Point(source, shelf, round_, pair, reading, is_coming=is_coming) for round_ in shown]
    points = [one.describe() for one in known] + [
        {"round": number, "verdict": _UNJUDGED} for number in _find_unjudged(history, pair, skipped)
    ]
    return {
        "judge": pair.judge,
        "author": pair.author,
        "rule": history.manifest.rule,
        "what": list(("distance", "reach") if reading is None else reading.what),
        "unit": _UNIT,
        "gate": _find_gate(history.manifest),
        "points": sorted(points, key=lambda point: int(point["round"])),
        "reasons": _REASONS,
        "holders": _find_holders(history, pair),
        "pending": sum(one.is_pending for one in known),
        "missing": _group_missing(known),
        "leftOut": len(judged) - len(shown),
        "says": _NO_LENGTHS.format(history.manifest.rule)
        if reading is None
        else f"{reading.says} {_WORD if source.bundle is None else _RECOMPUTED}",
    }


def tell_distances(source: Source) -> tuple[int, int]:
    """For how long an answer holds: until the circle goes on, or a record comes."""
    return source.revision, find_shelf(source).version


class _Point:
    """What is known of one round of a pair."""

    def __init__(
        self,
        source: Source,
        shelf: Shelf,
        round_: Round,
        pair: _Pair,
        reading: RuleReading | None,
        *,
        is_coming: bool,
    ) -> None:
        """is_coming: what is lost may be recomputed still."""
        self.round, self._pair, self._reading = round_, pair, reading
        self._attested = round_.attestations[pair.judge]
        result = None if reading is None else shelf.find(RECORD, self._attested.record)
        is_lost = isinstance(result, Lost)
        self.is_pending = reading is not None and (result is None or (is_lost and is_coming))
        self.trouble = result.says if isinstance(result, Lost) and not self.is_pending else ""
        self._gate = _find_gate(source.view.history.manifest) or 0.0
        self._entry: ReadEntry | None = None
        self._others: Mapping[int, ReadEntry] = {}
        if isinstance(result, Found) and isinstance(result.value, ReadRecord):
            self._take(source, result.value)

    @property
    def _is_accepted(self) -> bool:
        return bool(self._attested.accepted >> self._pair.author & 1)

    def _take(self, source: Source, record: ReadRecord) -> None:
        judge, author = self._pair.judge, self._pair.author
        # [REJECT] R14: a record names its circle, its round and its judge, and what it judged as committed.
        named = record.network, record.round, record.author
        if named != (source.circle.network.domain_separator, self.round.number, self.round.author_of(judge)):
            self.trouble = "the record names another circle, round or judge"
            return
        entry = record.entries.get(author)
        if entry is None or entry.digest != self.round.commits.get(author):
            self.trouble = "the record says nothing of the update that the author committed"
            return
        self._entry, self._others = entry, record.entries
        if (entry.verdict == ACCEPTED) != self._is_accepted or entry.verdict == UNAVAILABLE:
            said = "accepted" if self._is_accepted else "rejected"
            self.trouble = f"the record says {entry.verdict}, and the judge's word on the chain is {said}"

    def describe(self) -> dict[str, Any]:
        """As fields; the verdict is the one on the chain, which is what counts."""
        verdict = ACCEPTED if self._is_accepted else REJECTED
        told: dict[str, Any] = {"round": self.round.number, "verdict": verdict}
        if self._entry is None:
            return told | (
                {"known": "pending"} if self.is_pending else {"known": "missing"} if self.trouble else {}
            )
        if self._entry.verdict == INVALID and verdict == REJECTED:
            told["verdict"] = INVALID
        told |= {
            "distance": self._entry.distance,
            "reach": self._entry.reach,
            "mixed": self._entry.is_mixed,
            "reason": self._find_reason(told["verdict"]),
        }
        return told

    def _find_reason(self, verdict: str) -> str | None:
        """The key of what led to the verdict, as far as the figures tell."""
        entry, rule = self._entry, self._reading
        if verdict == INVALID or entry is None or rule is None:
            return "unread" if verdict == INVALID else None
        if verdict == ACCEPTED:
            return self._find_share(entry, rule)
        if rule.reach == "tau2":
            return self._find_fault(entry)
        return "private" if rule.reach is None else "score" if rule.distance == "score" else "far"

    def _find_share(self, entry: ReadEntry, rule: RuleReading) -> str | None:
        """What became of an accepted update."""
        is_over = entry.distance is not None and entry.reach is not None and entry.distance > entry.reach
        if not entry.is_mixed:
            return "unmixed"
        return "cut" if is_over and rule.distance == "distance2" else None

    def _find_fault(self, entry: ReadEntry) -> str:
        """Why tether rejected an update: the direction is looked at of those within the gate alone."""
        if entry.has_direction:
            return "direction"
        is_told = any(one.has_direction for one in self._others.values())
        known = entry.distance is not None and entry.reach is not None
        is_near = is_told and known and (entry.distance or 0.0) <= self._gate * (entry.reach or 0.0)
        return "hidden" if is_near else "beyond"


def _find_judged(history: History, pair: _Pair, first: int, last: int) -> tuple[list[Round], list[Round]]:
    """The rounds in which the judge has a verdict about the author, and those in which it attested and both were
    there without one; newest first.
    """
    judged: list[Round] = []
    skipped: list[Round] = []
    for number in range(min(last, len(history.rounds)), first - 1, -1):
        round_ = history.rounds[number - 1]
        attestation = round_.attestations.get(pair.judge)
        if attestation is None or pair.author not in round_.commits:
            continue
        (judged if attestation.judged >> pair.author & 1 else skipped).append(round_)
    return judged, skipped


def _find_unjudged(history: History, pair: _Pair, skipped: list[Round]) -> Iterator[int]:
    """Rounds in which the author was the judge's to judge, and was not to be had; the newest are looked at."""
    for round_ in skipped[:_DRAWN_MAX]:
        if round_.seed is not None and pair.author in round_.find_neighbours(history.manifest.degree)[pair.judge]:
            yield round_.number


def _make_want(round_: Round, judge: int, reading: RuleReading) -> Want:
    return Want(
        RECORD, round_.attestations[judge].record, judge, RECORD_MAX_BYTES, partial(read_record, reading=reading)
    )


def _find_gate(manifest: Manifest) -> float | None:
    """How many reaches away the gate is at least; None where the rule has none."""
    rule = find_rule(manifest)
    return rule.gate_milli / 1000 if isinstance(rule, Tether) else None


def _find_holders(history: History, pair: _Pair) -> list[dict[str, Any]]:
    """From which rounds on other peers sat in the two seats: a line through them all would join strangers."""
    found: list[dict[str, Any]] = []
    for seat in (pair.judge, pair.author):
        before: int | None = None
        for round_ in history.rounds:
            tenure = round_.tenures.get(seat)
            if tenure is not None and before is not None and tenure != before:
                found.append({"round": round_.number, "seat": seat, "holder": tenure})
            before = before if tenure is None else tenure
    return found


def _group_missing(points: list[_Point]) -> list[dict[str, Any]]:
    groups: dict[str, list[int]] = {}
    for one in points:
        if one.trouble:
            groups.setdefault(one.trouble, []).append(one.round.number)
    ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
    return [{"says": says, "rounds": sorted(rounds)} for says, rounds in ranked[:_GROUPS_MAX]]
