"""The sweep's Markdown, from finished cells alone."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from scripts.sweep.cells import (
    ALL,
    AROUND,
    CLEAN,
    DUEL,
    EVENTS,
    GRIDS,
    NOT_SIMULATED,
    OTHERS,
    RIVALS,
    SETTINGS,
    Cell,
)
from scripts.sweep.findings import TELLING_DIFFERENCE, goals, losses, named
from scripts.sweep.finished_cells import ALL_SEEDS, GAP, Shelf, average, pair, table, told
from scripts.sweep.study import out_of_the_mix, reputation, study

RULE_ORDER: Final = (*DUEL, *OTHERS)
ATTACK_ORDER: Final = (*ALL, *AROUND)

_HEAD: Final = """# Rules and attacks

Written by `scripts/sweep/attacks.py` from `attacks.jsonl`, which has one line for every simulated cell.

Figures are errors (1 − accuracy) of the honest peers' models at the last round, **mean/worst** over those peers. In the
main setting there are {peers} peers with {samples} examples each, {rounds} rounds of one epoch, neighbours drawn anew
each round, updates through the int8 codec with error feedback, reputations settled as the contract does, and 2,000 test
images. q is the degree of non-IID (Fang et al. 2020): the probability that an example goes to a home peer of its label.
Colluding attackers know the honest updates of the very round, the rule with its parameters and each victim's state, which
is more than the network shows anybody before commits close. Rules that assume a share of malicious peers (Krum,
Multi-Krum, trimmed mean, NNM + trimmed mean, SCCLIP, CS+, UBAR) are told the true one. UBAR's verdicts cannot be replayed.
The rules and attacks with their sources are in `ledger/rules/` and `node/attacks/`. All comparisons are with the
implementations here; nothing is claimed against figures of any paper.

{done} of {all} cells are done.{older}
"""
_REPRODUCE: Final = """## How to reproduce

    python -m scripts.sweep.attacks --jobs 2 --minutes 120     # begins no cell after two hours; start it again to go on
    python -m scripts.sweep.attacks --list                     # what there is of each cell
    python -m scripts.sweep.attacks --only 'main/tether/*'     # some cells alone: SETTING/RULE/ATTACK/SEED
    python -m scripts.sweep.attacks --verify 20                # cells of earlier sources again: do the bits still agree?
    python -m scripts.sweep.attacks --tables                   # this page from the raw file, without simulating

