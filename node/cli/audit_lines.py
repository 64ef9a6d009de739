"""What an audit found, in lines for people and fields for machines."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ledger.audit.findings import Check, Report
from ledger.audit.groups import FindingGroup, group_findings, make_group_fields
from ledger.audit.kinds import WITHOUT_BLOBS
from ledger.untrusted.text import format_ether
from node.cli.audit_lists import list_sections
from node.cli.audit_names import ALL, Names, list_seat_names
from node.operating.layout import tabulate, wrap
from node.operating.versions import find_version
from node.operating.wording import format_count, format_time

FORMAT: Final = 1
"""Of the fields for machines: another number once what is there means something else."""
NARROWEST: Final = 80
WIDEST: Final = 120
"""Columns: on a wider terminal a line is not longer than that."""
_IN_WEI: Final = ("bond", "fine")
"""Evidence that is an amount of coin."""
_LABEL: Final = 12
"""Columns for the name of what is said."""
_NAMED_MAX: Final = 3
"""Of more seats than that only the number is told in the first line."""
_GROUPS_MAX: Final = 24
"""Of more groups than that only the number is told, without --details."""


@dataclass(frozen=True)
class Shown:
    """How a report is shown."""

    width: int = 80
    """Columns."""
    names: Names = field(default_factory=Names)
    """What addresses are called."""
    details: int | None = None
    """The seat whose findings are told one by one, or ALL; None for none."""
    made_s: float | None = None
    """When the audit was made, Unix seconds; None where that is not told."""

    def shows(self, seat: int | None) -> bool:
        """Whether findings about the seat are told one by one."""
        return self.details is not None and self.details in (ALL, seat)


@dataclass(frozen=True)
class Line:
    """A line of a report."""

    text: str
    """At most as wide as was asked."""
    style: str = ""
    """As rich has them."""


def join_statement_fields(report: Report, laws: list[str]) -> dict[str, Any]:
    """The statement for machines, with the articles of the laws named."""
    from ledger.audit.legal_statement import make_law_fields
    from ledger.audit.privacy_statement import make_statement_fields

    return make_statement_fields(report) | (make_law_fields(report, laws) if laws else {})


def make_fields(report: Report, made_s: float | None = None, names: Names | None = None) -> dict[str, Any]:
    """The report for machines, as docs/audit-report.schema.json has it.

    made_s: Unix seconds; where None when the chain was read, and now where nobody says.
    """
    made_s = _choose_time(report) if made_s is None else made_s
    groups = group_findings(report)
    return {
        "format": FORMAT,
        "made_at": _format_iso(made_s),
        "made_by": f"folkmoot {find_version()}",
        "names": (names or Names()).to_fields(),
        "seat_names": list_seat_names(report.history),
        "headline": sum_up(report, groups, (names or Names()).beside(report.history)),
        **asdict(report),
        "clean": report.clean,
        "examined": {check.value: number for check, number in report.examined.items()},
        "looked_at": {unit.value: seats for unit, seats in report.looked_at.items()},
        "groups": [make_group_fields(group) for group in groups],
    }


def _format_iso(unix_s: float) -> str | None:
    """None for a time that no calendar has."""
    try:
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return None


def print_report(report: Report, names: Names | None = None, details: int | None = None) -> None:
    """The report for people. details: a seat, or ALL."""
    from rich.text import Text

    from node.operating.console import CleanConsole

    console = CleanConsole()
    width = min(max(console.width, NARROWEST), WIDEST)
    named = (names or Names()).beside(report.history)
    for line in describe_report(report, Shown(width, named, details, _choose_time(report))):
        console.print(Text(line.text, line.style), soft_wrap=True)


def _choose_time(report: Report) -> float:
    """A bundle's report is the one that its maker had, whenever it is audited again."""
    return time.time() if report.read_at_s is None else report.read_at_s


def describe_report(report: Report, shown: Shown) -> Iterator[Line]:
    """Line by line: clean or not and by whom, then what was audited, what was found, and what is listed."""
    groups = group_findings(report)
    style = "bold green" if report.clean else "bold red"
    yield from (Line(text, style) for text in wrap(sum_up(report, groups, shown.names), shown.width, "", "  "))
    yield from _describe_source(report, shown)
    if groups:
        yield from _describe_groups(groups, shown)
    yield from _describe_checks(report, shown)
    for title, lines in list_sections(report, shown.names, shown.width, is_whole=shown.details == ALL):
        yield from (Line(""), Line(title, "bold"), *map(Line, lines))
    if report.notes:
        yield from (Line(""), Line("Notes", "bold"))
    for note in report.notes:
        yield from (Line(text, "yellow") for text in wrap(shown.names.annotate(note), shown.width, "  - ", "    "))


