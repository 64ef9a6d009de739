"""An audit's report as one page: to read, to print, to keep beside its bundle, and to check the bundle with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from eth_hash.auto import keccak

from ledger.audit.findings import Check, DisputeLine, MembershipChange, Report
from ledger.audit.groups import FindingGroup, group_findings
from ledger.chain.contract.artifact import load_circle_artifact
from ledger.circle.draw import seats_of
from ledger.circle.history import History
from ledger.untrusted.text import format_ether
from node.operating.html_page import Part, encode_page, make_data, make_element, make_list, make_table
from node.operating.wording import format_count, format_time
from node.page.provenance import Provenance, tell_provenance
from node.page.reputation_picture import draw_reputations
from node.page.rounds import ROWS_MAX, embed_rounds, list_rows, trace_reputations
from node.page.script import READER, join_modules, read_source

GROUPS_MAX: Final = 200
EVIDENCE_MAX: Final = 12
"""So many findings of a group are shown with their evidence."""
ROWS_SHOWN_MAX: Final = 300
"""So many rows of any other table."""

_UNSAID: Final = (
    "That the block is the chain's: compare its hash with one that you have from elsewhere.",
    "That what was not to be had could not be had. That somebody was away proves no fault.",
    "Anything of rounds that were not recomputed; which these are is said above.",
    "That the page itself is honest: whoever ran the audit made it. Its reader looks at the bundle by itself,"
    " and whoever trusts neither audits the bundle with a copy of the program of their own: folkmoot audit FILE.",
)
_READ_HERE: Final = (
    "The reader in this page was written a second time, from the protocol, in another language. It checks"
    " that all blocks hash to their names, that code, running hash and reputations follow from the block's"
    " hash where the bundle has the proofs, that the events fold to the running hash, every reputation, and"
    " whose signatures there are; under the rules balance and none also every verdict, record and base. It"
    " does not look at receipts, transactions, votes and copies, nor at verdicts under other rules, and says"
    " so. Nothing leaves this page: the file is read by your browser alone."
)


@dataclass(frozen=True)
class Shown:
    """What a page shows beside the report."""

    headline: str
    """Clean or not, and by whom, in a sentence."""
    source: Sequence[tuple[str, str]]
    """Where it was read, and what its bundle proves: a word, and what it says."""
    made: str
    """By which program."""
    describe: Callable[[str], str]
    """An address, with its name where there is one."""
    provenance: Provenance | None = None
    """Of the last model, where that was asked for."""


def encode_report_page(report: Report, history: History | None, shown: Shown) -> bytes:
    """The file. history: None where the chain could not be read as a circle's."""
    groups = group_findings(report)
    parts: list[Part] = [
        make_element("h1", f"Audit of circle {report.contract}"),
        make_element(
            "p", f"{report.task}, rule {report.rule}, chain {report.chain_id}. {shown.made}", class_="faint"
        ),
        make_element("p", _begin(shown.headline) + ".", class_="headline" if report.clean else "headline bad"),
        _make_contents(report, history, shown.provenance),
        *_tell_scope(report, shown),
        *_tell_findings(groups, shown),
        *_tell_checks(report),
    ]
    if history is not None and history.rounds:
        parts += _tell_rounds(report, history, groups)
    parts += [
        *_tell_availability(report),
        *_tell_membership(report.membership, shown),
        *_tell_disputes(report.disputes, shown),
        *_tell_coin(report, shown),
        *_tell_privacy(report),
        *(() if shown.provenance is None else tell_provenance(shown.provenance, shown.describe)),
        *_tell_notes(report),
        *_make_reader(),
        make_element("h2", "What this page does not say", id="unsaid"),
        make_list(_UNSAID),
        make_data("report-data", _make_facts(report)),
    ]
    script = f'"use strict";\n{join_modules(*READER, "view")}view_module.start();\n'
    style, has_picture = read_source("report.css"), shown.provenance is not None and shown.provenance.picture != b""
    return encode_page(f"Audit of {report.contract}", parts, style, script, holds_pictures=has_picture)


def _make_facts(report: Report) -> dict[str, object]:
    """What the script holds a bundle against."""
    artifact = load_circle_artifact()
    runtime = bytes.fromhex(artifact.runtime[2:])
    return {
        "contract": report.contract,
        "chainId": report.chain_id,
        "head": report.head,
        "headHash": report.head_hash,
        "clean": report.clean,
        "root": "" if report.bundle is None else report.bundle["root"],
        "code": {
            "runtime": keccak(runtime).hex(),
            "runtimeBytes": len(runtime),
            "court": keccak(artifact.court_code).hex(),
        },
    }