Every finished cell is on the disk at once, so the sweep may be killed at any time. The raw file tells of every cell its
scenario, the digest of the sources that it follows from (what the simulator, its rule, attack and task compute, whatever
it is called and wherever it lies: `scripts/sweep/fingerprint.py`), the digest of all its rounds, and the versions of torch
and numpy: the same scenario, sources and versions give the same digest. Cells simulated by other sources than those at
hand are left out of this page; `--accept-older` takes them.
"""


def render(shelf: Shelf) -> str:
    """The whole page."""
    lines = [
        _head(shelf),
        "## Goals",
        "",
        *goals(shelf),
        "## Where TETHER loses",
        "",
        f"All cells in which another rule has a lower mean or worst error, by {told(TELLING_DIFFERENCE)} or more.",
        "",
        *losses(shelf),
        "## Rules in the main setting, over all attacks",
        "",
        *ranking(shelf),
        "## Errors, mean/worst",
        "",
        "The lowest mean of a row is bold.",
        "",
        *(line for setting in GRIDS for line in errors(shelf, setting.name)),
        "## False accepts and false rejects",
        "",
        "Shares over all rounds and honest judges: hostile neighbours accepted/honest neighbours rejected. A rule that"
        " weighs coordinates (median, trimmed mean) or clips alone accepts everybody and says nothing about anybody."
        " A sleeper's honest rounds count as hostile too.",
        "",
        *(line for setting in GRIDS for line in falsehoods(shelf, setting.name)),
        *backdoor(shelf),
        *seeds(shelf),
        *events(shelf),
        "## History, reputation and degree",
        "",
        *out_of_the_mix(shelf),
        *study(shelf),
        *reputation(shelf),
        "## Left out",
        "",
        *left_out(shelf),
        _REPRODUCE,
    ]
    return "\n".join(lines)


def _head(shelf: Shelf) -> str:
    older = shelf.older()
    note = ""
    if older and shelf.accept_older:
        note = f" {len(older)} of them were simulated by earlier sources."
    elif older:
        note = f" {len(older)} cells were simulated by other sources only and are not on this page."
    note += _simulated_again(shelf)
    values = SETTINGS["main"].values
    return _HEAD.format(
        peers=values["peers"],
        samples=values["samples"],
        rounds=values["rounds"],
        all=len(shelf.digests),
        done=len(shelf.digests) - len(list(shelf.missing())),
        older=note,
    )


def _simulated_again(shelf: Shelf) -> str:
    again = shelf.simulated_again()
    if not again:
        return ""
    differing = [cell.label for cell, is_same in again.items() if not is_same]
    outcome = f"{len(differing)} of them otherwise: {', '.join(differing)}" if differing else "all to the same bits"
    return f" {len(again)} cells were simulated by earlier sources and again by the present ones, {outcome}."


def ranking(shelf: Shelf) -> list[str]:
    """The rules by their mean error over all attacks that every finished rule has met."""
    rules = [rule for rule in RULE_ORDER if any(shelf.line("main", rule, attack) for attack in ALL)]
    attacks = [attack for attack in ALL if all(shelf.line("main", rule, attack) for rule in rules)]
    if not rules or not attacks:
        return ["No attack has met all rules yet.", ""]
    found = []
    for rule in rules:
        means, worsts = (
            {attack: shelf.figure(name, "main", rule, attack) or 0.0 for attack in attacks}
            for name in ("mean_error", "worst_error")
        )
        hardest = max(means, key=lambda attack: means[attack])
        found.append((fmean(means.values()), rule, means[hardest], hardest, max(worsts.values())))
    rows = [
        (rule, told(mean), f"{told(top)} ({named(hardest)})", told(worst))
        for mean, rule, top, hardest, worst in sorted(found)
    ]
    head = ("rule", f"mean over {len(attacks)} rows", "highest mean", "worst peer of all")
    return table(head, rows)


def _grid(shelf: Shelf, setting: str) -> tuple[list[str], list[str]]:
    """The rules and attacks of a setting that have any finished cell."""
    there = {(cell.rule, cell.attack) for cell in shelf.digests if cell.setting == setting}
    done = [(rule, attack) for rule, attack in there if shelf.line(setting, rule, attack)]
    rules = [rule for rule in RULE_ORDER if any(rule == one for one, _ in done)]
    return rules, [attack for attack in ATTACK_ORDER if any(attack == one for _, one in done)]


def errors(shelf: Shelf, setting: str) -> list[str]:
    """A setting's mean/worst errors, rules as columns."""
    rules, attacks = _grid(shelf, setting)
    if not rules:
        return []
    rows = []
    for attack in attacks:
        means = [shelf.figure("mean_error", setting, rule, attack) for rule in rules]
        lowest = min((mean for mean in means if mean is not None), default=None)
        cells = [
            pair(mean, shelf.figure("worst_error", setting, rule, attack))
            for rule, mean in zip(rules, means, strict=True)
        ]
        bold = [f"**{text}**" if mean == lowest else text for text, mean in zip(cells, means, strict=True)]
        rows.append((named(attack), *bold))
    return [f"### {SETTINGS[setting].title}", "", *table(("", *rules), rows)]


def falsehoods(shelf: Shelf, setting: str) -> list[str]:
    """A setting's false-accept/false-reject rates."""
    rules, attacks = _grid(shelf, setting)
    if not rules:
        return []
    rows = [
        (
            named(attack),
            *(
                pair(
                    shelf.figure("false_accept", setting, rule, attack),
                    shelf.figure("false_reject", setting, rule, attack),
                    2,
                )
                for rule in rules
            ),
        )
        for attack in attacks
    ]
    return [f"### {SETTINGS[setting].title} (accepted/rejected)", "", *table(("", *rules), rows)]


def backdoor(shelf: Shelf) -> list[str]:
    """How often the trigger works, beside the error of a model with a backdoor."""
    rows = []
    for setting in GRIDS:
        found = {rule: shelf.line(setting.name, rule, "backdoor") for rule in RULE_ORDER}
        figures = {rule: line.summary["figures"].get("backdoor") for rule, line in found.items() if line}
        if figures:
            rows.append((setting.title, *(told(figures.get(rule), 2) for rule in RULE_ORDER)))
    said = "Share of stamped test images that honest peers' models give the attackers' label:"
    return ["## Backdoor", "", said, "", *table(("setting", *RULE_ORDER), rows)] if rows else []


