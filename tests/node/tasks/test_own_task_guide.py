"""The classes of docs/guides/own-task.md, run as they stand there, and its table of names."""

import re
from pathlib import Path

import pytest

from node.simulator import Scenario, simulate
from node.tasks.training_choices import LOSSES, NAMES, OPTIMIZERS, SCHEDULES

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "guides" / "own-task.md").read_text()
IMPORTS = "import torch\nfrom torch import nn\n\n\n"


def find_block(name: str) -> str:
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    found: str = next(block for block in blocks if f"class {name}" in block)
    return found


@pytest.mark.parametrize(
    ("name", "main", "options"),
    [("Sensors", "accuracy", {}), ("Forecast", "mae", {"optimizer": "adamw", "epochs": 1})],
)
def test_a_class_of_the_guide_learns_as_it_stands(
    tmp_path: Path, name: str, main: str, options: dict[str, str | int | float]
) -> None:
    path = tmp_path / "task.py"
    path.write_text(IMPORTS + find_block(name))
    found = simulate(Scenario(task=f"{path}:{name}", peers=3, rounds=3, degree=2, samples=200, options=options))
    assert found.summary.main is not None
    assert found.summary.main.name == main
    merits = [row.merit for row in found.rows if row.seat == 0]
    assert found.summary.main.is_better(merits[-1], merits[0])


def test_the_guide_names_every_choice_there_is() -> None:
    table = GUIDE[GUIDE.index("## Training by names") : GUIDE.index("## Figures")]
    for name in (*NAMES, *LOSSES, *OPTIMIZERS, *SCHEDULES):
        assert f"`{name}`" in table, name
