"""The page's files are what its sources give, its types hold, and text goes in as text."""

import re
from pathlib import Path

from tests.support.page_tools import APP, run_tool

SOURCES = sorted((APP / "src").rglob("*.ts"))


def test_the_committed_files_are_what_the_sources_give(tmp_path: Path) -> None:
    done = run_tool("node", "build.mjs", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_bytes() for path in (APP / "dist").iterdir()}
    assert sorted(built) == sorted(committed)
    assert [name for name in built if built[name] != committed[name]] == [], "run `make page` and commit dist/"


def test_the_types_hold_under_the_strict_compiler() -> None:
    done = run_tool("npm", "run", "--silent", "check")
    assert (done.returncode, done.stdout) == (0, "")


def test_nothing_is_put_into_the_page_as_markup_or_code() -> None:
    """Our sources; uPlot is looked at where it is served."""
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc"
        r"|\beval\(|new Function|setAttribute\(\"style|@ts-(ignore|nocheck|expect-error)"
        r"|: any\b|as any\b|<any>"
    )
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in [*SOURCES, APP / "dist" / "uplot.js"]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if forbidden.search(line)
    ]
    assert len(SOURCES) > 10
    assert found == []


def test_nothing_is_loaded_from_elsewhere() -> None:
    """Addresses in what is served are names of formats, or stand in comments of uPlot's."""
    harmless = {"http://www.w3.org/2000/svg"}
    for path in (APP / "dist").iterdir():
        if path.name != "uplot.LICENSE.txt":
            code = re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
            assert set(re.findall(r"https?://[^\s\"'`)]+", code)) - harmless == set(), path.name


def test_every_version_is_exact_and_no_registry_is_written_down() -> None:
    package = (APP / "package.json").read_text()
    versions = re.findall(r'": "([^"]+)"', package[package.index("devDependencies") :])
    assert len(versions) > 3
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    assert sorted(path.name for path in APP.iterdir() if "lock" in path.name) == []
    assert (APP / ".npmrc").read_text() == "package-lock=false\n"
