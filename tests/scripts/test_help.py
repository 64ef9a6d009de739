"""Every script tells what it does, and does nothing else, when it is asked for help."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "scripts").rglob("*.py"))
SCRIPTS = [path for path in SOURCES if 'if __name__ == "__main__":' in path.read_text()]


def name_of(path: Path) -> str:
    """As `python -m` takes it."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_help_says_what_a_script_does(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    # What runs as `__main__` must not have been imported under its own name: Python warns of that.
    monkeypatch.delitem(sys.modules, name_of(path), raising=False)
    with pytest.raises(SystemExit) as ending:
        runpy.run_module(name_of(path), run_name="__main__")
    assert ending.value.code == 0
    said, description = capsys.readouterr(), ast.get_docstring(ast.parse(path.read_text())) or ""
    # Without blanks: long lines are broken at them, and at hyphens.
    assert "".join(description.partition("\n")[0].split()) in "".join(said.out.split())
    assert said.err == ""


def test_there_are_scripts_of_all_rooms() -> None:
    assert {path.parent.name for path in SCRIPTS} >= {"bench", "chains", "contracts", "docs", "search", "sweep"}


def test_no_script_names_its_modules_by_a_path_of_its_own() -> None:
    """The search for mutants alone, whose processes import a copy of the source."""
    reaching = [name_of(path) for path in SOURCES if "sys.path" in path.read_text()]
    assert reaching == ["scripts.mutation"]