def _make_contents(report: Report, history: History | None, provenance: Provenance | None) -> Element:
    wanted = [
        ("findings", "Findings", True),
        ("checks", "Checks", True),
        ("rounds", "Rounds", history is not None and bool(history.rounds)),
        ("availability", "Availability", bool(report.availability)),
        ("membership", "Membership", bool(report.membership)),
        ("disputes", "Disputes", bool(report.disputes)),
        ("coin", "Coin", report.coin is not None and report.coin.put_down > 0),
        ("privacy", "Privacy", bool(report.holders)),
        ("provenance", "Provenance", provenance is not None),
        ("verify", "Verify the bundle", True),
    ]
    links = [make_element("a", title, href=f"#{name}") for name, title, is_there in wanted if is_there]
    return make_element("nav", make_list(links), aria_label="On this page")


def _tell_scope(report: Report, shown: Shown) -> Iterator[Element]:
    recomputed = f"{format_count(report.recomputed, 'attestation')} of {report.scope or 'no round'}"
    if report.not_recomputed:
        recomputed += f"; {report.not_recomputed} could not be"
    facts = [
        ("Circle", f"{format_count(report.rounds, 'round')}, {format_count(report.seats, 'seat')}"),
        ("Recomputed", recomputed),
        ("Blobs", f"{report.blobs}, {report.blob_bytes / 1e6:.1f} MB"),
    ]
    facts += [(_begin(word), said) for word, said in shown.source]
    yield _make_facts_list(facts)


def _make_facts_list(facts: Sequence[tuple[str, str]]) -> Element:
    parts = [part for word, said in facts for part in (make_element("dt", word), make_element("dd", said))]
    return make_element("dl", *parts, class_="facts")


def _tell_findings(groups: Sequence[FindingGroup], shown: Shown) -> Iterator[Element]:
    count = sum(group.count for group in groups)
    yield make_element("h2", f"Findings: {count}", id="findings")
    if not groups:
        yield make_element("p", "None.")
    told: tuple[int | None, str] | None = None
    for group in groups[:GROUPS_MAX]:
        if told != (group.seat, group.peer):
            told = (group.seat, group.peer)
            peer = f", {shown.describe(group.peer)}" if group.peer else ""
            yield make_element("h3", ("Of no seat" if group.seat is None else f"Seat {group.seat}") + peer)
        yield _tell_group(group)
    if len(groups) > GROUPS_MAX:
        rest = sum(group.count for group in groups[GROUPS_MAX:])
        yield make_element("p", f"And {format_count(rest, 'finding')} in {len(groups) - GROUPS_MAX} more groups.")


def _tell_group(group: FindingGroup) -> Element:
    said = f"{group.check.value}  {group.describe()}."
    if group.fault:
        said += f" At fault: {group.fault}."
    shown = []
    for finding in group.findings[:EVIDENCE_MAX]:
        when = "" if finding.round is None else f"Round {finding.round}: "
        evidence = "; ".join(f"{name} {value}" for name, value in finding.evidence.items() if name != "peer")
        shown.append(f"{when}{finding.fact}" + (f" ({evidence})" if evidence else ""))
    if (left := group.count - len(shown)) > 0:
        shown.append(f"And {left} more like these.")
    return make_element("details", make_element("summary", said), make_element("div", make_list(shown)))


def _tell_checks(report: Report) -> Iterator[Element]:
    yield make_element("h2", "Checks", id="checks")
    rows = []
    for check in Check:
        found = sum(finding.check == check for finding in report.findings)
        rows.append(
            (check.value, check.statement, str(report.examined.get(check, 0)), str(found) if found else "–")
        )
    yield make_table(("check", "holds when", "looked at", "findings"), rows)


