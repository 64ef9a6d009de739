"""The files of a kit that are mostly text: read from beside this module, with values in the place of @NAMES@."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

_PLACE: Final = re.compile("@([A-Z][A-Z0-9_]*)@")


def read_template(name: str) -> str:
    """The text of one, as it is kept."""
    return (files("node.provisioning") / "templates" / f"{name}.in").read_text(encoding="utf-8")


def read_monitoring() -> dict[str, bytes]:
    """What Prometheus and Grafana beside a node are given: path in a kit → bytes."""
    folder = files("node.provisioning") / "monitoring"
    return {f"monitoring/{one.name}": one.read_bytes() for one in folder.iterdir() if one.is_file()}


def fill(name: str, values: Mapping[str, str]) -> str:
    """A template with its values. Lines from `@if NAME` to `@end` are left out where the value is empty.

    Raises KeyError for a value that was not given: the templates are this program's own.
    """
    kept: list[str] = []
    is_kept = True
    for line in read_template(name).splitlines():
        if line.startswith("@if "):
            is_kept = bool(values[line.removeprefix("@if ").strip()])
        elif line == "@end":
            is_kept = True
        elif is_kept:
            kept.append(_PLACE.sub(lambda found: values[found[1]], line))
    return "\n".join(kept) + "\n"