def sum_up(report: Report, groups: Sequence[FindingGroup], names: Names) -> str:
    """In one sentence: clean, and of how much; or not, and by whom."""
    if not groups:
        return "; ".join([_sum_up_clean(report), *_list_doubts(report)])
    blamed = [group for group in groups if group.is_blamed]
    others = [group for group in groups if not group.is_blamed]
    told = blamed or others
    seats = list(dict.fromkeys((group.seat, group.peer) for group in told))
    if len(seats) == 1:
        said = "; ".join(group.describe() for group in told)
        seat, peer = seats[0]
        said = said if seat is None else f"{_name_seat(seat, peer, names)}: {said}"
        if not blamed and (fault := told[0].fault):
            # In brackets or behind a colon stands what to do, or why.
            said += f" (at fault: {re.split(' ?[:(]', fault)[0]})"
    else:
        listed = [
            "the circle itself" if seat is None else _name_seat(seat, peer, names)
            for seat, peer in seats[:_NAMED_MAX]
        ]
        more = [format_count(len(seats) - _NAMED_MAX, "other")] if len(seats) > _NAMED_MAX else []
        last = [*listed, *more].pop()
        count = format_count(sum(group.count for group in told), "finding")
        said = f"{', '.join([*listed, *more][:-1])} and {last}: {count}"
        if not blamed:
            said += ", for which nobody can be blamed"
    if blamed and others:
        rest = sum(group.count for group in others)
        said += f"; and {format_count(rest, 'finding')} for which no seat can be blamed"
    return "; ".join([f"not clean: {said}", *_list_doubts(report)])


def _list_doubts(report: Report) -> Iterator[str]:
    """What of a bundle's report is its maker's word, as short as can be: more is told under Bundle."""
    found = report.bundle
    if found is None:
        return
    if resting := sum(finding.kind in WITHOUT_BLOBS for finding in report.findings):
        lost = format_count(found["missing"], "blob")
        yield f"{resting} of these by the word of the bundle's maker, that {lost} could not be had"
    if not found["state_proved"]:
        yield f"what the chain says at block {report.head} is the word of the bundle's maker"
    elif not found["pinned"]:
        yield f"that block {report.head} is the chain's is the word of the bundle's maker"


def _name_seat(seat: int, peer: str, names: Names) -> str:
    return " ".join(filter(None, (f"seat {seat}", names.describe_shortly(peer))))


def _sum_up_clean(report: Report) -> str:
    examined = report.examined
    counted = [
        format_count(examined.get(check, 0), what)
        for check, what in (
            (Check.VERDICTS, "verdict"),
            (Check.REPUTATIONS, "reputation"),
            (Check.COPIES, "update"),
        )
    ]
    if not examined.get(Check.VERDICTS):
        return "clean: no finding, but no verdict was looked at"
    said = f"clean: no finding in {counted[0]}, {counted[1]} and {counted[2]}"
    limits = []
    if report.sample is not None:
        limits.append("of a sample")
    if report.scope.startswith("rounds "):
        limits.append(f"of {report.scope} alone")
    if report.not_recomputed:
        limits.append(f"{format_count(report.not_recomputed, 'attestation')} could not be recomputed")
    if report.pruned:
        limits.append(f"{format_count(report.pruned, 'old update')} not served any more")
    return "; ".join([said, *limits])


def _describe_source(report: Report, shown: Shown) -> Iterator[Line]:
    """What was audited, as of when, from whom, and how much of it."""
    yield Line("")
    for name, said in _list_source(report, shown):
        yield from map(Line, wrap(said, shown.width, f"{name:<{_LABEL}}", " " * _LABEL))


def _list_source(report: Report, shown: Shown) -> Iterator[tuple[str, str]]:
    """(what, said of it); after the first of several lines about one thing, what is empty."""
    yield "circle", f"{report.contract} on chain {report.chain_id}"
    if report.task:
        rounds, seats = format_count(report.rounds, "round"), format_count(report.seats, "seat")
        yield "task", f"{report.task}, rule {report.rule}, {rounds}, {seats}"
    when = "" if report.head_time_s is None else f", of {format_time(report.head_time_s)}"
    yield "as of", f"block {report.head}{when}"
    if report.head_hash:
        yield "", report.head_hash
    told = "" if report.bundle is None else ", as the bundle's maker says"
    if report.endpoint:
        yield "told by", f"the endpoint at {report.endpoint}{told}"
    if shown.made_s is not None and report.bundle is not None:
        yield "read", f"{format_time(shown.made_s)}{told}; audited by folkmoot {find_version()}"
    elif shown.made_s is not None:
        yield "audited", f"{format_time(shown.made_s)}, by folkmoot {find_version()}"
    yield "blobs", f"{report.blobs} fetched, {report.blob_bytes / 1e6:.1f} MB"
    yield "recomputed", _describe_recomputed(report)


