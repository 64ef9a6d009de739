"""What a report lists and judges nobody for: who came and went, privacy, disputes, coin, availability."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.audit.availability import Attendance, HolderAvailability
from ledger.audit.coin import CoinFlow, CoinLoss
from ledger.audit.findings import DisputeLine, MembershipChange, PrivacyLine, Report
from ledger.audit.groups import describe_rounds
from ledger.untrusted.text import format_ether
from node.cli.audit_names import Names
from node.operating.layout import cut, tabulate, wrap
from node.operating.wording import format_count, format_seats, format_time

_SHOWN_MAX: Final = 12
"""So many entries of a list are shown, unless the whole was asked for."""
_GONE: Final = ("convicted", "suspended", "ejected", "left")
"""Changes that are told of before others, where there are too many."""
_NAME_MAX: Final = 24
"""Cells of a name in a table."""
Section = tuple[str, list[str]]


def list_sections(report: Report, names: Names, width: int, *, is_whole: bool) -> Iterator[Section]:
    """(title, lines) of each list that has something in it. is_whole: leave no entry out."""
    most = 10**9 if is_whole else _SHOWN_MAX
    changes = [change for change in report.membership if (change.change, change.round) != ("joined", 0)]
    if changes:
        yield "Membership", list(_list_membership(changes, names, width, most))
    if report.disputes:
        yield "Disputes", list(_list_disputes(report.disputes, names, width, most))
    if report.coin is not None and report.coin.put_down:
        yield "Coin", list(_list_coin(report.coin, names, width, most))
    if report.privacy:
        yield "Privacy", list(_list_privacy(report.privacy, most))
    if report.availability:
        yield "Availability", list(_list_availability(report, names, width, most))


def _tell_left(count: int) -> Iterator[str]:
    if count > 0:
        yield f"  and {count} more: --details lists all"


def _list_membership(changes: Sequence[MembershipChange], names: Names, width: int, most: int) -> Iterator[str]:
    """Who came, went or was excluded, when and why; the founders' joining is left out."""
    if len(changes) > most:
        counts = Counter(change.change for change in changes)
        told = ", ".join(f"{number} {change}" for change, number in counts.most_common())
        yield from wrap(f"{format_count(len(changes), 'change')}: {told}", width, "  ", "    ")
        told_of = [change for change in changes if change.change in _GONE]
    else:
        told_of = list(changes)
    for change in told_of[:most]:
        when = "" if change.time_s is None else f", {format_time(change.time_s)}"
        said = f"seat {change.seat} {change.change} in round {change.round}{when}, block {change.block}"
        yield from wrap(said, width, "  ", "    ")
        yield from wrap(names.describe(change.peer), width, "      ", "        ")
        yield from wrap(names.annotate(change.why), width, "      ", "      ")
    yield from _tell_left(len(changes) - len(told_of[:most]))


def _list_disputes(disputes: Sequence[DisputeLine], names: Names, width: int, most: int) -> Iterator[str]:
    """About which verdict, how the votes went, and what recomputing gives; the telling ones first."""
    outcomes = Counter(line.outcome for line in disputes)
    counted = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    yield f"  {format_count(len(disputes), 'dispute')}: {counted}"
    told_of = sorted(disputes, key=_is_dull)[:most] if len(disputes) > most else disputes
    for line in told_of:
        what = "its record or base" if line.target == line.judge else f"its verdict about seat {line.target}"
        said = f"{line.dispute}: seat {line.judge}, {what}, round {line.round}: {line.outcome}"
        recomputed = {True: "false", False: "right", None: "not to be had"}[line.is_false]
        yield from wrap(f"{said}; recomputed: {recomputed}", width, "  ", "     ")
        yield from wrap(f"raised by {names.describe(line.challenger)}", width, "     ", "     ")
        answers = (("false", line.upholding), ("right", line.rejecting), ("withheld", line.withholding))
        votes = "; ".join(f"{answer}: {format_seats(seats)}" for answer, seats in answers if seats)
        yield from wrap(f"voted {votes}" if votes else "nobody voted", width, "     ", "     ")
    yield from _tell_left(len(disputes) - len(told_of))


def _is_dull(line: DisputeLine) -> tuple[bool, bool, int]:
    is_against = (line.outcome == "upheld" and line.is_false is False) or (
        line.outcome != "upheld" and line.is_false
    )
    return not is_against, line.outcome != "upheld", line.dispute


def _list_coin(coin: CoinFlow, names: Names, width: int, most: int) -> Iterator[str]:
    """What was put down and became of it, who lost what through what, who took what."""
    rows = [
        ("put down, ever", format_ether(coin.put_down)),
        ("pledged still, in bonds and disputes", format_ether(coin.pledged)),
        ("burned", format_ether(coin.burned)),
        ("owed, and not taken yet", format_ether(sum(coin.owed.values()))),
        ("taken", format_ether(coin.taken)),
    ]
    yield from (f"  {line}" for line in tabulate(rows))
    pledges = f"A seat puts down {format_ether(coin.bond)}"
    if coin.dispute_bond:
        pledges += f", a claim {format_ether(coin.dispute_bond)}, an appeal four times that"
    yield from wrap(f"{pledges}.", width, "  ", "  ")
    for loss in coin.losses[:most]:
        yield from _describe_loss(loss, names, width)
    if len(coin.losses) > most:
        rest = sum(loss.wei for loss in coin.losses[most:])
        yield f"  and {format_ether(rest)} in {len(coin.losses) - most} more losses: --details lists all"
    taken = Counter[str]()
    for payment in coin.payments:
        taken[payment.account] += payment.wei
    for verb, amounts in (("took", dict(taken)), ("is owed", coin.owed)):
        ordered = sorted(amounts.items(), key=lambda one: (-one[1], one[0]))
        for account, wei in ordered[:most]:
            yield from wrap(f"{names.describe(account)} {verb} {format_ether(wei)}", width, "  ", "      ")
        yield from _tell_left(len(ordered) - most)


