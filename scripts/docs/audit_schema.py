"""The JSON Schema of `folkmoot audit --json`, made of the types that it is made of and of what their fields say."""

import ast
import inspect
import json
import re
import sys
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from ledger.audit.findings import Check, Report
from ledger.audit.groups import FindingGroup
from ledger.audit.kinds import Kind
from node.cli.audit_lines import FORMAT

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: Final = {int: "integer", float: "number", str: "string", bool: "boolean", types.NoneType: "null"}
_ROUNDS: Final = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
_ABOUT: Final = (
    "What `folkmoot audit --json` prints: one object. Amounts are integers, in wei, and may have more digits than a"
    " double holds. Fields may be added within a format; a reader passes over those that it does not know."
)


def make_schema() -> str:
    """The file, with a line break at its end."""
    defs: dict[str, Any] = {}
    report = _describe_class(Report, defs)
    properties = {**_describe_added(), **report["properties"], "groups": _describe_groups(defs)}
    schema = {
        "$schema": DIALECT,
        "title": "Folkmoot audit report",
        "description": _ABOUT,
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "$defs": dict(sorted(defs.items())),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _describe_added() -> dict[str, Any]:
    """The fields that a report has for machines only."""
    return {
        "format": {"const": FORMAT, "description": "Another number once a field means something else."},
        "made_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When the chain was read for it, UTC; of a bundle, for its maker. Null where no calendar has it.",
        },
        "made_by": {"type": "string", "description": "The program that audited, and its version."},
        "names": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Address → what the auditor calls it (`--names`). Nobody vouches for it.",
        },
        "seat_names": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "seat": {"type": "integer", "description": "Its number."},
                    "name": {"type": "string", "description": "What it calls itself."},
                    "name_marks": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "What should be known of that: whose name it is like, in which letters.",
                    },
                },
                "required": ["name", "name_marks", "seat"],
            },
            "description": "What seats call themselves (R16.2): their operators' own word.",
        },
        "headline": {
            "type": "string",
            "description": "Clean, and of how much; or not, and by whom: what the report for people begins with.",
        },
        "clean": {"type": "boolean", "description": "Whether there is no finding at all."},
    }


def _describe_groups(defs: dict[str, Any]) -> dict[str, Any]:
    told = _read_docstrings(FindingGroup)
    optional = ["string", "null"]
    typed: dict[str, tuple[dict[str, Any], str]] = {
        "check": ({"enum": [check.value for check in Check]}, told["check"]),
        "kind": ({"enum": [*(kind.value for kind in Kind), None]}, told["kind"]),
        "seat": ({"type": ["integer", "null"]}, told["seat"]),
        "peer": ({"type": optional}, "The key of who sat there; null where the findings do not say it."),
        "count": ({"type": "integer", "minimum": 1}, told["count"]),
        "looked_at": ({"type": ["integer", "null"]}, told["looked_at"]),
        "rounds": ({"type": "array", "items": _ROUNDS}, told["rounds"]),
        "says": ({"type": "string"}, "All of this in English."),
        "fault": ({"type": optional}, "Whose it is; null where the check says no more."),
        "blamed": ({"type": "boolean"}, "Whether the seat did it, as far as anybody can tell."),
    }
    defs["Group"] = {
        "type": "object",
        "description": "The findings of one check and kind about one peer in one seat.",
        "properties": {name: {**schema, "description": said} for name, (schema, said) in typed.items()},
        "required": sorted(typed),
    }
    about = "The findings put together: those of no seat first, then seat by seat, whoever has the most first."
    return {"type": "array", "items": {"$ref": "#/$defs/Group"}, "description": about}


def _describe_class(kind: type, defs: dict[str, Any]) -> dict[str, Any]:
    """A dataclass: each field with what its docstring says."""
    hints, told = get_type_hints(kind), _read_docstrings(kind)
    properties = {
        one.name: {**_describe(hints[one.name], defs), "description": told[one.name]} for one in fields(kind)
    }
    return {
        "type": "object",
        "description": inspect.getdoc(kind),
        "properties": properties,
        "required": sorted(properties),
    }


def _describe(hint: Any, defs: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _describe_union([_describe(one, defs) for one in arguments])
    if origin in (list, tuple):
        return _describe_array(origin, arguments, defs)
    if origin in (dict, Mapping):
        return {
            "type": "object",
            "propertyNames": _describe_key(arguments[0]),
            "additionalProperties": _describe(arguments[1], defs),
        }
    if hint is Any:
        return {}
    if isinstance(hint, type) and is_dataclass(hint):
        name = hint.__name__
        if name not in defs:
            defs[name] = {}
            defs[name] = _describe_class(hint, defs)
        return {"$ref": f"#/$defs/{name}"}
    if issubclass(hint, StrEnum):
        return {"enum": [one.value for one in hint]}
    return {"type": _PLAIN[hint]}


def _describe_union(parts: list[dict[str, Any]]) -> dict[str, Any]:
    if all(set(part) == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    return {"anyOf": parts}


def _describe_array(origin: Any, arguments: tuple[Any, ...], defs: dict[str, Any]) -> dict[str, Any]:
    if origin is tuple and Ellipsis not in arguments:
        items = [_describe(one, defs) for one in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}
    return {"type": "array", "items": _describe(arguments[0], defs)}


def _describe_key(hint: Any) -> dict[str, Any]:
    """JSON has texts for keys."""
    if hint is int:
        return {"pattern": "^[0-9]+$"}
    return {"enum": [one.value for one in hint]} if issubclass(hint, StrEnum) else {}


def _read_docstrings(kind: type) -> dict[str, str]:
    """Field → the string below it, on one line. Raises KeyError later where a field has none."""
    tree = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    told = {}
    for node, after in pairwise(body):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and is_text:
            told[node.target.id] = re.sub(r"\bNone\b", "null", " ".join(str(after.value.value).split()))  # type: ignore[attr-defined]  # see is_text
    return told
