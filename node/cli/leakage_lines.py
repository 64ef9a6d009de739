"""What was measured of leakage, in lines for people and fields for machines."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

from ledger.audit.privacy_statement import bound_detection
from ledger.privacy.decimals import format_decimal
from node.leakage.experiment import (
    ALLOWED_FALSE_ALARMS,
    AttackFigures,
    Exposure,
    Leakage,
    PublishedFigures,
    ReadExamples,
    Setting,
)
from node.leakage.figures import CONFIDENCE, EpsilonBound, Frequency, Recognition
from node.operating.wording import format_count

KNOWS: Final = {
    "loss": "somebody with your last published state",
    "steps": "somebody who sees all that is published",
    "shadows": "somebody who sees all that is published, and has records of the kind to train on,",
}
_LISTED: Final = 5
_NEARLY_ALL: Final = 0.99
_WIDTH: Final = 112


@dataclass(frozen=True)
class Way:
    """One way to train, and what it gives away."""

    name: str
    """In a heading."""
    leakage: Leakage
    """The figures."""
    claimed: float | None
    """ε that each stand-in spent, by the accountant; None without privacy terms."""
    delta: str
    """δ of that, and of the lower bound."""


def make_fields(setting: Setting, ways: Sequence[Way]) -> dict[str, Any]:
    """For machines."""
    return {
        "task": setting.publishing.task.spec,
        "seat": setting.seat,
        "peers": setting.seats,
        "codec": setting.publishing.codec,
        "rounds_published": [one.round for one in setting.published],
        "confidence": CONFIDENCE,
        "false_alarms": list(ALLOWED_FALSE_ALARMS),
        "ways": [
            {"name": way.name, "claimed_epsilon": way.claimed, **asdict(way.leakage), "meaning": list(explain(way))}
            for way in ways
        ],
    }


def describe_leakage(setting: Setting, ways: Sequence[Way]) -> Iterator[str]:
    """For people, line by line."""
    for label, said in describe_setting(setting, ways[0].leakage):
        yield from _fold(f"{label:<10}{said}")
    for way in ways:
        yield ""
        yield name_way(way)
        yield from _describe_way(way.leakage)
        for sentence in explain(way):
            yield from _fold(f"  means     {sentence}")
    yield ""
    yield (
        f"Each interval holds with {CONFIDENCE:.0%}. These are some attacks of many: a figure near chance is no"
        " proof that nothing leaks."
    )
    yield "Only privacy terms bound what any attack can do."


def describe_setting(setting: Setting, leakage: Leakage) -> Iterator[tuple[str, str]]:
    """What was measured and how: a word and a sentence each."""
    others = f" and {leakage.filled_up:,} held-out ones" if leakage.filled_up else ""
    yield (
        "data",
        f"{setting.publishing.task.spec}, seat {setting.seat} of {setting.seats}:"
        f" {leakage.examples:,} records{others}",
    )
    bases = "from the bases that this peer had" if setting.published else "from the genesis on"
    yield (
        "way",
        f"{leakage.stand_ins} stand-ins train on random halves of these {bases} and publish"
        f" {format_count(leakage.rounds, 'state')} each, as a node does ({setting.publishing.codec}); as many again"
        " are the attacker's",
    )
    asked = "; the chain's endpoint was asked for the circle's history" if setting.published else ""
    yield "place", f"all of it on this machine, and nothing is sent{asked}"


def name_way(way: Way) -> str:
    """A heading."""
    return way.name if way.claimed is None else f"{way.name}: ε {way.claimed:.3f} spent by each stand-in"


def describe_others(leakage: Leakage) -> Iterator[tuple[str, str]]:
    """What was found beside the attacks' figures: a word and a sentence each."""
    if leakage.published is not None:
        yield "yours", _describe_published(leakage.published)
    yield "exposed", _describe_exposure(leakage.exposure)
    yield "read", _describe_read(leakage.read)
    yield "ε", _describe_bound(leakage.bound)


def explain(way: Way) -> Iterator[str]:
    """What the figures mean, in plain English."""
    leakage = way.leakage
    attack = leakage.attacks[leakage.strongest]
    if attack.area.is_above_chance:
        yield (
            f"shown one record that was trained on and one that was not, {KNOWS[leakage.strongest]} tells which is"
            f" which {_per_hundred(attack.area.value)} times in 100; a coin does 50 times"
        )
        yield from _explain_recognition(attack.recognitions[0])
    else:
        most = max(one.area.high for one in leakage.attacks.values())
        yield (
            "no attack here did surely better than a coin; so many trials leave room for"
            f" {_per_hundred(most)} times in 100"
        )
    if leakage.published is not None:
        yield _explain_published(leakage.published)
    if way.claimed is not None:
        yield _explain_claim(way.claimed, way.delta)
    if leakage.exposure.beyond_chance:
        yield (
            f"{leakage.exposure.beyond_chance} of your {leakage.examples:,} records can be told one by one: look at"
            " those first, e.g. for rare or mislabelled ones"
        )
    if leakage.read is not None and leakage.read.members.low > leakage.read.others.high:
        more = leakage.read.members.share - leakage.read.others.share
        yield f"rows of the first layer hold {_percent(more)} of your records, nearly value by value"
    if leakage.bound is not None:
        yield from _explain_bound(leakage.bound, way.claimed)


def _explain_recognition(found: Recognition | None) -> Iterator[str]:
    if found is None or found.recognised.low <= found.false_alarms.high:
        return
    yield (
        f"taking {found.false_alarms.share:.1%} of the records that were not trained on for some that were, it"
        f" finds {found.recognised.share:.1%} of yours"
    )