def _describe_loss(loss: CoinLoss, names: Names, width: int) -> Iterator[str]:
    seat = "" if loss.seat is None else f"seat {loss.seat}, "
    through = "" if loss.dispute is None else f"dispute {loss.dispute}, round {loss.round}: "
    yield from wrap(f"{seat}{names.describe(loss.account)}, lost {format_ether(loss.wei)}", width, "  ", "      ")
    yield from wrap(f"{through}{names.annotate(loss.why)}; block {loss.block}", width, "      ", "      ")
    if loss.paid:
        paid = f"{format_ether(loss.paid)} of it to {names.describe(loss.paid_to)}"
        yield from wrap(f"{paid}, the rest is burned", width, "      ", "      ")


def _list_privacy(lines: Sequence[PrivacyLine], most: int) -> Iterator[str]:
    """Of each author its last statement, and the least step of all its charged updates in parts of the noise."""
    told: dict[tuple[int, int], list[PrivacyLine]] = {}
    for line in lines:
        told.setdefault((line.seat, line.tenure), []).append(line)
    rows = []
    for (seat, tenure), said in sorted(told.items()):
        shares = [line.noise_milli for line in said if line.charged and line.noise_milli is not None]
        least = f"{min(shares) / 1000:.3f}" if shares else "not known"
        seen = min((line.measured for line in said if line.charged), default=0)
        name = str(seat) if tenure == 1 else f"{seat} (holder {tenure})"
        rows.append((name, f"{said[-1].epsilon_milli / 1000:.3f}", str(said[-1].rounds), least, str(seen)))
    heads = ("seat", "ε spent", "rounds charged", "least step / noise", "in values")
    yield from (f"  {line}" for line in tabulate([heads, *rows[:most]], (1, 2, 3, 4)))
    yield from _tell_left(len(rows) - most)


def _list_availability(report: Report, names: Names, width: int, most: int) -> Iterator[str]:
    """Who was always there in a line; of others how often they were, and when they were away."""
    always = [holder for holder in report.availability if _was_always_there(holder)]
    others = [holder for holder in report.availability if not _was_always_there(holder)]
    first, last = report.spans[0][0], report.spans[-1][1]
    rounds = describe_rounds(((first, last),))
    if always:
        seats = format_seats([holder.seat for holder in always])
        yield from wrap(f"There in every round that they had a seat in: {seats}.", width, "  ", "  ")
    if not others:
        return
    spans = (
        f"Over time: one sign for each of {len(report.spans)} spans of {rounds}; # in all rounds of it there,"
        " + in half of them or more, - in fewer, . in none, x out of the reach of most judges in half of them or"
        " more, a blank where it had no seat. There: it committed and attested. Not had: how many of its judges had"
        " no verdict about it. Absence proves no fault."
    )
    yield from wrap(spans, width, "  ", "  ")
    heads = ("seat", "", "held", "awaited", "came", "attested", "dozed", "not had", "over time")
    rows = [_make_row(holder, names) for holder in sorted(others, key=_find_share)[:most]]
    has_names = any(row[1] for row in rows)
    table = [heads, *rows]
    if not has_names:
        table = [row[:1] + row[2:] for row in table]
    # Names take what is left of a line.
    wide = list(tabulate(table, _rights(has_names)))
    if has_names and max(map(len, wide)) + 2 > width:
        room = max(4, _NAME_MAX - (max(map(len, wide)) + 2 - width))
        table = [(row[0], cut(row[1], room), *row[2:]) for row in table]
        wide = list(tabulate(table, _rights(has_names)))
    yield from (f"  {line}" for line in wide)
    yield from _tell_left(len(others) - len(rows))


def _rights(has_names: bool) -> Sequence[int]:
    return range(2, 8) if has_names else range(1, 7)


def _was_always_there(holder: HolderAvailability) -> bool:
    total = holder.total
    return total.held == total.attested and total.unreached == 0


def _find_share(holder: HolderAvailability) -> tuple[float, int, int]:
    total = holder.total
    return total.attested / max(total.held, 1), holder.seat, holder.tenure


def _make_row(holder: HolderAvailability, names: Names) -> tuple[str, ...]:
    total = holder.total
    seat = str(holder.seat) if holder.tenure == 1 else f"{holder.seat}/{holder.tenure}"
    figures = (total.held, total.waited_for, total.committed, total.attested, total.dozed)
    not_had = f"{total.unavailable}/{total.judges}"
    name = cut(names.find(holder.peer), _NAME_MAX)
    return (seat, name, *map(str, figures), not_had, "".join(map(_find_sign, holder.spans)))


def _find_sign(span: Attendance) -> str:
    if not span.held:
        return " "
    if span.unreached and 2 * span.unreached >= span.held:
        return "x"
    if span.attested == span.held:
        return "#"
    if 2 * span.attested >= span.held:
        return "+"
    return "-" if span.attested else "."
