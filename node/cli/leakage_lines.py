"""What was measured of leakage, in lines for people and fields for machines."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
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
from node.leakage.figures import CONFIDENCE, Area, EpsilonBound, Frequency, Recognition
from node.operating.wording import format_count

KNOWS: Final = {
    "loss": "somebody with your last published state",
    "steps": "somebody who sees all that is published",
    "shadows": "somebody who sees all that is published, and has records of the kind to train on,",
}
WORDS: Final = {
    "record": "one example that the peer trains on, e.g. of one person; a row of its task's data().",
    "stand-in": "an imagined peer with a random half of the records. As chance drew who has which, whoever tells"
    " better than by chance does so by what was published.",
    "loss": f"an attack by {KNOWS['loss']}.",
    "steps": f"an attack by {KNOWS['steps']}.",
    "shadows": f"an attack by {KNOWS['shadows'].rstrip(',')}.",
    "AUC": "shown a record that was trained on and one that was not, how often the right one is chosen: 0.5 is a"
    " coin, 1 is always. The mean over the stand-ins.",
    "false alarm": "a record that was not trained on, and that an attack takes for one that was.",
    "finds": "of the records that were trained on, how many an attack rightly names if it may raise so many false"
    " alarms. It counts more than the AUC: an attack that is sure of a few people harms them, however it does on"
    " average.",
    "in brackets": f"where the true figure lies, with {CONFIDENCE:.0%} confidence, each for itself; behind it, of"
    " how many trials it is.",
    "ε": "differential privacy's measure of the most that anything published can tell of one record; smaller is"
    " more private, and δ is how likely the bound may fail.",
}
"""What the words in the figures mean, for somebody who reads no code."""
_LISTED: Final = 5
_NEARLY_ALL: Final = 0.99
_WIDTH: Final = 80
_EDGE: Final = 14


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
    remark: str | None = None
    """What is to be said of its terms; None for nothing."""


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
        "others_needed": list(map(_count_needed, ALLOWED_FALSE_ALARMS)),
        "words": WORDS,
        "ways": [
            {"name": way.name, "claimed_epsilon": way.claimed, **asdict(way.leakage), "meaning": list(explain(way))}
            for way in ways
        ],
    }


def describe_leakage(setting: Setting, ways: Sequence[Way]) -> Iterator[str]:
    """For people, line by line."""
    for label, said in describe_setting(setting, ways[0].leakage):
        yield from _fold(label, said, 0)
    for way in ways:
        yield ""
        yield from textwrap.wrap(name_way(way), _WIDTH)
        for place, sentence in enumerate(explain(way)):
            yield from _fold("" if place else "in short", f"{begin(sentence)}.")
        yield from _describe_way(way.leakage)
    yield ""
    yield "what the words mean"
    for label, said in WORDS.items():
        yield from _fold(label, said)
    yield ""
    yield from textwrap.wrap(
        "These are some attacks of many: a figure near chance is no proof that nothing leaks. Only privacy terms"
        " bound what any attack can do.",
        _WIDTH,
    )


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
        f"{leakage.stand_ins} stand-ins, imagined peers in this one's place, train on random halves of these"
        f" {bases} and publish {format_count(leakage.rounds, 'state')} each, as a node does"
        f" ({setting.publishing.codec});"
        " attacks then say of each record whether a stand-in was trained on it, and have as many stand-ins again"
        " to learn from",
    )
    asked = "; the chain's endpoint was asked for the circle's history" if setting.published else ""
    yield "place", f"all of it on this machine, and nothing is sent{asked}"


def name_way(way: Way) -> str:
    """A heading."""
    return way.name if way.claimed is None else f"{way.name}: ε {way.claimed:.3f} spent by each stand-in"


def begin(sentence: str) -> str:
    """With a capital; ε is a sign, and stays small."""
    return sentence[:1].upper() + sentence[1:] if sentence[:1].isascii() else sentence


def describe_others(leakage: Leakage) -> Iterator[tuple[str, str]]:
    """What was found beside the attacks' figures: a word and a sentence each."""
    if leakage.published is not None:
        yield "yours", _describe_published(leakage.published)
    yield from (("untold", said) for said in describe_untold(leakage))
    yield "exposed", _describe_exposure(leakage.exposure)
    yield "read", _describe_read(leakage.read)
    yield "ε", _describe_bound(leakage.bound)


