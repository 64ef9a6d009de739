"""The worked examples by name."""

from importlib import import_module
from typing import Final

from ledger.errors import UsageError
from scripts.examples.example import Example

EXAMPLES: Final = {
    "hospital": "scripts.examples.hospital",
    "breast-cancer": "scripts.examples.breast_cancer",
    "credit": "scripts.examples.credit",
    "keyboard": "scripts.examples.keyboard",
    "sensors": "scripts.examples.sensors",
    "sensors-head": "scripts.examples.sensors_head",
}


def find_example(name: str) -> Example:
    """The example of that name. Raises UsageError."""
    if name not in EXAMPLES:
        raise UsageError(f"no example is called {name!r}: choose {', '.join(EXAMPLES)}")
    found: Example = import_module(EXAMPLES[name]).EXAMPLE
    return found
