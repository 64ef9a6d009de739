"""The blobs of a simulated circle, byte for byte what a real one's peers would store."""

import hashlib
import re
from collections.abc import Mapping

import numpy as np

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import Update, encode_update, state_digest, update_max_bytes
from ledger.circle.manifest import Manifest
from ledger.identity.network import Network
from ledger.judging.frame_chains import MAX_CHAIN, Commit, FetchedUpdate, HeldBlobs, is_chained
from ledger.rules import RULES, Rule
from ledger.rules.lent import lend, name_lent
from node.attacks.attack import Attack
from node.learning.genesis import Agreement, describe_task
from node.learning.learner import encode_genesis_blob
from node.learning.template import Template
from node.own_code.own_objects import label_of
from node.simulator.contract import author_of
from node.simulator.publishing import PublishedFrame
from node.simulator.scenario import Scenario, generator

# No chain has this number, so no blob of a simulation can be taken for a circle's.
CHAIN_ID = 0


def make_manifest(scenario: Scenario, template: Template, rule: Rule) -> Manifest:
    """What a circle of this scenario would have agreed on. rule: the scenario's."""
    agreed = Agreement(
        options={"skew": scenario.skew, "seed": scenario.seed, "samples": scenario.samples},
        degree=scenario.degree,
        rule=_name_rule(scenario, rule),
        rule_parameters=dict(scenario.rule_parameters),
        rounds=scenario.rounds,
        codec=scenario.codec,
    )
    genesis = encode_genesis_blob(template.make_initial(), template.layout.blocks)
    return describe_task(template, genesis, agreed)


def _name_rule(scenario: Scenario, rule: Rule) -> str:
    """The rule's name; one of somebody's own is lent to this process under a name that no circle has."""
    label = label_of(scenario.rule)
    if label in RULES:
        return label
    digest = hashlib.sha256(label.encode()).hexdigest()
    lend(digest, lambda *_: rule)
    return name_lent(re.sub(r"\W", "_", label.rpartition(":")[2], flags=re.ASCII)[:64], digest)


def make_network(scenario: Scenario) -> bytes:
    """The name of the simulated circle's network, 32 bytes."""
    return Network.of(CHAIN_ID, "0x" + author_of(scenario.seed, -1).hex()).domain_separator


class BlobMaker:
    """Makes the updates' blobs and hands them out as fetching would."""

    def __init__(self, scenario: Scenario, manifest: Manifest, behaviours: Mapping[int, Attack]) -> None:
        self.manifest, self.network = manifest, make_network(scenario)
        self._seed, self._behaviours = scenario.seed, behaviours
        self._limit = update_max_bytes(manifest)
        # Seat → its earlier commits, newest first, where frames may hang on them.
        self._commits: dict[int, tuple[tuple[Commit, bytes | None], ...]] = {}

    def make_blob(self, number: int, seat: int, base: GridState, published: PublishedFrame) -> bytes:
        """The update blob that the seat commits."""
        update = Update(
            self.network,
            number,
            author_of(self._seed, seat),
            state_digest(base),
            self.manifest.codec,
            published.payload,
            self._commits[seat][0][0].digest if published.depth else b"",
            None,
        )
        blob = encode_update(update)
        if (behaviour := self._behaviours.get(seat)) is None:
            return blob
        noise: np.random.Generator = generator(self._seed, "blob", seat, number)
        return behaviour.blob(blob, self._limit, number, noise)

    def hand_out(self, number: int, seat: int, digest: bytes, blob: bytes) -> FetchedUpdate:
        """What a neighbour gets when it asks for the blob."""
        link = Commit(number, digest, author_of(self._seed, seat))
        commits = ((link, blob if len(blob) <= self._limit else None), *self._commits.get(seat, ()))
        if is_chained(self.manifest.codec):
            self._commits[seat] = commits[:MAX_CHAIN]
        return FetchedUpdate(
            tuple(link for link, _ in commits), HeldBlobs({link.digest: had for link, had in commits})
        )
