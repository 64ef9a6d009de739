"""What cannot be trained under differential privacy as it is, and why."""

from torch import nn

from ledger.errors import SetupError
from node.tasks.interface import Task
from node.tasks.sharing import Parts
from node.tasks.training_choices import BALANCED

_NORMS, _BATCH_NORMS = nn.modules.batchnorm._NormBase, nn.modules.batchnorm._BatchNorm


def check_private_task(task: Task, model: nn.Module, parts: Parts) -> None:
    """Refuse a task whose updates could tell more than noisy sums of gradients do.

    model: as the task makes it. parts: of its tensors. Raises SetupError with the reason.
    """
    _check_modules(task.spec, model)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    trained = {name for name, parameter in parameters.items() if parameter.requires_grad}
    buffers = [name for name in parts.shared if name not in trained]
    if buffers:
        raise SetupError(
            f"{task.spec}: {buffers[0]} is shared and no gradient trains it, so it would tell of private data"
            f" without noise: keep it at home with private = ({buffers[0]!r},) or leave it out"
        )
    for name, parameter in parameters.items():
        if parameter.requires_grad and parameter.is_complex():
            raise SetupError(f"{task.spec}: {name} is complex, and private training knows real numbers only")
    if task.trainer is None and task.choices.class_weights == BALANCED:
        raise SetupError(
            f"{task.spec}: class_weights={BALANCED} counts a peer's own labels, which no noise covers: give a"
            " weight for each class, or state the target's public shares in a table's schema"
        )
    if task.trainer is not None and not task.takes_privacy:
        raise SetupError(
            f"{task.spec} has its own train(), which takes no `privacy`: let it take one and train by"
            " privacy.sgd(model, loss, data), or leave train() out"
        )


def _check_modules(spec: str, model: nn.Module) -> None:
    for name, module in model.named_modules():
        if isinstance(module, _BATCH_NORMS) or (isinstance(module, _NORMS) and module.track_running_stats):
            raise SetupError(
                f"{spec}: {name or 'the model'} is a {type(module).__name__}, which mixes examples, so that one of"
                " them changes the gradients of all: use nn.GroupNorm or nn.LayerNorm"
            )


def check_buffers_stayed(spec: str, before: nn.Module, after: nn.Module) -> None:
    """Raises SetupError where training changed a buffer: such a change is of private data, and has no noise."""
    old = dict(before.named_buffers())
    for name, buffer in after.named_buffers():
        if name in old and not buffer.cpu().equal(old[name]):
            raise SetupError(
                f"{spec}: training changed the buffer {name}, which no noise hides: leave buffers as they are"
            )