def _tell_rounds(report: Report, history: History, groups: Sequence[FindingGroup]) -> Iterator[Element]:
    yield make_element("h2", "Rounds", id="rounds")
    floor = history.terms.reputation_floor
    blamed = list(dict.fromkeys(group.seat for group in groups if group.is_blamed and group.seat is not None))
    standing_out = [
        seat for seat in dict.fromkeys([*blamed, *seats_of(history.below)]) if seat in history.reputations
    ]
    rounds, traced = trace_reputations(history)
    caption = (
        "Reputation of each seat as rounds opened, from 0 to 1; below the dotted line a seat is in quarantine."
    )
    if standing_out:
        caption += " By name: seats with findings, and those in quarantine now."
    yield make_element(
        "figure",
        make_element("div", draw_reputations(rounds, traced, floor, standing_out), class_="wide"),
        make_element("figcaption", caption),
    )
    rows = list_rows(history, report)
    heads = ("round", "committed", "attested", "accepted", "rejected", "no verdict", "findings")
    if any(row.first != row.last for row in rows):
        yield make_element(
            "p", f"Summed up into {len(rows)} rows of several rounds each, {ROWS_MAX} at most.", class_="faint"
        )
    yield make_table(
        heads,
        [
            (
                str(row.first) if row.first == row.last else f"{row.first}–{row.last}",
                *map(str, (row.committed, row.attested, row.accepted, row.rejected, row.unjudged)),
                str(row.findings) if row.findings else "–",
            )
            for row in rows
        ],
    )
    yield from _make_matrix(report, history)


def _make_matrix(report: Report, history: History) -> Iterator[Element]:
    embedded, left = embed_rounds(history, report)
    yield make_element("h3", "Who judged whom, and how")
    if left:
        said = f"{format_count(left, 'round')} left out to keep the page small, old ones without findings."
        yield make_element("p", said, class_="notice")
    if not embedded:
        yield make_element("p", "Nobody has attested yet.")
    with_findings = [one["number"] for one in embedded if one["found"]]
    first = (with_findings or [one["number"] for one in embedded] or [0])[-1]
    yield make_element(
        "p",
        make_element("span", "✓ accepted"),
        make_element("span", "✗ rejected"),
        make_element("span", "? no verdict: not to be had"),
        make_element("span", "blank: no neighbour"),
        class_="key faint",
    )
    yield make_element(
        "div",
        make_element("button", "◀ Round before", id="round-before", type="button"),
        make_element("input", type="range", id="round-slider", min="0", value="0", aria_label="round"),
        make_element("button", "Round after ▶", id="round-after", type="button"),
        class_="chooser needs-script",
    )
    yield make_element("p", "The table of each round needs the page's script.", class_="faint no-script")
    yield make_element("p", "", id="round-name", aria_live="polite")
    yield make_element("div", "", id="round-matrix", class_="wide", data_round=str(first))
    yield make_data("rounds-data", embedded)


def _tell_availability(report: Report) -> Iterator[Element]:
    if not report.availability:
        return
    yield make_element("h2", "Availability", id="availability")
    first, last = report.spans[0][0], report.spans[-1][1]
    yield make_element(
        "p",
        f"Rounds {first} to {last}; last columns: committed / held, in some. Nobody is judged for being away.",
        class_="faint",
    )
    heads = ("seat", "held", "waited for", "committed", "attested", "dozed", "judges without it")
    spans = [str(start) if start == end else f"{start}–{end}" for start, end in report.spans]
    rows = []
    for holder in report.availability[:ROWS_SHOWN_MAX]:
        total = holder.total
        name = str(holder.seat) if holder.tenure == 1 else f"{holder.seat} (holder {holder.tenure})"
        figures = (total.held, total.waited_for, total.committed, total.attested, total.dozed)
        parts = [f"{one.committed}/{one.held}" if one.held else "" for one in holder.spans]
        rows.append((name, *map(str, figures), f"{total.unavailable} of {total.judges}", *parts))
    yield make_table((*heads, *spans), rows)
    yield from _tell_left(len(report.availability) - len(rows))


def _tell_membership(changes: Sequence[MembershipChange], shown: Shown) -> Iterator[Element]:
    if not changes:
        return
    yield make_element("h2", "Membership", id="membership")
    # Who was convicted or left is told of before who only joined, where there are too many.
    ordered = sorted(changes, key=lambda one: one.change == "joined") if len(changes) > ROWS_SHOWN_MAX else changes
    rows: list[Sequence[Part]] = [
        (
            "" if one.time_s is None else format_time(one.time_s),
            str(one.block),
            str(one.round),
            f"{one.seat}",
            one.change,
            one.why,
            make_element("code", shown.describe(one.peer)),
        )
        for one in ordered[:ROWS_SHOWN_MAX]
    ]
    yield make_table(("when", "block", "round", "seat", "what", "why", "peer"), rows)
    yield from _tell_left(len(changes) - len(rows))


