"""Everything that the contracts declare is described: modules, functions, events, structs and words, one by one."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.contract.compiler import require_vyper

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SOURCES = sorted(str(path.relative_to(CONTRACTS)) for path in CONTRACTS.rglob("*.vy"))
TAG = re.compile(r"^\s*@(\w+)\s+(\w+)", re.MULTILINE)


@pytest.mark.parametrize("source", SOURCES)
def test_every_module_says_what_it_is(source: str) -> None:
    assert {"title", "license", "notice"} <= {tag for tag, _ in _tags(_parsed(source))}


@pytest.mark.parametrize("source", SOURCES)
def test_every_function_every_parameter_and_every_result_is_described(source: str) -> None:
    for function in _declared(source, "FunctionDef"):
        tags = _tags(function)
        assert "notice" in {tag for tag, _ in tags}, f"{function.name} has no @notice"
        described = [word for tag, word in tags if tag == "param"]
        assert described == [argument.arg for argument in function.args.args], f"@param of {function.name}"
        assert [tag for tag, _ in tags].count("return") == _results(function), f"@return of {function.name}"


@pytest.mark.parametrize("source", SOURCES)
def test_every_event_every_struct_and_every_field_of_them_is_explained(source: str) -> None:
    lines = _lines(source)
    for declared in _declared(source, "EventDef") + _declared(source, "StructDef"):
        assert lines[declared.lineno - 1].startswith("# @dev "), f"{declared.name} has no comment above it"
        for field in declared.body:
            assert "# " in lines[field.lineno], f"{declared.name}.{field.target.id} has no comment beside it"


@pytest.mark.parametrize("source", SOURCES)
def test_every_constant_immutable_and_stored_word_is_explained(source: str) -> None:
    lines = _lines(source)
    for declared in _declared(source, "VariableDecl"):
        first = declared.lineno
        # Beside it, or above it and the others of its kind: up to the next empty line.
        while lines[first]:
            first -= 1
        assert any("# " in line for line in lines[first : declared.lineno + 1]), declared.target.id


def _parsed(source: str) -> Any:
    require_vyper()
    from vyper.ast import parse_to_ast

    return parse_to_ast((CONTRACTS / source).read_text())


def _declared(source: str, kind: str) -> list[Any]:
    return [node for node in _parsed(source).body if type(node).__name__ == kind]


def _lines(source: str) -> list[str]:
    """The lines by their number: the first one is 1."""
    return ["", *(CONTRACTS / source).read_text().splitlines()]


def _tags(node: Any) -> list[tuple[str, str]]:
    """NatSpec tags and the first word behind each. None where nothing is described."""
    return TAG.findall(node.doc_string.value) if node.doc_string else []


def _results(function: Any) -> int:
    if function.returns is None:
        return 0
    return len(getattr(function.returns, "elements", [function.returns]))