def seeds(shelf: Shelf) -> list[str]:
    """The cells run with several seeds."""
    rows = []
    for setting in GRIDS:
        for attack in ATTACK_ORDER:
            means, worsts = (
                {rule: shelf.seeds(name, setting.name, rule, attack) for rule in DUEL}
                for name in ("mean_error", "worst_error")
            )
            if max(map(len, means.values())) > 1:
                cells = [_spread(means[rule], worsts[rule]) for rule in DUEL]
                rows.append((setting.title, named(attack), *cells))
    if not rows:
        return []
    said = (
        f"Seeds {', '.join(map(str, ALL_SEEDS))}: other shares of the data, other attackers, other neighbours."
        " Mean error/worst error, each from the lowest to the highest over the seeds."
    )
    return ["## Over several seeds", "", said, "", *table(("setting", "attack", *DUEL), rows)]


def _spread(means: dict[int, float], worsts: dict[int, float]) -> str:
    if not means:
        return GAP
    return "/".join(f"{told(min(some.values()))}–{told(max(some.values()))}" for some in (means, worsts))


def events(shelf: Shelf) -> list[str]:
    """Late join, different initialisations, drifting data, churn; mean/worst, and the latecomers' mean."""
    rules = (*DUEL, *RIVALS, "none")
    rows = []
    for event in EVENTS:
        for attack in (CLEAN, "ride"):
            lines = [shelf.line(event.name, rule, attack) for rule in rules]
            cells = [
                GAP if line is None else pair(line.summary["mean_error"], line.summary["worst_error"])
                for line in lines
            ]
            rows.append((event.title, named(attack), *cells))
            late = [None if line is None else line.values.get("late_error") for line in lines]
            if average(late) is not None:
                rows.append(("their own mean error", named(attack), *(told(one) for one in late)))
    said = "Otherwise as the main setting."
    return ["## What else befalls a circle", "", said, "", *table(("event", "attack", *rules), rows)]


def left_out(shelf: Shelf) -> list[str]:
    """Declared cells that are not done, by setting, and what was never to be run."""
    declared = Counter(_family(cell) for cell in shelf.digests)
    waiting: dict[str, list[Cell]] = {}
    for cell in shelf.missing():
        waiting.setdefault(_family(cell), []).append(cell)
    said = [
        f"- Not done, `{family}`: {len(some)} of {declared[family]} cells"
        + (f": {_briefly(some)}." if len(some) < declared[family] else ".")
        for family, some in waiting.items()
    ]
    planned: dict[str, tuple[list[str], list[str]]] = {
        setting.name: (
            _absent(RULE_ORDER, {cell.rule for cell in shelf.digests if cell.setting == setting.name}),
            _absent(ATTACK_ORDER, {cell.attack for cell in shelf.digests if cell.setting == setting.name}),
        )
        for setting in GRIDS
    }
    for setting, (rules, attacks) in planned.items():
        some = [f"{kind} {', '.join(names)}" for kind, names in (("rules", rules), ("attacks", attacks)) if names]
        if some:
            said.append(f"- Not planned, `{setting}`: {'; '.join(some)}.")
    said += [f"- `{attack}` nowhere: {why}." for attack, why in NOT_SIMULATED.items()]
    return [*said, ""]


def _family(cell: Cell) -> str:
    """The setting; the many of the reputation study count as one."""
    return "study" if cell.setting.startswith("study") else cell.setting


def _briefly(some: Sequence[Cell]) -> str:
    """Cells as `rule (attack, attack); rule (…)`, of the study with what is particular to the setting."""
    found: dict[str, list[str]] = {}
    for cell in some:
        first = cell.setting if _family(cell) == "study" else cell.rule
        found.setdefault(first, []).append(cell.attack + (f" with seed {cell.seed}" if cell.seed else ""))
    return "; ".join(f"{first} ({', '.join(attacks)})" for first, attacks in found.items())


def _absent(names: Sequence[str], there: set[str]) -> list[str]:
    return [name for name in names if name not in there]