def _tell_disputes(disputes: Sequence[DisputeLine], shown: Shown) -> Iterator[Element]:
    if not disputes:
        return
    yield make_element("h2", "Disputes", id="disputes")
    recomputed = {True: "false", False: "right", None: "cannot be"}
    rows: list[Sequence[Part]] = [
        (
            str(one.dispute),
            str(one.round),
            str(one.judge),
            str(one.target),
            one.outcome,
            " ".join(map(str, one.upholding)),
            " ".join(map(str, one.rejecting)),
            " ".join(map(str, one.withholding)),
            recomputed[one.is_false],
            format_ether(one.fine) if one.fine else "–",
            make_element("code", shown.describe(one.challenger)),
        )
        for one in disputes[:ROWS_SHOWN_MAX]
    ]
    heads = ("dispute", "round", "judge", "target", "outcome", "said false", "said right", "said withheld")
    yield make_table((*heads, "recomputed", "fine", "challenger"), rows)
    yield from _tell_left(len(disputes) - len(rows))


def _tell_coin(report: Report, shown: Shown) -> Iterator[Element]:
    coin = report.coin
    if coin is None or not coin.put_down:
        return
    yield make_element("h2", "Coin", id="coin")
    yield _make_facts_list(
        [
            ("Put down, ever", format_ether(coin.put_down)),
            ("Pledged still", format_ether(coin.pledged)),
            ("Burned", format_ether(coin.burned)),
            ("Owed, not taken", format_ether(sum(coin.owed.values()))),
            ("Taken", format_ether(coin.taken)),
        ]
    )
    rows: list[Sequence[Part]] = [
        (
            "" if one.seat is None else str(one.seat),
            format_ether(one.wei),
            one.why,
            f"{format_ether(one.paid)} to {shown.describe(one.paid_to)}" if one.paid else "burned",
            str(one.block),
            make_element("code", shown.describe(one.account)),
        )
        for one in coin.losses[:ROWS_SHOWN_MAX]
    ]
    if rows:
        yield make_table(("seat", "lost", "through", "went to", "block", "account"), rows)
    yield from _tell_left(len(coin.losses) - len(rows))


def _tell_privacy(report: Report) -> Iterator[Element]:
    if not report.holders:
        return
    yield make_element("h2", "Privacy budgets", id="privacy")
    budget = (report.privacy_terms or {}).get("epsilon_milli")
    if isinstance(budget, int):
        yield make_element(
            "p", f"Each peer may spend ε {budget / 1000:g}, as its own statements say; smaller is more private."
        )
    rows = []
    for holder in report.holders[:ROWS_SHOWN_MAX]:
        name = str(holder.seat) if holder.tenure == 1 else f"{holder.seat} (holder {holder.tenure})"
        spent = "not read" if holder.newest is None else f"{holder.newest.epsilon_milli / 1000:.3f}"
        least = "not measured" if holder.least_noise_milli is None else f"{holder.least_noise_milli / 1000:.3f}"
        rows.append((name, spent, str(holder.updates), f"{holder.charged} of {holder.read}", least))
    yield make_table(("seat", "ε spent", "updates", "charged, of those read", "least step / noise"), rows)
    yield from _tell_left(len(report.holders) - len(rows))


def _tell_notes(report: Report) -> Iterator[Element]:
    if report.notes:
        yield make_element("h2", "Notes")
        yield make_list([_begin(note) for note in report.notes[:ROWS_SHOWN_MAX]])
        yield from _tell_left(len(report.notes) - ROWS_SHOWN_MAX)


def _tell_left(count: int) -> Iterator[Element]:
    if count > 0:
        yield make_element(
            "p", f"And {count} more, left out of this page: folkmoot audit --details all lists them."
        )


def _make_reader() -> Iterator[Element]:
    yield make_element("h2", "Verify the bundle here", id="verify")
    yield make_element("p", _READ_HERE)
    yield make_element("p", "The reader needs the page's script.", class_="faint no-script")
    yield make_element(
        "div",
        make_element("label", "Open the bundle (.car), or drop it here: ", for_="bundle"),
        make_element("input", type="file", id="bundle", accept=".car"),
        make_element("div", "", id="verdict", aria_live="polite"),
        id="drop",
        class_="drop needs-script",
    )


def _begin(sentence: str) -> str:
    """With a capital; ε is a sign, and stays small."""
    return sentence[:1].upper() + sentence[1:] if sentence[:1].isascii() else sentence
