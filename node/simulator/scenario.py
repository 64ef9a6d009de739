"""What to simulate: one frozen value that says it all, and the seeds that follow from it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np

from ledger.circle.draw import MAX_DEGREE
from ledger.circle.verdict_word import MAX_ROUND
from ledger.codec import CODECS, ZSTD, choose_share
from ledger.errors import UsageError
from node.attacks import choose_attack
from node.own_code.own_objects import label_of
from node.own_rules import choose_rule
from node.partitions import BY_TASK, choose_partition
from node.tasks.options import Options
from node.topologies import choose_topology

MAX_PEERS: Final = 1 << 16
# What private training is steered by, all of it or none; and its budget, both or neither.
PRIVACY: Final = ("steps", "batch", "clip", "sigma", "lr")
BUDGET: Final = ("epsilon", "delta")
SIGHTS: Final = ("round", "network")
# The fields that may hold a class or an object of the researcher's own.
OWN: Final = ("rule", "attack", "partition", "topology")
BASELINES: Final = ("fedavg", "central", "alone")


@dataclass(frozen=True)
class Scenario:
    """A circle and what befalls it. Unlike a real one it may have more than 256 peers."""

    task: str = "auto"
    """A task's name, or FILE.py:CLASS."""
    peers: int = 20
    """How many, the attackers included."""
    rounds: int = 20
    """The last round."""
    degree: int = 10
    """Neighbours that a peer judges in a round."""
    rule: Any = "tether"
    """The screening rule: a name of ledger.rules, FILE.py:CLASS, a class or an object."""
    rule_parameters: Mapping[str, int] = field(default_factory=dict)
    """In place of the rule's defaults."""
    baseline: str | None = None
    """A name of BASELINES: what takes the network's place over the same data and training; None for none."""
    attack: Any = "honest"
    """What the malicious do: a name of node.attacks, FILE.py:CLASS, a class, or an object, of which each gets a
    copy."""
    attack_parameters: Mapping[str, float] = field(default_factory=dict)
    """In place of the attack's defaults."""
    malicious: float | tuple[int, ...] = 0.0
    """The share of peers that attack, or the seats that do."""
    sight: str = "round"
    """What colluding attackers know of the honest updates. `round`: this round's (the worst case); `network`: the
    last round's, as the network shows them before the commits close."""
    partition: Any = BY_TASK
    """Who holds which examples: a name of node.partitions, FILE.py:CLASS, a class or an object; `task` for as the
    task itself deals them."""
    partition_parameters: Mapping[str, float] = field(default_factory=dict)
    """In place of the partition's defaults."""
    topology: Any = "random-regular"
    """Who judges whom: a name of node.topologies, edges:FILE, FILE.py:CLASS, a class or an object. No circle has
    any but the default."""
    topology_parameters: Mapping[str, float] = field(default_factory=dict)
    """In place of the topology's defaults."""
    skew: float = 0.2
    """0: all peers see the same mix of labels; 1: each sees its own ones. For the partitions `task` and `fang`."""
    samples: int = 1000
    """Training examples a peer."""
    seed: int = 0
    """Of the initial model, the data split, the training and all that is drawn."""
    codec: str = ZSTD
    """Name of how updates are written."""
    sent_share: float | None = None
    """Of its values that a delta frame sends; None for the codec's own."""
    error_feedback: bool = True
    """What the codec left over is added to the next update."""
    options: Options = field(default_factory=dict)
    """The task's own, by name, as `--option` gives them: `{"learning_rate": 0.05}`."""
    data: Path | None = None
    """The file or folder with the peers' data, where the task takes one."""
    privacy: Mapping[str, float] = field(default_factory=dict)
    """The numbers of PRIVACY, where the circle trains with differential privacy, and those of BUDGET where a peer
    that has spent it publishes its base from then on. The noise is predictable here, so that a simulation can be
    repeated, and protects nobody."""
    late: Mapping[int, int] = field(default_factory=dict)
    """Seat → the round in which it joins, from the initial state."""
    own_initialisations: bool = False
    """Every peer starts from its own initial state."""
    drift: float = 0.0
    """The share of a peer's examples that give way to another peer's each round."""
    churn: float = 0.0
    """The probability that a peer misses a round."""
    reputation: bool = True
    """Verdicts make reputations, and with them quarantine and ejection."""
    reputation_shift: int = 3
    """A settlement moves a reputation 1 / 2^shift of the way."""
    reputation_floor: int = 16384
    """0..65535; a peer below it is quarantined."""
    eject_after: int = 16
    """So many settlements in a row below the floor, and a peer is ejected; 0: never."""
    device: str = "cpu"
    """Where models are trained and judged: cpu, cuda, cuda:1, mps or auto. Figures repeat to the bit on the CPU."""
    evaluate_every: int = 1
    """Rounds between two evaluations; the last round always has one."""
    test_examples: int | None = 2000
    """How many of the task's test examples judge a model; None for all."""
    records: bool = False
    """Build the blobs and records of a real circle too (slower)."""

    def __post_init__(self) -> None:
        """Raises UsageError where a field is outside what can be simulated."""
        choose_rule(self.rule, self.rule_parameters)
        choose_attack(self.attack, self.attack_parameters)
        choose_partition(self.partition, self.dealing)
        is_recordable = self.is_networks or not self.records
        _check(is_recordable, "a circle's records are of its contract's own topology: leave one of the two out")
        _check_counts(self)
        _check_shares(self)
        _check(self.codec in CODECS, f"codec {self.codec!r} is unknown: choose {', '.join(CODECS)}")
        choose_share(self.codec, self.sent_share)
        _check(self.sight in SIGHTS, f"sight {self.sight!r} is unknown: choose {', '.join(SIGHTS)}")
        _check(not (self.records and self.privacy), "records of a private circle cannot be simulated")
        _check_baseline(self)
        known: tuple[set[str], ...] = (set(), {*PRIVACY}, {*PRIVACY, *BUDGET})
        _check(
            set(self.privacy) in known,
            f"privacy takes {', '.join(PRIVACY)}, all or none, and {' and '.join(BUDGET)}",
        )
        for name, value in self.privacy.items():
            _check(isfinite(value) and value > 0, f"privacy option {name} is {value}: give a number above 0")
        for seat, number in self.late.items():
            _check(0 <= seat < self.peers, f"late seat {seat} is not in 0..{self.peers - 1}")
            _check(1 <= number <= self.rounds, f"seat {seat} joins in round {number}, not in 1..{self.rounds}")

    @property
    def method(self) -> str:
        """What a table calls it by: the baseline, else the rule."""
        return self.baseline or label_of(self.rule)

    @property
    def hostile(self) -> frozenset[int]:
        """The seats that attack; a share of them is drawn by the seed, rounded to the nearest number."""
        if self.attack == "honest":
            return frozenset()
        if isinstance(self.malicious, tuple):
            return frozenset(self.malicious)
        drawn = np.argsort(generator(self.seed, "hostile").random(self.peers), kind="stable")
        return frozenset(int(seat) for seat in drawn[: round(self.malicious * self.peers)])

    @property
    def frame_share(self) -> float:
        """The share of its values that a delta frame sends."""
        return choose_share(self.codec, self.sent_share)

    @property
    def dealing(self) -> Mapping[str, float]:
        """The partition's parameters, its skew among them where it has one."""
        skew = {"skew": self.skew} if self.partition == "fang" else {}
        return {**skew, **self.partition_parameters}

    @property
    def is_networks(self) -> bool:
        """Whether its topology is the one that a circle's contract draws."""
        return choose_topology(self.topology, self.topology_parameters).is_networks

    def to_fields(self) -> dict[str, Any]:
        """Plain values for JSON; classes and objects by their names."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        found |= {name: label_of(found[name]) for name in OWN}
        found["data"] = None if self.data is None else str(self.data)
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in found.items()}


def generator(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """A stream of random numbers of its own for each purpose."""
    named = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, named, *numbers])))


def round_seed(seed: int, number: int) -> bytes:
    """The round's seed, 32 bytes: a chain of SHA-256 in place of the chain's blocks. number: 1..rounds."""
    found = hashlib.sha256(f"folkmoot simulation {seed}".encode()).digest()
    for _ in range(number):
        found = hashlib.sha256(found).digest()
    return found


def _check(is_right: bool, fact: str) -> None:
    if not is_right:
        raise UsageError(fact)


def _check_counts(scenario: Scenario) -> None:
    _check(2 <= scenario.peers <= MAX_PEERS, f"{scenario.peers} peers are not in 2..{MAX_PEERS}")
    _check(1 <= scenario.rounds <= MAX_ROUND, f"{scenario.rounds} rounds are not in 1..{MAX_ROUND}")
    _check(1 <= scenario.degree <= MAX_DEGREE, f"degree {scenario.degree} is not in 1..{MAX_DEGREE}")
    _check(scenario.samples >= 1, f"{scenario.samples} samples a peer: give at least 1")
    _check(scenario.seed >= 0, f"seed {scenario.seed} is negative: give a number from 0 up")
    _check(scenario.evaluate_every >= 1, f"evaluating every {scenario.evaluate_every} rounds: give at least 1")
    _check(scenario.test_examples is None or scenario.test_examples >= 1, "give at least 1 test example")
    _check(1 <= scenario.reputation_shift <= 8, f"reputation shift {scenario.reputation_shift} is not in 1..8")
    floor = scenario.reputation_floor
    _check(256 <= floor <= 32767, f"reputation floor {floor} is not in 256..32767")
    _check(0 <= scenario.eject_after <= 255, f"eject_after {scenario.eject_after} is not in 0..255")


def _check_baseline(scenario: Scenario) -> None:
    name = scenario.baseline
    if name is None:
        return
    _check(name in BASELINES, f"baseline {name!r} is unknown: choose {', '.join(BASELINES)}")
    _check(not scenario.records, f"baseline {name} writes no records: leave records or the baseline out")
    _check(
        name != "central" or not scenario.privacy,
        "baseline central puts all data in one place, where nothing is private: leave it or the privacy out",
    )


def _check_shares(scenario: Scenario) -> None:
    for name in ("skew", "drift", "churn"):
        value = getattr(scenario, name)
        _check(0 <= value <= 1, f"{name} is {value}: give a number from 0 to 1")
    if isinstance(scenario.malicious, tuple):
        outside = [seat for seat in scenario.malicious if not 0 <= seat < scenario.peers]
        _check(not outside, f"malicious seats {outside} are not in 0..{scenario.peers - 1}")
    else:
        _check(0 <= scenario.malicious < 1, f"malicious is {scenario.malicious}: give a share from 0 to below 1")
    _check(len(scenario.hostile) < scenario.peers, "every peer attacks: leave at least one honest")
