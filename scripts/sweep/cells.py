"""What the sweep runs, as data: settings, and the blocks of cells to run in them, the decisive ones first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import product
from typing import Any, Final

from ledger.rules import RULES, rule_of
from node.attacks import ATTACKS
from node.simulator import Scenario

DUEL: Final = ("tether", "balance")
# Those that come nearest in the main setting.
RIVALS: Final = ("scclip", "cs-plus", "nnm-trimmed-mean")
OTHERS: Final = (*RIVALS, *(name for name in RULES if name not in (*DUEL, *RIVALS)))
CLEAN: Final = "honest"
# Attacks whose updates are honest or cannot be read: what is left of them for a rule is fewer neighbours.
AROUND: Final = ("withhold", "false-verdict", "oversize", "malformed")
_NO_TERMS: Final = "the swept circles have no privacy terms, and without them it is honest"
NOT_SIMULATED: Final[Mapping[str, str]] = {
    "equivocate": "two announcements for one round are a matter of gossip, which the simulator has none of;"
    " the networks of real processes in tests/network cover it",
    "buffer": "it wants a model with normalisation, which the swept tasks have none of; decision 0027 has its figures",
    "less-noise": _NO_TERMS,
    "uncharged": _NO_TERMS,
    "more-examples": _NO_TERMS,
    "repeated-noise": _NO_TERMS,
    "sparse-noise": _NO_TERMS,
    "sign-noise": _NO_TERMS,
    "borrowed-noise": _NO_TERMS,
    "hidden-step": _NO_TERMS,
}
_FIRST: Final = ("ride", "half-ride", "slow-drift", "sleeper", "dissensus", "alie", "ipm")
POISON: Final = (
    *_FIRST,
    *(name for name in ATTACKS if name not in (*_FIRST, *AROUND, *NOT_SIMULATED)),
)
ALL: Final = (CLEAN, *POISON)
# For the convolutional network, which trains peer by peer and takes longest.
TELLING: Final = (CLEAN, *_FIRST, "stall", "lazy", "label-flip", "sign-flip", "min-max", "backdoor")
SEEDS: Final = (1, 2)
HISTORY: Final = {"on": {}, "off": {"memory_milli": 0}}
STUDIED: Final = (CLEAN, "ride", "sleeper")

# 30 rounds of 600 examples bring a clean run to an error of about .19.
_MAIN: Final[Mapping[str, Any]] = {
    "task": "fashion-mnist",
    "peers": 20,
    "rounds": 30,
    "samples": 600,
    "skew": 0.5,
    "degree": 10,
    "malicious": 0.2,
    "evaluate_every": 10,
    "test_examples": 2000,
}


@dataclass(frozen=True)
class Setting:
    """A circle to try rules and attacks in."""

    name: str
    """As cells call it."""
    title: str
    """As tables call it."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the scenario that differ from the main setting's."""
    latecomers: int = 0
    """Honest peers that join half way, from the initial state."""

    @property
    def values(self) -> dict[str, Any]:
        """The scenario's fields, without rule, attack and seed."""
        return {**_MAIN, **self.changes}


@dataclass(frozen=True)
class Study:
    """One cell of the reputation study: TETHER with one of its means taken away or not."""

    skew: float
    """Of the labels, 0..1."""
    degree: int
    """Neighbours a peer judges."""
    history: str
    """A key of HISTORY."""
    reputation: bool
    """Whether reputations count."""

    @property
    def setting(self) -> Setting:
        told = "on" if self.reputation else "off"
        return Setting(
            f"study-q{self.skew:g}-degree{self.degree}-history-{self.history}-reputation-{told}",
            f"q = {self.skew:g}, degree {self.degree}, history {self.history}, reputation {told}",
            {
                "skew": self.skew,
                "degree": self.degree,
                "rule_parameters": HISTORY[self.history],
                "reputation": self.reputation,
            },
        )


STUDIES: Final = tuple(Study(*one) for one in product((0.5, 0.9, 0.2), (10, 4, 7), HISTORY, (True, False)))
GRIDS: Final = (
    Setting("main", "Fashion-MNIST, MLP, q = .5, 20 % malicious, degree 10"),
    Setting("skewed", "Fashion-MNIST, MLP, q = .9, 20 % malicious, degree 10", {"skew": 0.9}),
    Setting("forty", "Fashion-MNIST, MLP, q = .5, 40 % malicious, degree 10", {"malicious": 0.4}),
    Setting("sparse", "Fashion-MNIST, MLP, q = .5, 20 % malicious, degree 4", {"degree": 4}),
    Setting(
        "hard",
        "Fashion-MNIST, MLP, q = .9, 40 % malicious, degree 4",
        {"skew": 0.9, "malicious": 0.4, "degree": 4},
    ),
    Setting(
        "mnist",
        "MNIST (10,000 digits), MLP, q = .5, 20 % malicious, degree 10",
        {"task": "mnist", "samples": 400},
    ),
    Setting(
        "cnn",
        "Fashion-MNIST, CNN, q = .5, 20 % malicious, degree 10",
        {
            "task": "fashion-mnist-cnn",
            "rounds": 15,
            "samples": 200,
            "evaluate_every": 15,
            "test_examples": 1000,
        },
    ),
)
EVENTS: Final = (
    Setting("late", "three honest peers join half way, from the initial state", latecomers=3),
    Setting("initialisations", "every peer starts from its own initial state", {"own_initialisations": True}),
    Setting("drift", "5 % of every peer's data change each round", {"drift": 0.05}),
    Setting("churn", "every peer misses a fifth of the rounds", {"churn": 0.2}),
)
SETTINGS: Final = {one.name: one for one in (*GRIDS, *EVENTS, *(study.setting for study in STUDIES))}


