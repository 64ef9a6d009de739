"""What a deployment pins: the task's manifest and the state all peers start from."""

from collections.abc import Mapping

from ledger.blobs.unixfs import build
from ledger.codec import OutsideGrid
from ledger.errors import UsageError
from ledger.manifest import MalformedManifest, Manifest, check_manifest
from ledger.rules import rule_of
from node.frozen import Frozen, check_frozen
from node.layout import Layout, Vector, check_layout
from node.learner import genesis_blob
from node.ranges import with_exponents
from node.tasks.interface import Task
from node.template import Template


def agreed_template(task: Task, manifest: Manifest) -> Template:
    """The circle's model as this machine makes it, in the circle's units.

    Raises SetupError naming a tensor that differs there.
    """
    template, layout = Template.of(task, int(manifest.task_options.get("seed", 0))), Layout.of(manifest.layout)
    check_layout(template.layout, layout)
    check_frozen(template.parts.frozen, template.frozen, Frozen(manifest.frozen, manifest.frozen_marks))
    return template.in_units_of(layout)


def manifest_for(
    task: Task,
    *,
    options: Mapping[str, int | float | str],
    degree: int,
    rule: str,
    rule_parameters: Mapping[str, int],
    rounds: int,
    codec: str,
    trained: Vector | None = None,
) -> Manifest:
    """Describe a task for the chain. options: the keywords the task was made with; `seed` draws the initial state.
    trained: what a first training made of that, values as they are; with it the tensors' units are chosen better.

    Raises UsageError where the circle could not do it.
    """
    rule_of(rule, rule_parameters)
    template = Template.of(task, int(options.get("seed", 0)))
    template = template.in_units_of(with_exponents(template.layout, template.initial(), trained))
    layout = template.layout
    try:
        genesis = genesis_blob(template.initial(), layout.blocks)
        manifest = Manifest(
            version=1,
            # A user's own file is known by its class: the path on somebody's disk is nobody's business.
            task=task.spec.rpartition(":")[2],
            task_options=dict(options),
            layout=layout.tensors,
            genesis=build(genesis).root.hex(),
            codec=codec,
            degree=degree,
            rule=rule,
            rule_parameters=dict(rule_parameters),
            rounds=rounds,
            frozen=template.frozen.digest,
            frozen_marks=template.frozen.marks,
        )
        check_manifest(manifest)
        manifest.encode()
    except (OutsideGrid, MalformedManifest, ValueError) as error:
        raise UsageError(f"this task cannot be a circle's: {error}") from error
    return manifest