def _explain_published(found: PublishedFigures) -> str:
    if found.area.low > max(0.5, found.by_kind.high):
        return (
            "what you have published does tell your records from others; what is published stays published, so this"
            " cannot be taken back"
        )
    return "what you have published tells your records from others no better than chance, or than the two differ"


def _explain_claim(claimed: float, delta: str) -> str:
    allowed = ALLOWED_FALSE_ALARMS[0]
    most = bound_detection(round(1000 * claimed), delta, Decimal(str(allowed)))
    if most > _NEARLY_ALL:
        return f"ε {claimed:.3f} is a weak promise: an attack that finds nearly all records may keep it"
    return (
        f"with ε {claimed:.3f} no attack at all finds more than {most:.1%} of the records that were trained on at"
        f" {allowed:.1%} false alarms"
    )


def _explain_bound(bound: EpsilonBound, claimed: float | None) -> Iterator[str]:
    if claimed is not None and bound.epsilon > claimed:
        yield (
            f"what was published proves ε above {bound.epsilon:.2f}, more than the {claimed:.3f} accounted for: the"
            " noise is not what it should be; do not publish, and report it"
        )
    elif claimed is not None and bound.epsilon:
        yield f"ε proved from below is within the {claimed:.3f} accounted for, as it must be"
    elif bound.epsilon:
        yield f"this training keeps no ε below {bound.epsilon:.2f}, whatever is said of it"


def _describe_way(leakage: Leakage) -> Iterator[str]:
    headings = [f"finds at {allowed:.1%} false alarms" for allowed in ALLOWED_FALSE_ALARMS]
    yield _align("attack", "AUC", *headings)
    for name, attack in leakage.attacks.items():
        yield _align(name, *describe_attack(attack))
    yield f"  trials    {describe_trials(leakage)}"
    for label, said in describe_others(leakage):
        yield from _fold(f"  {label:<10}{said}")


def describe_attack(attack: AttackFigures) -> list[str]:
    """The area, and what is recognised at each of ALLOWED_FALSE_ALARMS, each with its interval."""
    area = attack.area
    return [
        f"{area.value:.3f} ({area.low:.3f} to {area.high:.3f})",
        *map(_describe_recognition, attack.recognitions),
    ]


def describe_trials(leakage: Leakage) -> str:
    """Of how many the attacks' figures are."""
    area = next(iter(leakage.attacks.values())).area
    return (
        f"{area.members:,} with a record that was trained on, {area.others:,} with one that was not,"
        f" over {area.runs} stand-ins"
    )


def _fold(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, subsequent_indent=12 * " ", break_long_words=False, break_on_hyphens=False)


def _align(*cells: str) -> str:
    widths = (10, 24, 36)
    return "  " + "".join(f"{cell:<{width}}" for cell, width in zip_longest(cells, widths, fillvalue=0)).rstrip()


def _describe_recognition(found: Recognition | None) -> str:
    return "too few trials to tell" if found is None else _describe_frequency(found.recognised)


def _describe_frequency(found: Frequency) -> str:
    share, low, high = map(_percent, (found.share, found.low, found.high))
    return f"{share} ({low} to {high}), {found.hits:,} of {found.trials:,}"


def _percent(share: float) -> str:
    """With a digit more where the usual one would make nothing of it."""
    return f"{share:.2%}" if 0 < share < 0.001 else f"{share:.1%}"


def _describe_exposure(exposure: Exposure) -> str:
    told = f"{exposure.beyond_chance} of {exposure.examples:,} records beyond chance"
    # Those that chance may have put on the list are not shown beside those that it did not.
    shown = exposure.listed[: min(_LISTED, exposure.beyond_chance)]
    if not shown:
        return told
    listed = [f"{one.index} ({one.area:.2f} of {one.members} + {one.others})" for one in shown]
    first = "" if len(shown) == exposure.beyond_chance else "the first "
    return f"{told}; {first}by row, with AUC of stand-ins with + without: {', '.join(listed)}"


def _describe_published(found: PublishedFigures) -> str:
    area, kind = found.area, found.by_kind
    return (
        f"what this peer published tells its {area.members:,} records from {area.others:,} held-out ones with AUC"
        f" {area.value:.3f} ({area.low:.3f} to {area.high:.3f}), at {ALLOWED_FALSE_ALARMS[0]:.1%} false alarms"
        f" finds {_describe_recognition(found.recognitions[0])}; that of {kind.runs} stand-ins, with half of both"
        f" kinds each, with {kind.value:.3f} ({kind.low:.3f} to {kind.high:.3f})"
    )


def _describe_read(read: ReadExamples | None) -> str:
    if read is None:
        return "not tried: no dense layer that the records go into is shared"
    return (
        f"the first layer gives back {_describe_frequency(read.members)} of these, and of others"
        f" {_describe_frequency(read.others)}"
    )


def _describe_bound(bound: EpsilonBound | None) -> str:
    if bound is None:
        return "not tried: all labels are alike, so there is no wrong one to plant"
    told = f"at least {bound.epsilon:.2f}" if bound.epsilon else "no lower bound"
    return (
        f"{told} at δ {format_decimal(Decimal(str(bound.delta)))}: {bound.right:,} of {bound.guesses:,} guesses"
        f" about {bound.canaries:,} planted records were right"
    )


def _per_hundred(share: float) -> str:
    return f"{100 * share:.0f}"
