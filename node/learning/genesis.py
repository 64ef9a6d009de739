"""What a deployment pins: the task's manifest and the state all peers start from."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.blobs.contents.records import update_max_bytes
from ledger.blobs.unixfs import build_dag
from ledger.circle.manifest import CHECKPOINT_EVERY, MalformedManifest, Manifest, Origin, check_manifest
from ledger.codec import OutsideGrid
from ledger.errors import UsageError
from ledger.files import PUBLIC, write_whole
from ledger.judging.task_checks import check_task
from ledger.privacy.terms import PrivacyTerms
from ledger.rules import rule_of
from node.learning.frozen import Frozen, check_frozen
from node.learning.layout import Layout, check_layout
from node.learning.learner import encode_genesis_blob
from node.learning.template import Template
from node.tasks.interface import Task

_log = logging.getLogger(__name__)


def make_agreed_template(task: Task, manifest: Manifest) -> Template:
    """The circle's model as this machine makes it, in the circle's units.

    Raises SetupError naming a tensor that differs there.
    """
    return agree_template(Template.of(task, int(manifest.task_options.get("seed", 0))), manifest)


def agree_template(template: Template, manifest: Manifest) -> Template:
    """The same model in a circle's units. Raises SetupError naming a tensor that differs there."""
    layout = Layout.from_tensors(manifest.layout)
    check_layout(template.layout, layout)
    check_frozen(template.parts.frozen, template.frozen, Frozen(manifest.frozen, manifest.frozen_marks))
    return template.in_units_of(layout)


@dataclass(frozen=True)
class Founding:
    """What a circle starts from: its manifest, and the blob with the state all peers start from."""

    manifest: Manifest
    genesis: bytes


@dataclass(frozen=True)
class Agreement:
    """What a circle's peers agree on beside the model."""

    options: Mapping[str, int | float | str]
    """The keywords the task was made with."""
    degree: int
    """Neighbours a peer judges."""
    rule: str
    """The screening rule's name."""
    rule_parameters: Mapping[str, int]
    """Those that are not at their defaults."""
    rounds: int
    """The circle's last round."""
    codec: str
    """Of the updates."""
    checkpoint_every: int = CHECKPOINT_EVERY
    """A judge shows a checkpoint every so many rounds."""
    privacy: PrivacyTerms | None = None
    """Those of training with differential privacy, None without."""
    origin: Origin | None = None
    """Where the state that all start from was come to; None where nobody has trained it."""


def found_circle(template: Template, agreed: Agreement, genesis: bytes | None = None) -> Founding:
    """Describe a task for the chain. template: its model, in the units that its tensors ask for.

    genesis: the blob of the state all start from; None for the untrained model. Raises UsageError where the
    circle could not do it.
    """
    rule_of(agreed.rule, agreed.rule_parameters)
    try:
        if genesis is None:
            genesis = encode_genesis_blob(template.make_initial(), template.layout.blocks)
        manifest = describe_task(template, genesis, agreed)
        check_manifest(manifest)
        check_task(manifest)
        manifest.encode()
    except (OutsideGrid, MalformedManifest, ValueError) as error:
        raise UsageError(f"this task cannot be a circle's: {error}") from error
    return Founding(manifest, genesis)


def describe_task(template: Template, genesis: bytes, agreed: Agreement) -> Manifest:
    """The manifest, unchecked. genesis: the blob of the state all start from."""
    return Manifest(
        version=1,
        # A user's own file is known by its class: the path on somebody's disk is nobody's business.
        task=template.spec.rpartition(":")[2],
        task_options=dict(agreed.options),
        layout=template.layout.tensors,
        genesis=build_dag(genesis).root.hex(),
        codec=agreed.codec,
        degree=agreed.degree,
        rule=agreed.rule,
        rule_parameters=dict(agreed.rule_parameters),
        rounds=agreed.rounds,
        frozen=template.frozen.digest,
        frozen_marks=template.frozen.marks,
        checkpoint_every=agreed.checkpoint_every,
        privacy=agreed.privacy,
        origin=agreed.origin,
    )


def genesis_path(circle: Path) -> Path:
    """Where the genesis blob lies beside a circle file."""
    return circle.with_suffix(".genesis")


def write_genesis(circle: Path, genesis: bytes) -> None:
    """Put the genesis blob beside a circle file, for its founder's node to serve. Raises OSError."""
    write_whole(genesis_path(circle), genesis, mode=PUBLIC)


def read_genesis(circle: Path, manifest: Manifest) -> bytes | None:
    """The genesis blob beside a circle file; None where there is none, or another circle's. Raises OSError."""
    limit = update_max_bytes(manifest)
    try:
        with genesis_path(circle).open("rb") as file:
            blob = file.read(limit + 1)
    except FileNotFoundError:
        return None
    if len(blob) > limit or build_dag(blob).root != manifest.genesis_digest:
        _log.warning("genesis beside the circle file is another circle's, not used file=%s", genesis_path(circle))
        return None
    return blob
