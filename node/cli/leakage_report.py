"""What was measured of leakage, as one page for whoever answers for the data: to read, print and keep."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from node.cli.leakage_lines import (
    KNOWS,
    WORDS,
    Way,
    begin,
    describe_attack,
    describe_others,
    describe_setting,
    describe_trials,
    explain,
    name_recognition,
    name_way,
)
from node.cli.roc_picture import LINES, Line, count_decades, draw_key, draw_panel
from node.leakage.experiment import ALLOWED_FALSE_ALARMS, ExposedExample, Exposure, Setting
from node.leakage.figures import CONFIDENCE
from node.operating.html_page import encode_page, make_element, make_list, make_table

_TITLE: Final = "What published updates give away"
_LABELS: Final = {
    "data": "Data",
    "way": "Procedure",
    "place": "Place",
    "yours": "What was published in earnest",
    "untold": "Not measured",
    "exposed": "Single records",
    "read": "Records read out of the first layer",
    "ε": "What ε cannot be below",
}
_UNSAID: Final = (
    "That nothing leaks. These are some attacks of many, and a figure near chance is no proof: a better attack, or"
    " one that knows more, may find more. Only privacy terms bound what any attack can do.",
    "That the data are anonymous, or were collected or used lawfully. The page tells what attacks found and is no"
    " legal advice.",
    "Which figure is small enough: that is for whoever answers for the data.",
    "Anything of other data, models, numbers of rounds or terms than those named here; nor of what else was"
    " published of the same people.",
    "Anything of groups: what holds of many like them is what a model is for, and it can be learnt all the same.",
)
_NOT_HISTORY: Final = (
    "What a peer has published: this is its training, tried with stand-ins from the genesis on, in a circle whose"
    " members all have such records."
)
_HANDLING: Final = (
    "This page says which records stand out, by their rows, and how well they can be told. Keep it as carefully as"
    " the data."
)


@dataclass(frozen=True)
class Making:
    """How a report came about."""

    command: str
    """What to type to repeat it."""
    seed: int
    """Of all that is drawn, but for the noise of privacy."""
    date: str
    """When, with the time zone."""
    versions: str
    """Of what reckoned it."""


def encode_report(setting: Setting, ways: Sequence[Way], making: Making) -> bytes:
    """The file. ways: one or two."""
    task = setting.publishing.task.spec
    return encode_page(
        f"{_TITLE}: {task}",
        [
            make_element("h1", _TITLE),
            make_element("p", f"{task}, seat {setting.seat} of {setting.seats}. {making.date}.", class_="faint"),
            make_element("p", _HANDLING, class_="notice"),
            *_sum_up(ways),
            *_tell_what(setting, ways),
            *_tell_figures(ways),
            *_draw_curves(ways),
            *_list_exposed(ways),
            make_element("h2", "What the words mean"),
            _define(WORDS.items()),
            *_tell_making(making, ways),
            make_element("h2", "What this page does not say"),
            make_list(_UNSAID if setting.published else [*_UNSAID, _NOT_HISTORY]),
        ],
    )


def _sum_up(ways: Sequence[Way]) -> Iterator[Element]:
    yield make_element("h2", "In short")
    for way in ways:
        yield make_element("h3", begin(name_way(way)))
        yield make_list([f"{begin(sentence)}." for sentence in explain(way)])


def _tell_what(setting: Setting, ways: Sequence[Way]) -> Iterator[Element]:
    yield make_element("h2", "What was measured, and on what")
    yield _define((_LABELS[label], said) for label, said in describe_setting(setting, ways[0].leakage))


def _tell_figures(ways: Sequence[Way]) -> Iterator[Element]:
    yield make_element("h2", "The figures")
    heads = ("attack", "by", "AUC", *map(name_recognition, ALLOWED_FALSE_ALARMS))
    for way in ways:
        attacks = way.leakage.attacks.items()
        yield make_element("h3", begin(name_way(way)))
        yield make_table(
            heads, [(name, KNOWS[name].rstrip(","), *describe_attack(attack)) for name, attack in attacks]
        )
        yield make_element("p", f"Trials: {describe_trials(way.leakage)}.", class_="faint")
        yield _define((_LABELS[label], said) for label, said in describe_others(way.leakage))


def _draw_curves(ways: Sequence[Way]) -> Iterator[Element]:
    yield make_element("h2", "At every rate of false alarms")
    panels = [(name, _gather(name, ways)) for name in ways[0].leakage.attacks]
    earnest = [
        Line(way.name, way.leakage.published.curve, way.leakage.published.recognitions)
        for way in ways
        if way.leakage.published is not None
    ]
    if earnest:
        panels.append(("published in earnest", earnest))
    decades = count_decades([line.curve for _, lines in panels for line in lines])
    yield make_element(
        "figure",
        make_element("p", *map(_make_key, LINES, ways)),
        make_element("div", *(draw_panel(title, lines, decades) for title, lines in panels), class_="panels"),
        make_element(
            "figcaption",
            "ROC curves over all stand-ins by attack, both axes logarithmic (as in Carlini et al. 2022): the share"
            " of the records that are found, over the share of others that are taken for such. Bars are the"
            " intervals of the figures above. The dotted line is chance; the further a curve lies above it on the"
            " left, the surer an attack is of some records.",
            " Published in earnest is one curve, of all your records against held-out ones." if earnest else "",
        ),
    )


def _gather(name: str, ways: Sequence[Way]) -> list[Line]:
    attacks = [(way.name, way.leakage.attacks[name]) for way in ways]
    return [Line(title, attack.curve, attack.recognitions) for title, attack in attacks]


def _make_key(kind: str, way: Way) -> Element:
    return make_element("span", draw_key(kind), name_way(way), class_="key")


def _list_exposed(ways: Sequence[Way]) -> Iterator[Element]:
    yield make_element("h2", "The most exposed records")
    yield make_element(
        "p",
        f"By their rows in data(), from 0. Beyond chance is what chance does to none of all records, with"
        f" {CONFIDENCE:.0%} confidence.",
    )
    heads = ("row", "AUC", "stand-ins with it", "without it", "as likely by chance", "beyond chance")
    for way in ways:
        exposure = way.leakage.exposure
        yield make_element("h3", begin(name_way(way)))
        yield make_element("p", f"Beyond chance are {exposure.beyond_chance:,} of {exposure.examples:,} records.")
        yield make_table(heads, list(_tabulate_exposed(exposure)))


def _tabulate_exposed(exposure: Exposure) -> Iterator[list[str]]:
    for place, one in enumerate(exposure.listed):
        # They are sorted by how likely chance does as well.
        yield [*_format_exposed(one), "yes" if place < exposure.beyond_chance else "no"]


def _format_exposed(one: ExposedExample) -> list[str]:
    return [str(one.index), f"{one.area:.2f}", str(one.members), str(one.others), f"{one.p_value:.1g}"]


def _tell_making(making: Making, ways: Sequence[Way]) -> Iterator[Element]:
    is_noisy = any(way.claimed is not None for way in ways)
    noise = (
        "; the noise of privacy is the system's own, so figures with it differ from run to run" if is_noisy else ""
    )
    yield make_element("h2", "How it was done")
    yield _define(
        [
            ("Command", make_element("code", making.command)),
            ("Seed", f"{making.seed}. The same seed gives the same figures{noise}."),
            ("Date", f"{making.date}."),
            ("Versions", f"{making.versions}."),
            (
                "Attacks",
                "loss: Yeom et al. 2018, arXiv:1709.01604. shadows: after Carlini et al. 2022, arXiv:2112.03570."
                " Lower bound on ε: Steinke, Nasr and Jagielski 2023, arXiv:2305.08846. Intervals: Clopper and"
                " Pearson 1934; of an AUC, Student's t over the stand-ins.",
            ),
        ]
    )


def _define(pairs: Iterable[tuple[str, str | Element]]) -> Element:
    parts = [part for word, said in pairs for part in (make_element("dt", word), make_element("dd", said))]
    return make_element("dl", *parts)