def explain(way: Way) -> Iterator[str]:
    """What the figures mean, in plain English."""
    leakage = way.leakage
    attack = leakage.attacks[leakage.strongest]
    if way.remark is not None:
        yield way.remark
    if attack.area.is_above_chance:
        yield (
            f"shown one record that was trained on and one that was not, {KNOWS[leakage.strongest]} tells which is"
            f" which {_per_hundred(attack.area.value)} times in 100; a coin does so 50 times"
        )
        yield from _explain_recognition(attack.recognitions[0])
    else:
        most = max(one.area.high for one in leakage.attacks.values())
        yield (
            "no attack here did surely better than a coin; with no more trials than these it could still be right"
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
        f"where it may wrongly name {_name_rate(found.allowed)} records that were not trained on, it rightly names"
        f" {_percent(found.recognised.share)} of yours that were"
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
        return f"ε {claimed:.3f} is a weak promise: it does not rule out an attack that finds nearly all records"
    return (
        f"with ε {claimed:.3f} no attack at all finds more than {most:.1%} of the records that were trained on"
        f" where it may wrongly name {_name_rate(allowed)} others"
    )


def _explain_bound(bound: EpsilonBound, claimed: float | None) -> Iterator[str]:
    if claimed is not None and bound.epsilon > claimed:
        yield (
            f"what was published proves an ε above {bound.epsilon:.2f}, more than the {claimed:.3f} accounted for:"
            " the noise is not what it should be; do not publish, and report it"
        )
    elif claimed is not None and bound.epsilon:
        yield (
            f"what right guesses prove of ε, at least {bound.epsilon:.2f}, is within the {claimed:.3f} accounted"
            " for, as it must be"
        )
    elif bound.epsilon:
        yield f"whoever says that this training keeps an ε below {bound.epsilon:.2f} is wrong"


def _describe_way(leakage: Leakage) -> Iterator[str]:
    told = find_told(leakage)
    rows = {name: describe_attack(attack) for name, attack in leakage.attacks.items()}
    first = [name_recognition(ALLOWED_FALSE_ALARMS[place]) for place in told[:1]]
    yield _align("attack", "AUC", *first)
    for name, (area, *found) in rows.items():
        yield _align(name, area, *(found[place] for place in told[:1]))
    for place in told[1:]:
        yield _align("attack", name_recognition(ALLOWED_FALSE_ALARMS[place]))
        for name, (_, *found) in rows.items():
            yield _align(name, found[place])
    yield from _fold("trials", describe_trials(leakage))
    for label, said in describe_others(leakage):
        yield from _fold(label, said)


def name_recognition(allowed: float) -> str:
    """A heading."""
    return f"finds at {allowed:.1%} false alarms"


def find_told(leakage: Leakage) -> list[int]:
    """The places of those of ALLOWED_FALSE_ALARMS at which there were trials enough, of all attacks alike."""
    attack = next(iter(leakage.attacks.values()))
    return [place for place, found in enumerate(attack.recognitions) if found is not None]


def describe_untold(leakage: Leakage) -> Iterator[str]:
    """A sentence for each of ALLOWED_FALSE_ALARMS at which there were too few trials: what it would take."""
    area = next(iter(leakage.attacks.values())).area
    told = [ALLOWED_FALSE_ALARMS[place] for place in find_told(leakage)]
    for allowed in (one for one in ALLOWED_FALSE_ALARMS if one not in told):
        needed = _count_needed(allowed)
        yield (
            f"what is found at {allowed:.1%} false alarms: that takes {needed:,} records that were not trained on,"
            f" and here were {area.others:,}; --stand-ins {_count_stand_ins(area, needed):,} or more would do"
        )


def _count_needed(allowed: float) -> int:
    """So many records that were not trained on make one false alarm."""
    return round(1 / allowed)


def _count_stand_ins(area: Area, needed: int) -> int:
    """So many are not trained on `needed` records between them; with a tenth more, as chance draws them."""
    return math.ceil(1.1 * needed * area.runs / max(1, area.others))


def _name_rate(allowed: float) -> str:
    return f"1 in {_count_needed(allowed):,}"


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


def _fold(label: str, said: str, indent: int = 2) -> list[str]:
    """Under each other at one edge. indent: of the label, spaces."""
    return textwrap.wrap(
        f"{label:<{_EDGE - indent}}{said}",
        _WIDTH,
        initial_indent=indent * " ",
        subsequent_indent=_EDGE * " ",
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def _align(*cells: str) -> str:
    widths = (_EDGE - 2, 25, 40)
    return "  " + "".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=False)).rstrip()


