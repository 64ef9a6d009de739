"""The privacy statement of an audit in plain English, as text in Markdown that one can hand on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger.audit.findings import Report
from ledger.audit.legal_statement import NO_ADVICE, make_law_fields
from ledger.audit.privacy_statement import Assessment, make_statement_fields
from ledger.privacy.accountant import ORDERS
from node.operating.wording import format_count


def describe_statement(report: Report, laws: Sequence[str] = ()) -> Iterator[str]:
    """Line by line. laws: by whose articles the facts are put besides, names of LAWS."""
    said = make_statement_fields(report)
    circle, claim = said["circle"], said["claim"]
    place = f"Circle {circle['contract']} on chain {circle['chain_id']}"
    option = f"--statement {','.join(laws)}" if laws else "--statement"
    yield f"# {'Statement' if laws else 'Privacy statement'}"
    yield ""
    yield (
        f"{place}, task {circle['task'] or 'not known'}, {circle['rounds']} rounds, as of block {circle['block']}."
        f" Recomputed: {circle['recomputed'] or 'nothing'}."
    )
    yield (
        f"Made by `folkmoot audit {option}` from the chain and the published blobs alone; anyone who repeats it"
        " up to the same block with the same blobs gets the same figures."
    )
    if laws:
        yield from ("", f"**{NO_ADVICE}**")
    if claim is not None:
        yield ""
        yield f"**In short:** {_sum_up(said['seats'])}"
    for law in make_law_fields(report, laws)["laws"]:
        yield from _describe_law(law)
    if claim is not None:
        yield from _describe_claim(claim, said["terms"])
        yield from _describe_seats(said["seats"])
    elif circle["task"]:
        yield ""
        yield (
            "**Nothing is claimed.** The circle has no privacy terms: nothing bounds what its published states tell"
            " of the data."
        )
    yield from _describe_checks(said["checked"], said["not_checked"])
    if report.findings:
        yield ""
        yield f"The whole audit has {format_count(len(report.findings), 'finding')}: `folkmoot audit` lists them."
    if claim is not None:
        yield from _list("What the claim rests on, and nobody can check", said["cannot_be_checked"].values())
    yield from _list("What this statement does not say", said["does_not_say"])


def _sum_up(seats: Sequence[Mapping[str, Any]]) -> str:
    """How the claims fared, in a sentence."""
    parts = []
    for assessment in Assessment:
        named = [_name_seat(one) for one in seats if one["assessment"] == assessment]
        if named:
            parts.append(f"{assessment} for {'seat' if len(named) == 1 else 'seats'} {', '.join(named)}")
    return f"{'; '.join(parts)}." if parts else "no seat has published anything yet."


def _describe_claim(claim: Mapping[str, Any], terms: Mapping[str, Any]) -> Iterator[str]:
    yield from _head("What is claimed")
    yield (
        f"({claim['definition'].replace('epsilon', 'ε').replace('delta', 'δ')}, with ε of at most"
        f" {claim['epsilon_at_most']:g} and δ = {claim['delta']}.) {claim['says']}"
    )
    yield ""
    yield claim["observer"]
    yield from _head("Terms")
    yield from _tabulate(
        ("term", "value", "meaning"),
        [
            ("mechanism", terms["mechanism"], "noisy gradient descent on random samples (R30.5)"),
            ("unit", terms["unit"], f"what is protected; two data sets are neighbours by {claim['neighbours']}"),
            ("budget", f"ε {claim['epsilon_at_most']:g}", "the most that a seat may spend, all rounds together"),
            ("δ", terms["delta"], "how likely the bound may fail"),
            ("clip", terms["clip"], "the most length of one example's gradient"),
            ("sigma", terms["sigma"], "the least noise of a step, in lengths of a clip"),
            ("steps", terms["steps"], "in a round"),
            ("batch, lr", f"{terms['batch']}, {terms['lr']}", "what a step divides and multiplies by"),
            (
                "accountant",
                terms["accountant"],
                f"Rényi differential privacy at {len(ORDERS)} integer orders, rounded up to .001 (R30.2)",
            ),
        ],
    )


def _describe_seats(seats: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from _head("What each seat has spent")
    heads = ("seat", "peer", "ε", "δ", "up to round", "rounds charged", "σ", "rate", "examples", "found at most")
    yield from _tabulate(
        heads,
        [
            (
                _name_seat(one),
                one["peer"],
                _format(one["epsilon"], ".3f"),
                one["delta"],
                _format(one["as_of_round"]),
                _format(one["rounds_charged"]),
                _format(one["sigma"]),
                _format(one["rate"], ".9g"),
                _format(one["examples_said"], absent="not said"),
                _format(one["detected_at_most"], ".1%", absent="not bounded"),
            )
            for one in seats
        ],
    )
    yield ""
    share = seats[0]["false_alarms"] if seats else 0.01
    yield (
        "*Rate* and *examples* are the seat's own word. *Found at most*: of the examples in the data, the share"
        f" that anybody, whatever they know besides, can tell to be there while taking {share:.0%} of others for"
        " such."
    )
    for one in seats:
        if (one["expected_failures"] or 0) >= 1:
            yield ""
            examples = one["examples_said"]
            yield (
                f"**δ promises nothing to seat {_name_seat(one)}:** with {examples} examples, who gives one of them"
                f" away whole keeps δ = {one['delta']} too. It should be well below 1 / {examples}."
            )
    yield from _head("How each claim fared")
    yield from _tabulate(
        ("seat", "assessment", "updates read", "noise measured", "least step / noise"),
        [
            (
                _name_seat(one),
                f"**{one['assessment']}**",
                f"{one['updates_read']} of {one['updates']}",
                _describe_measured(one),
                _format(one["least_noise"], ".3f", absent="–"),
            )
            for one in seats
        ],
    )
    for one in seats:
        yield from _describe_findings(one)


def _describe_findings(holder: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each kind of finding, with its rounds."""
    for group in holder["groups"]:
        yield ""
        yield f"Seat {_name_seat(holder)}, {group['check']}: {group['says']}."