@dataclass(frozen=True)
class Cell:
    """One simulation: a rule against an attack in a setting."""

    setting: str
    """A key of SETTINGS."""
    rule: str
    """Its name."""
    attack: str
    """Its name, CLEAN for none."""
    seed: int = 0
    """Of the scenario."""

    @property
    def label(self) -> str:
        return f"{self.setting}/{self.rule}/{self.attack}/{self.seed}"

    def scenario(self, changes: Mapping[str, Any] | None = None) -> Scenario:
        """What to simulate. changes: fields to set otherwise, in every cell. Raises UsageError."""
        setting = SETTINGS[self.setting]
        values = {**setting.values, **(changes or {})}
        assumed = _assumptions(self.rule, values["malicious"]) | dict(values.pop("rule_parameters", {}))
        if self.attack == CLEAN:
            values["malicious"] = 0.0
        values |= {"rule": self.rule, "rule_parameters": assumed, "attack": self.attack, "seed": self.seed}
        made = Scenario(**values)
        return Scenario(**values, late=_late(made, setting.latecomers)) if setting.latecomers else made


@dataclass(frozen=True)
class Block:
    """A grid of cells."""

    settings: Sequence[str]
    """Keys of SETTINGS."""
    rules: Sequence[str]
    """Their names."""
    attacks: Sequence[str]
    """Their names."""
    seeds: Sequence[int] = (0,)
    """Of the scenarios."""

    def __iter__(self) -> Iterator[Cell]:
        for setting, seed, attack, rule in product(self.settings, self.seeds, self.attacks, self.rules):
            yield Cell(setting, rule, attack, seed)


_EVENTS: Final = tuple(event.name for event in EVENTS)
# The decisive cells first: a sweep that is stopped early has them.
BLOCKS: Final = (
    Block(["main"], DUEL, ALL),
    Block(["hard"], DUEL, (CLEAN, "ride", "half-ride", "slow-drift", "sleeper", "stall", "lazy")),
    Block(["skewed", "forty", "sparse"], DUEL, (CLEAN, "ride")),
    Block(["main"], (*RIVALS, "none"), (CLEAN, *_FIRST)),
    Block(_EVENTS, DUEL, (CLEAN, "ride")),
    Block(["main"], OTHERS, (CLEAN, "ride", "alie", "sign-flip")),
    Block(["hard"], RIVALS, (CLEAN, "ride")),
    Block(["mnist"], DUEL, (CLEAN, *_FIRST)),
    Block([study.setting.name for study in STUDIES[:24]], ("tether",), (CLEAN, "ride")),
    Block(["cnn"], DUEL, (CLEAN, "ride", "alie")),
    Block(["skewed", "forty", "sparse", "hard"], DUEL, (CLEAN, "ride"), SEEDS),
    Block(["main"], OTHERS, ALL),
    Block(["hard"], DUEL, TELLING),
    Block(["cnn"], (*DUEL, *RIVALS), TELLING),
    Block([study.setting.name for study in STUDIES[:24]], ("tether",), STUDIED),
    Block(["hard"], RIVALS, TELLING),
    Block(["mnist"], (*DUEL, *RIVALS), ALL),
    Block(["skewed", "forty", "sparse"], (*DUEL, *RIVALS), TELLING),
    Block(["main"], DUEL, ALL, SEEDS),
    # Twelve honest peers of few neighbours and one-sided data: one seed says little there.
    Block(["hard"], (*DUEL, "scclip"), TELLING, SEEDS),
    Block(_EVENTS, (*RIVALS, "none"), (CLEAN, "ride")),
    Block([study.setting.name for study in STUDIES[24:]], ("tether",), STUDIED),
    Block(["main"], (*DUEL, *OTHERS), AROUND),
)


def cells() -> tuple[Cell, ...]:
    """Every cell once, in the order in which to run them."""
    return tuple(dict.fromkeys(cell for block in BLOCKS for cell in block))


def _assumptions(rule: str, malicious: float) -> dict[str, int]:
    """Tell a rule that must be told the share of malicious peers what it is."""
    assumed = round(1000 * malicious)
    given: Any = rule_of(rule, {})
    told = {one.name: getattr(given, one.name) for one in fields(given)}
    return {"hostile_milli": assumed} if told.get("hostile_milli", assumed) != assumed else {}


def _late(scenario: Scenario, latecomers: int) -> dict[int, int]:
    """The last honest seats, but no more than half of them, join half way."""
    honest = [seat for seat in range(scenario.peers) if seat not in scenario.hostile]
    return dict.fromkeys(honest[-min(latecomers, len(honest) // 2) :], scenario.rounds // 2 + 1)