def _describe_recognition(found: Recognition | None) -> str:
    return "not measured" if found is None else _describe_frequency(found.recognised)


def _describe_frequency(found: Frequency) -> str:
    share, low, high = map(_percent, (found.share, found.low, found.high))
    return f"{share} ({low} to {high}), {found.hits:,} of {found.trials:,}"


def _percent(share: float) -> str:
    """With a digit more where the usual one would make nothing of it."""
    return f"{share:.2%}" if 0 < share < 0.001 else f"{share:.1%}"


def _describe_exposure(exposure: Exposure) -> str:
    told = f"{exposure.beyond_chance} of {exposure.examples:,} records can be told by themselves, beyond chance"
    # Those that chance may have put on the list are not shown beside those that it did not.
    shown = exposure.listed[: min(_LISTED, exposure.beyond_chance)]
    if not shown:
        return told
    listed = [f"{one.index} ({one.area:.2f}, {one.members} + {one.others})" for one in shown]
    first = "" if len(shown) == exposure.beyond_chance else ", the first of them"
    return (
        f"{told}; by their rows in data(){first}, with the AUC and how many stand-ins had it + had it not:"
        f" {', '.join(listed)}"
    )


def _describe_published(found: PublishedFigures) -> str:
    area, kind, allowed = found.area, found.by_kind, ALLOWED_FALSE_ALARMS[0]
    at = f"at {allowed:.1%} false alarms"
    finds = f"{at} it finds {_describe_recognition(found.recognitions[0])}"
    if found.recognitions[0] is None:
        finds = f"what it finds {at} cannot be counted among fewer than {_count_needed(allowed):,} held-out ones"
    return (
        f"what this peer published tells its {area.members:,} records from {area.others:,} held-out ones with AUC"
        f" {area.value:.3f} ({area.low:.3f} to {area.high:.3f}); {finds}. What {kind.runs} stand-ins published,"
        f" with half of both kinds each, tells the two kinds with AUC {kind.value:.3f} ({kind.low:.3f} to"
        f" {kind.high:.3f}): more than 0.5 is how the kinds themselves differ"
    )


def _describe_read(read: ReadExamples | None) -> str:
    if read is None:
        return "not tried: no dense layer that the records go into is shared"
    return (
        "from rows of the model's first layer, nearly value by value:"
        f" {_describe_frequency(read.members)}, of the records that were trained on, and"
        f" {_describe_frequency(read.others)}, of others, which only look alike"
    )


def _describe_bound(bound: EpsilonBound | None) -> str:
    if bound is None:
        return "not tried: all labels are alike, so there is no wrong one to plant"
    told = f"at least {bound.epsilon:.2f}" if bound.epsilon else "nothing is proved"
    return (
        f"{told} at δ {format_decimal(Decimal(str(bound.delta)))}: of {bound.canaries:,} planted records an attack"
        f" chose {bound.guesses:,} and said of each whether it was trained on; it was right {bound.right:,} times"
    )


def _per_hundred(share: float) -> str:
    return f"{100 * share:.0f}"