def _describe_checks(checked: Sequence[Mapping[str, Any]], unchecked: Sequence[str]) -> Iterator[str]:
    yield from _head("What was checked")
    yield from _tabulate(
        ("check", "holds when", "looked at", "findings"),
        [(one["check"], one["fact"], one["looked_at"], one["findings"]) for one in checked],
    )
    yield ""
    yield (
        "The noise check refutes and cannot prove: a step that is too small cannot hold its noise; one that is"
        " large enough may hold something else. Which values of a large step are compared with earlier steps, and"
        " which of its parts with each other, is drawn by the hash of the block up to which the audit went, so that"
        " no author of an update before it could prepare for it (R22.3)."
    )
    yield from _list("What could be checked and was not", unchecked or ["nothing: all of it was"])


def _describe_law(law: Mapping[str, Any]) -> Iterator[str]:
    yield from _head(law["title"])
    yield "A check that looked at nothing has shown nothing, and one with findings has shown that it is not so."
    for article in law["articles"]:
        yield from ("", f"### {article['article']}: {article['title']}", "")
        if article["facts"]:
            yield from _tabulate(
                ("check", "holds where there is no finding", "looked at", "findings"),
                [(one["check"], one["fact"], one["looked_at"], one["findings"]) for one in article["facts"]],
            )
        else:
            yield "No check bears on this."
        yield from _tell_unsaid("Not said", article["does_not_say"])
    yield from _tell_unsaid(f"Nor, of any article of {law['title'].partition(',')[0]}", law["does_not_say"])


def _tell_unsaid(opening: str, points: Sequence[str]) -> Iterator[str]:
    yield from ("", f"{opening}:", "")
    yield from (f"- {point}" for point in points)


def _name_seat(one: Mapping[str, Any]) -> str:
    return str(one["seat"]) if one["tenure"] == 1 else f"{one['seat']} (holder {one['tenure']})"


def _describe_measured(one: Mapping[str, Any]) -> str:
    """Of how many updates the noise was measured, and in what part of them where that is not all."""
    share = one["least_share_measured"]
    part = "" if share == 1 or not one["noise_measured"] else f", of {share:.1%} of the values at the least"
    return f"{one['noise_measured']} of {one['updates_charged']}{part}"


def _format(value: Any, form: str = "", absent: str = "not known") -> str:
    return absent if value is None else format(value, form)


def _head(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _list(title: str, points: Any) -> Iterator[str]:
    yield from _head(title)
    for point in points:
        yield f"- {point}"


def _tabulate(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"
