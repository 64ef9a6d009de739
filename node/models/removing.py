"""A circle's model less what one seat put in: first-order unlearning, as a file (R33.7).

Its file names the model that it was made of, and is no model of the circle: nobody finds it by its digest.
"""

from pathlib import Path

import numpy as np

from ledger.arithmetic.exact import LARGEST, GridState, to_float
from ledger.blobs.contents.records import state_digest
from ledger.circle.manifest import Manifest, Tensor
from ledger.files import PUBLIC, write_whole
from node.models.evaluation import Judge
from node.models.metadata import CIRCLE, MARK, REMAINDER, ModelFacts
from node.models.model_file import encode_head, to_values
from node.tasks.interface import Task


def remove_part(model: GridState, part: GridState) -> GridState:
    """The model less a part of it, cut to the grid. Both (d,), int32."""
    left = model.astype(np.int64) - part
    cut: GridState = np.clip(left, -LARGEST, LARGEST).astype(np.int32)
    return cut


def measure_both(
    task: Task, manifest: Manifest, model: GridState, left: GridState
) -> tuple[dict[str, float], dict[str, float]]:
    """The task's figures of the model, and of what is left of it. Raises SetupError where there are none."""
    judge = Judge(task, manifest, None)
    return judge.judge(to_float(model)), judge.judge(to_float(left))


def write_remainder(
    path: Path, facts: ModelFacts, without: int, layout: tuple[Tensor, ...], state: GridState
) -> bytes:
    """Write it whole, and return its bytes. facts: of the whole model. without: the seat.

    Raises SetupError, OSError.
    """
    metadata = {
        "chain_id": str(facts.chain_id),
        "contract": facts.contract,
        "digest": state_digest(state).hex(),
        MARK: REMAINDER,
        "format": "pt",
        "of_digest": facts.digest.hex(),
        "round": str(facts.round),
        "seat": CIRCLE if facts.seat is None else str(facts.seat),
        "without": str(without),
    }
    values, at = np.empty(state.shape, "<f4"), 0
    for tensor in layout:
        here = slice(at, at := at + tensor.size)
        values[here] = to_values(state[here], tensor.exponent)
    data = encode_head(metadata, layout) + values.tobytes()
    write_whole(path, data, mode=PUBLIC)
    return data
