"""What `folkmoot trace` prints: whose steps a model is made of, by round, and whom they reached."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.circle.seat_names import make_name_fields
from ledger.judging.circle_model import find_reached
from ledger.judging.provenance import Owner, StepShare, find_mixed_from, find_model_holders, find_owners, may_follow
from node.operating.wording import format_count, format_seats

_SPANS_MAX: Final = 6
_PEER_SHOWN: Final = 6
_SEATS_WIDTH: Final = 50


@dataclass(frozen=True)
class Told:
    """An account, and the circle that it is of."""

    block: int
    """Number of the block up to which the chain was read."""
    history: Any
    """Its `History`."""
    traced: Any
    """A `Traced` of ledger.audit.tracing."""
    facts: Any
    """What names the model, a `ModelFacts`."""

    @property
    def whose(self) -> str:
        """Which model, in a sentence."""
        return str(self.facts.whose)

    def find_peer(self, owner: Owner) -> str:
        """The address under which a holder of a seat published last."""
        seat, tenure = owner
        for round_ in reversed(self.history.rounds):
            if round_.tenures.get(seat) == tenure:
                return str(round_.peers[seat])
        return ""

    def find_names(self) -> dict[Owner, Any]:
        """Holder of a seat → its `SeatName`, of those who sit there now and call themselves something."""
        from ledger.circle.seat_names import name_seats

        named = ((seat, name) for seat, name in name_seats(self.history).items())
        return {(seat, self.history.seats[seat].tenure): name for seat, name in named}

    def name_owner(self, owner: Owner) -> str:
        """A seat, and which of its holders where it had others."""
        seat, tenure = owner
        several = sum(one[0] == seat for one in self.traced.account.owners) > 1
        return f"{seat}.{tenure}" if several else str(seat)

    def find_shares(self, owner: Owner) -> dict[int, StepShare]:
        """Round → what is in the model of the owner's update of that round."""
        owners = find_owners(self.history, self.traced.round)
        return {step[0]: share for step, share in self.traced.account.steps.items() if owners[step] == owner}


@dataclass(frozen=True)
class Reach:
    """Whom one seat's updates reached."""

    mixed: dict[int, int]
    """Other seat → the round after which its base had a part of one of them."""
    accepted: dict[int, int]
    """Other seat → the round after which it could have, by the verdicts on chain."""

    @property
    def hidden(self) -> list[int]:
        """Seats whose bases have a part that no verdict on chain explains: some verdict is false."""
        return sorted(seat for seat, number in self.mixed.items() if number < self.accepted.get(seat, number + 1))


def find_reach(told: Told, seat: int) -> Reach:
    """Whom the updates of a seat's holders reached, up to the model's round."""
    rounds, last = told.traced.rounds, told.traced.round
    mixed: dict[int, int] = {}
    for (other, _), number in find_mixed_from(rounds, [(one.number, seat) for one in rounds]).items():
        if other != seat:
            mixed[other] = min(number, mixed.get(other, number))
    accepted = {other: number for other, number in find_reached(told.history, seat).items() if number <= last}
    return Reach(dict(sorted(mixed.items())), accepted)