def _describe_recomputed(report: Report) -> str:
    """What was recomputed, and what was not."""
    said = [f"{format_count(report.recomputed, 'attestation')} of {report.scope or 'no round'}"]
    if report.sample_block is not None:
        said.append(f"drawn by block {report.sample_block}, hash {report.sample_block_hash}")
    if report.started:
        said.append(f"from {format_count(report.started, 'checkpoint')} on")
    if report.not_recomputed:
        said.append(f"{report.not_recomputed} could not be")
    if report.pruned:
        said.append(f"{report.pruned} updates of final rounds are not served any more, and need not be")
    if report.unavailable_verdicts:
        said.append(f"{format_count(report.unavailable_verdicts, 'neighbour')} unavailable to their judges")
    return "; ".join(said)


def _describe_groups(groups: Sequence[FindingGroup], shown: Shown) -> Iterator[Line]:
    """Seat by seat; one by one where that was asked for."""
    yield from (Line(""), Line(f"Findings: {sum(group.count for group in groups)}", "bold"))
    told: tuple[int | None, str] | None = None
    told_of = groups if shown.details is not None else groups[:_GROUPS_MAX]
    for group in told_of:
        if told != (group.seat, group.peer):
            told = (group.seat, group.peer)
            head = "of no seat" if group.seat is None else f"seat {group.seat}"
            peer = f", {shown.names.describe(group.peer)}" if group.peer else ""
            yield from (Line(text, "bold") for text in wrap(head + peer, shown.width, "  ", "    "))
        said = f"{group.describe()}."
        if group.fault:
            said += f" At fault: {group.fault}."
        head = f"    {group.check.value:<5}"
        yield from (Line(text, "red") for text in wrap(said, shown.width, head, " " * len(head)))
        if shown.shows(group.seat):
            yield from _describe_findings(group, shown)
    if left := groups[len(told_of) :]:
        count = sum(group.count for group in left)
        yield Line(
            f"  and {format_count(count, 'finding')} in {len(left)} more groups: --details tells of all", "red"
        )
    if shown.details not in (None, ALL) and all(group.seat != shown.details for group in groups):
        yield Line(f"  none is about seat {shown.details}; --details alone shows the evidence of all")
    if shown.details is None:
        yield Line("  --details shows the evidence of each, --details SEAT that of a seat's", "dim")


def _describe_findings(group: FindingGroup, shown: Shown) -> Iterator[Line]:
    for finding in group.findings:
        when = "" if finding.round is None else f"round {finding.round}: "
        yield from map(
            Line, wrap(f"{when}{shown.names.annotate(finding.fact)}", shown.width, "        - ", "          ")
        )
        for name, value in finding.evidence.items():
            if name != "peer":
                text = wrap(
                    f"{name}: {_describe_evidence(name, value, shown.names)}", shown.width, " " * 12, " " * 14
                )
                yield from (Line(line, "dim") for line in text)


def _describe_evidence(name: str, value: str, names: Names) -> str:
    """Coin in ETH, and addresses with their names."""
    if name in _IN_WEI and value.isdecimal():
        return format_ether(int(value))
    return names.annotate(value)


def _describe_checks(report: Report, shown: Shown) -> Iterator[Line]:
    """What holds where there is no finding, how much was looked at, and how often it is not so."""
    yield from (Line(""), Line("Checks", "bold"))
    found = {check: sum(finding.check == check for finding in report.findings) for check in Check}
    figures = list(
        tabulate(
            [("looked at", "findings"), *((str(report.examined.get(c, 0)), str(found[c])) for c in Check)], (0, 1)
        )
    )
    room = shown.width - max(map(len, figures)) - 3
    yield Line(f"  {'holds when':<{room}} {figures[0]}", "dim")
    for check, figure in zip(Check, figures[1:], strict=True):
        first, *later = wrap(check.statement, room + 1, f"  {check.value:<5}", " " * 7)
        style = "red" if found[check] else "green" if report.examined.get(check) else "dim"
        yield Line(f"{first:<{room + 2}} {figure}", style)
        yield from (Line(text, style) for text in later)
