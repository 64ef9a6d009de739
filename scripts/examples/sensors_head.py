"""The example sensors with layers that stay at home: the settings of sensors, and another model."""

from dataclasses import replace
from typing import Final

from scripts.examples.example import PAGES, Choice, Example
from scripts.examples.sensors import EXAMPLE as SENSORS

_FILE: Final = PAGES / "sensors" / "own_head.py"

EXAMPLE: Final[Example] = replace(
    SENSORS,
    title="the same, each with a last layer of its own",
    task=f"{_FILE}:OwnHead",
    kind="series",
    choices=tuple(Choice(("networked",), {"task": f"{_FILE}:{name}"}) for name in ("OwnHead", "OwnUpperLayers")),
)
