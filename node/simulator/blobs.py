"""The blobs of a simulated circle, byte for byte what a real one's peers would store."""

from collections.abc import Mapping

import numpy as np

from ledger.arithmetic.exact import State
from ledger.blobs.contents.records import Update, encode_update, state_digest, update_max_bytes
from ledger.blobs.unixfs import build
from ledger.circle.manifest import CHECKPOINT_EVERY, Manifest
from ledger.identity.network import Network
from ledger.judging.frame_chains import MAX_CHAIN, Fetched, Held, Link, is_chained
from node.attacks.attack import Attack
from node.learning.learner import genesis_blob
from node.learning.template import Template
from node.simulator.contract import author_of
from node.simulator.publishing import Published
from node.simulator.scenario import Scenario, generator

# No chain has this number, so no blob of a simulation can be taken for a circle's.
CHAIN_ID = 0


def manifest_of(scenario: Scenario, template: Template) -> Manifest:
    """What a circle of this scenario would have agreed on."""
    layout = template.layout
    return Manifest(
        version=1,
        task=template.spec.rpartition(":")[2],
        task_options={"skew": scenario.skew, "seed": scenario.seed, "samples": scenario.samples},
        layout=layout.tensors,
        genesis=build(genesis_blob(template.initial(), layout.blocks)).root.hex(),
        codec=scenario.codec,
        degree=scenario.degree,
        rule=scenario.rule,
        rule_parameters=dict(scenario.rule_parameters),
        rounds=scenario.rounds,
        frozen=template.frozen.digest,
        frozen_marks=template.frozen.marks,
        checkpoint_every=CHECKPOINT_EVERY,
    )


def network_of(scenario: Scenario) -> bytes:
    """The name of the simulated circle's network, 32 bytes."""
    return Network.of(CHAIN_ID, "0x" + author_of(scenario.seed, -1).hex()).domain_separator


class Notary:
    """Makes the updates' blobs and hands them out as fetching would."""

    def __init__(self, scenario: Scenario, manifest: Manifest, behaviours: Mapping[int, Attack]) -> None:
        self.manifest, self.network = manifest, network_of(scenario)
        self._seed, self._behaviours = scenario.seed, behaviours
        self._limit = update_max_bytes(manifest)
        # Seat → its earlier commits, newest first, where frames may hang on them.
        self._commits: dict[int, tuple[tuple[Link, bytes | None], ...]] = {}

    def blob(self, number: int, seat: int, base: State, published: Published) -> bytes:
        """The update blob that the seat commits."""
        update = Update(
            self.network,
            number,
            author_of(self._seed, seat),
            state_digest(base),
            self.manifest.codec,
            published.payload,
            self._commits[seat][0][0].digest if published.depth else b"",
        )
        blob = encode_update(update)
        if (behaviour := self._behaviours.get(seat)) is None:
            return blob
        noise: np.random.Generator = generator(self._seed, "blob", seat, number)
        return behaviour.blob(blob, self._limit, number, noise)

    def fetched(self, number: int, seat: int, digest: bytes, blob: bytes) -> Fetched:
        """What a neighbour gets when it asks for the blob."""
        link = Link(number, digest, author_of(self._seed, seat))
        commits = ((link, blob if len(blob) <= self._limit else None), *self._commits.get(seat, ()))
        if is_chained(self.manifest.codec):
            self._commits[seat] = commits[:MAX_CHAIN]
        return Fetched(tuple(link for link, _ in commits), Held({link.digest: had for link, had in commits}))