def cut_spans(last: int, most: int = _SPANS_MAX) -> list[tuple[int, int]]:
    """Rounds 1 to `last` in at most so many spans, all but the last one as long; each its first and last round."""
    length = max(1, -(-last // most))
    return [(first, min(first + length - 1, last)) for first in range(1, last + 1, length)]


def describe_account(told: Told) -> list[str]:
    """The report on a model, a line each, at most 80 columns where names allow it."""
    return [*describe_head(told), "", *_describe_shares(told), "", *_describe_reaches(told)]


def describe_head(told: Told) -> list[str]:
    """Which model, what it is made of, and what rounding left."""
    traced, account = told.traced, told.traced.account
    lines = [
        f"model    {told.whose}",
        f"circle   {told.facts.contract} on chain {told.facts.chain_id}, block {told.block}",
    ]
    if traced.wanted != traced.round:
        lines.append(f"asked    round {traced.wanted}: there is no newer one up to it")
    if traced.target.choice is not None:
        size, counts = traced.target.model.size, traced.target.count_values()
        pairs = [(seat, count) for (seat, _), count in zip(traced.target.holders, counts, strict=True)]
        parts = [f"seat {seat} {_percent(count / size)}" for seat, count in pairs if count]
        idle = [seat for seat, count in pairs if not count]
        parts += [f"and none from {format_seats(idle)}"] if idle else []
        lines += _wrap("values   ", "taken from the bases of ", parts)
    lines.append(f"way      {account.length:.4g} long, from the genesis to the model")
    lines.append(
        f"rounding {account.residual:.2f} grid units at most are no step's; up to {account.bound:.2f} may be so"
    )
    return lines


def list_totals(told: Told) -> list[tuple[str, ...]]:
    """Of each author: seat, address, updates in the model, coefficients, length put in, part of the way."""
    return [
        (
            told.name_owner(owner),
            told.find_peer(owner),
            str(share.updates),
            f"{share.coefficient:.4f}",
            f"{share.norm:.4g}",
            _percent(share.along),
        )
        for owner, share in told.traced.account.owners.items()
    ]


def _describe_shares(told: Told) -> list[str]:
    account, spans = told.traced.account, cut_spans(told.traced.round)
    owners = list(account.owners)
    totals = [(seat, _shorten(peer), *more) for seat, peer, *more in list_totals(told)]
    lines = _tabulate(("seat", "peer", "updates in it", "coefficients", "put in", "of the way"), totals)
    lines += _describe_names(told, owners)
    shares = {owner: told.find_shares(owner) for owner in owners}
    names = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    for title, name, spelled in (
        ("coefficients by round", "coefficient", "{:.4f}"),
        ("length put in by round", "norm", "{:.4g}"),
    ):
        rows = []
        for owner in owners:
            sums = [
                sum(getattr(share, name) for number, share in shares[owner].items() if first <= number <= last)
                for first, last in spans
            ]
            rows.append((told.name_owner(owner), *(spelled.format(one) if one else "·" for one in sums)))
        added = ", of each span added up" if any(first != last for first, last in spans) else ""
        lines += ["", f"{title}{added}", *_tabulate(("seat", *names), rows)]
    return lines


def _describe_names(told: Told, owners: Iterable[Owner]) -> list[str]:
    names = told.find_names()
    said = [
        f"seat {told.name_owner(owner)}".ljust(9) + f"calls itself {names[owner].describe()}"
        for owner in owners
        if owner in names
    ]
    return ["", *said] if said else []


def _describe_reaches(told: Told) -> list[str]:
    seats = sorted({seat for seat, _ in told.traced.account.owners})
    lines = ["whose base has a part of its updates, from which round on"]
    for seat in seats:
        lines += describe_reach(f"seat {seat}".ljust(9), find_reach(told, seat))
    return lines


def describe_reach(head: str, reach: Reach) -> list[str]:
    """Whom a seat's updates reached, behind a head of nine columns."""
    if not reach.mixed:
        return [f"{head}nobody's"]
    rounds = sorted(set(reach.mixed.values()))
    parts = [
        f"{_name_seats([seat for seat, when in reach.mixed.items() if when == number])} from round {number}"
        for number in rounds
    ]
    lines = _wrap(head, "", parts, "; ")
    if reach.hidden:
        lines.append(f"{'':9}{_name_seats(reach.hidden)}: by no verdict on chain, so one is false")
    return lines


def describe_inclusion(told: Told, seat: int) -> list[str]:
    """Which updates of a seat are in a model, and which are not."""
    lines = describe_head(told)
    owners = [owner for owner in told.traced.account.owners if owner[0] == seat]
    if not owners:
        return [*lines, f"seat {seat}".ljust(9) + f"published nothing up to round {told.traced.round}: excluded"]
    names = told.find_names()
    for owner in owners:
        share, shares = told.traced.account.owners[owner], told.find_shares(owner)
        published = [
            round_.number
            for round_ in told.history.rounds[: told.traced.round]
            if round_.tenures.get(seat) == owner[1]
        ]
        head = f"seat {told.name_owner(owner)}".ljust(9)
        lines += ["", f"{head}{told.find_peer(owner)}"]
        if owner in names:
            lines.append(f"         calls itself {names[owner].describe()}")
        if not share.updates:
            lines.append(f"         excluded: none of its {format_count(len(published), 'update')} is in it")
            continue
        lines += [
            f"         included: {share.updates} of its {format_count(len(published), 'update')}, {share.norm:.4g}"
            f" put in, {_percent(share.along)} of the way",
            *_tabulate(
                ("round", "coefficient", "put in"),
                [
                    (str(number), f"{shares[number].coefficient:.6f}", f"{shares[number].norm:.4g}")
                    if number in shares
                    else (str(number), "not in it", "")
                    for number in published
                ],
            ),
        ]
    return [*lines, "", *describe_reach("reached  ", find_reach(told, seat))]


def describe_verdicts(history: Any, last: int, seats: Iterable[int], base: int | None) -> list[str]:
    """Whom updates can have reached by the verdicts on chain alone.

    base: the seat whose base is asked about; None: the circle's model is.
    """
    lines = [
        f"by the verdicts on chain up to round {last}, taken at their word:",
        "whose base may follow from its updates, from which round on",
    ]
    for seat, fields in make_verdict_fields(history, last, seats, base)["seats"].items():
        reached = {int(other): number for other, number in fields["accepted_from"].items()}
        lines += describe_reach(f"seat {seat}".ljust(9), Reach(reached, reached))
        of = "the circle's model" if base is None else f"the base of seat {base}"
        said = "may be" if fields["may_be_in_it"] else "are not"
        lines.append(f"         its updates {said} in {of} of round {last}")
        if fields["is_of_bases"] and base is None:
            lines.append("         its own base is one of those that this is made of")
    return lines


def make_verdict_fields(history: Any, last: int, seats: Iterable[int], base: int | None) -> dict[str, Any]:
    """The same for machines."""
    found = find_model_holders(history, last) if base is None else None
    bases = [seat for seat, _ in found[1]] if found is not None else [] if base is None else [base]
    told = {}
    for seat in seats:
        reached = {other: number for other, number in find_reached(history, seat).items() if number <= last}
        told[str(seat)] = {
            "accepted_from": {str(other): number for other, number in reached.items()},
            "is_of_bases": seat in bases,
            "may_be_in_it": may_follow(history, last, base, seat),
        }
    return {"round": last, "seat": base, "bases": bases, "seats": told}


def sum_parts(told: Told, seat: int) -> Any:
    """What all holders of a seat put in, (d,), int32."""
    owners = [owner for owner in told.traced.account.owners if owner[0] == seat]
    parts = [told.traced.tally.find_part(owner) for owner in owners]
    return sum(parts[1:], parts[0]) if parts else 0 * told.traced.target.model


def describe_remainder(remainder: dict[str, Any]) -> list[str]:
    """What is left of a model without a seat's part, and what that is not."""
    lines = [
        "",
        f"without  seat {remainder['without']}, written to {remainder['file']}: the model less what its own steps",
        "         put in. First-order unlearning: what others learnt on top of them stays in,",
        "         and what they would have learnt without them is not there",
    ]
    if remainder["figures"] is None:
        return [*lines, f"         not measured: {remainder['why_no_figures']}"]
    rows = [
        (name, f"{figure:.4f}", f"{remainder['figures_without'][name]:.4f}")
        for name, figure in remainder["figures"].items()
    ]
    return [*lines, *_tabulate(("figure", "with it", "without"), rows)]


def make_fields(told: Told) -> dict[str, Any]:
    """The account for machines."""
    traced, account = told.traced, told.traced.account
    counts = traced.target.count_values()
    names = told.find_names()
    return {
        "contract": told.facts.contract,
        "chain_id": told.facts.chain_id,
        "block": told.block,
        "digest": told.facts.digest.hex(),
        "lineage": told.facts.lineage.hex(),
        "asked_round": traced.wanted,
        "round": traced.round,
        "seat": traced.seat,
        "bases": [
            {"seat": seat, "values": count} for (seat, _), count in zip(traced.target.holders, counts, strict=True)
        ],
        "length": account.length,
        "residual": account.residual,
        "residual_bound": account.bound,
        "mixings": account.mixings,
        "peers": [
            {
                "seat": owner[0],
                "tenure": owner[1],
                "peer": told.find_peer(owner),
                **make_name_fields(names.get(owner)),
                "updates": share.updates,
                "coefficient": share.coefficient,
                "put_in": share.norm,
                "of_the_way": share.along,
                "rounds": [
                    {"round": number, "coefficient": one.coefficient, "put_in": one.norm}
                    for number, one in sorted(told.find_shares(owner).items())
                ],
            }
            for owner, share in account.owners.items()
        ],
        "reached": {str(seat): _reach_fields(told, seat) for seat in sorted({seat for seat, _ in account.owners})},
    }


def make_mixing_fields(told: Told) -> list[dict[str, Any]]:
    """How each round's bases were made, for machines: who published, and of what each next base was mixed.

    A base that a round left as it was has no mixing. `base` and `own` are the weights of a judge's own base and
    update, `others` those of its neighbours' updates, all of them of `total`.
    """
    return [
        {
            "round": mixed.number,
            "published": sorted(mixed.begun),
            "mixings": {
                str(judge): {
                    "base": weights.base,
                    "own": weights.own,
                    "others": {str(seat): weight for seat, weight in sorted(weights.others.items()) if weight},
                    "total": weights.total,
                }
                for judge, weights in sorted(mixed.mixings.items())
            },
        }
        for mixed in told.traced.rounds
    ]


def _reach_fields(told: Told, seat: int) -> dict[str, Any]:
    reach = find_reach(told, seat)
    return {
        "mixed_from": {str(other): number for other, number in reach.mixed.items()},
        "accepted_from": {str(other): number for other, number in reach.accepted.items()},
    }


def _name_seats(seats: list[int]) -> str:
    """Seats in words; many of them, in no run, as a number."""
    told = format_seats(seats)
    return told if len(told) <= _SEATS_WIDTH else f"{len(seats)} seats"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _shorten(address: str) -> str:
    return f"{address[: 2 + _PEER_SHOWN]}…" if len(address) > 2 + _PEER_SHOWN else address


def _wrap(head: str, first: str, parts: Sequence[str], between: str = ", ") -> list[str]:
    """Parts behind a head of nine columns, in lines of at most 80."""
    lines, line = [], head + first
    for number, part in enumerate(parts):
        text = part + (between.rstrip() if number + 1 < len(parts) else "")
        if len(line) + len(text) > 80 and line.strip() and number:
            lines.append(line.rstrip())
            line = " " * len(head)
        line += text + " "
    return [*lines, line.rstrip()]


def _tabulate(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table with its columns to the right, but for the peers'."""
    widths = [max(len(row[column]) for row in (names, *rows)) for column in range(len(names))]
    spelled = []
    for row in (names, *rows):
        cells = [
            text.ljust(width) if name == "peer" else text.rjust(width)
            for name, text, width in zip(names, row, widths, strict=True)
        ]
        spelled.append("  ".join(cells).rstrip())
    return spelled
