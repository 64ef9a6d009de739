"""What a script makes in docs/ is up to date, and every rule of the norm is kept and checked somewhere."""

import re
from pathlib import Path

import pytest

from ledger.codec import CODECS
from ledger.rules import RULES
from node.attacks import ATTACKS
from node.tasks.built_in import BUILT_IN
from scripts.docs import citations, decisions, parts, protocol, tested

ROOT = Path(__file__).resolve().parents[2]
NORM = protocol.PATH.read_text()


def test_no_made_part_of_the_docs_is_stale() -> None:
    stale = [str(path.relative_to(ROOT)) for path in parts.stale()]
    assert not stale, f"run `python -m scripts.docs`: {stale}"


PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# Decisions and results tell of their time.
PRESENT = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/guides/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_in_the_docs_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s:]*)#?([^)\s:]*)\)", page.read_text()):
        led_to = (page.parent / target).resolve() if target else page
        assert led_to.exists(), f"{target} is not there"
        if anchor:
            assert anchor in {heading.anchor for heading in protocol.headings(led_to.read_text())}, (
                f"{target}#{anchor}"
            )


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_the_docs_name_is_there(page: Path) -> None:
    named = re.findall(r"`((?:contracts|ledger|node|scripts|tests|docs)/[\w./-]+)`", page.read_text())
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


def test_the_architecture_shows_every_room() -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    rooms = [
        path.parent.relative_to(ROOT) for name in ("ledger", "node") for path in ROOT.glob(f"{name}/*/__init__.py")
    ]
    assert [str(room) for room in rooms if f'"{room.name}<br>' not in text and f"`{room}`" not in text] == []


def test_every_test_that_the_docs_name_is_there() -> None:
    tests = [*(ROOT / "tests").rglob("test_*.py")]
    there = {path.stem for path in tests}
    there.update(name for path in tests for name in re.findall(r"def (test_\w+)", path.read_text()))
    named = {name for page in PRESENT for name in re.findall(r"`(test_\w+)`", page.read_text())}
    assert sorted(named - there) == []


def test_what_can_be_chosen_by_name_stands_in_the_docs() -> None:
    readme, threats = (ROOT / "README.md").read_text(), (ROOT / "docs/threat-model.md").read_text()
    library = threats.partition("## The attack library")[2].partition("\n## ")[0]
    unnamed = [name for name in (*BUILT_IN, *CODECS) if f"`{name}`" not in readme]
    unnamed += [name for name in RULES if f"`{name}`" not in NORM]
    unnamed += [name for name in ATTACKS if f"`{name}`" not in library]
    assert not unnamed


def test_the_glossary_has_each_word_once_and_in_order_below_its_heading() -> None:
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    first, *rows = (line.split("|") for line in lines if line.startswith("|") and not line.startswith("|---"))
    words = [row[1].strip().lower() for row in rows]
    assert first[1].strip() == "Word"
    assert words == sorted(set(words))


@pytest.mark.parametrize("where", [citations.of_code, citations.of_tests])
def test_every_rule_is_cited_by_code_and_by_a_test(where: "citations.Where") -> None:
    found = where(ROOT)
    assert citations.uncited(NORM, found) == []
    assert citations.unknown(NORM, found) == {}


def test_a_part_of_a_rule_is_within_it_and_no_other_rule() -> None:
    assert protocol.is_within("R3.5a", "R3")
    assert protocol.is_within("R3.5a", "R3.5a")
    assert not protocol.is_within("R3.5a", "R3.5")
    assert not protocol.is_within("R12.1", "R1")


def test_a_rule_that_nothing_cites_is_named() -> None:
    norm = "## One\n\n### R1. Peers\n\n### R2. Network\n\n#### R2.1. Names\n"
    assert citations.uncited(norm, {"R2.1": {"a.py"}}) == ["R1"]
    assert citations.unknown(norm, {"R2.2": {"a.py"}}) == {"R2.2": {"a.py"}}


def test_a_number_counts_in_remarks_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "tests").mkdir()
    module = (
        '"""Keeps R1."""\nNAME = "R2"\n\n\nclass One:\n    two: int\n    """See (R3.4)."""\n\n\n# R4: not SR5.\n'
    )
    (tmp_path / "ledger" / "one.py").write_text(module)
    (tmp_path / "tests" / "test_one.py").write_text(
        'import pytest\n\npytestmark = pytest.mark.rule("R1", "R2.1a")\n# R9\n'
    )
    assert set(citations.of_code(tmp_path)) == {"R1", "R3.4", "R4"}
    assert citations.of_tests(tmp_path) == {"R1": {"tests/test_one.py"}, "R2.1a": {"tests/test_one.py"}}


def test_a_module_has_the_tests_that_stand_in_its_place_import_or_start_it(tmp_path: Path) -> None:
    for path, text in {
        "ledger/room/__init__.py": "from ledger.room.passed import name\n",
        "ledger/room/alone.py": "",
        "ledger/room/elsewhere.py": "",
        "ledger/room/imported.py": "",
        "ledger/room/passed.py": "name = 1\n",
        "ledger/room/placed.py": "",
        "scripts/started.py": "",
        "tests/ledger/room/test_placed_twice.py": "import ledger.room.imported\n",
        "tests/node/test_other.py": "from ledger.room import elsewhere, name\nPROGRAM = 'scripts.started'\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    imports = {
        "ledger.room": frozenset({"ledger.room.passed"}),
        "tests.ledger.room.test_placed_twice": frozenset({"ledger.room.imported"}),
        "tests.node.test_other": frozenset({"ledger.room", "ledger.room.elsewhere"}),
    }
    found = tested.find_tests(tmp_path, imports)
    beside, other = {"tests/ledger/room/test_placed_twice.py"}, {"tests/node/test_other.py"}
    assert {path: (tests.own, tests.elsewhere) for path, tests in found.items()} == {
        "ledger/room/alone.py": (set(), set()),
        "ledger/room/elsewhere.py": (set(), other),
        "ledger/room/imported.py": (beside, set()),
        "ledger/room/passed.py": (set(), other),
        "ledger/room/placed.py": (beside, set()),
        "scripts/started.py": (set(), other),
    }
    assert tested.untested(found) == ["ledger/room/alone.py"]
    assert "- `ledger/room/alone.py`\n" in tested.page(tmp_path, imports)


def test_the_contents_name_every_section_rule_and_part() -> None:
    norm = "# The norm\n\n## One, two\n\n### R1. Peers\n\n#### R1.1. `join`\n\n#### R1.1a. Again\n\n## Why\n"
    assert protocol.contents(norm) == (
        "- [One, two](#one-two)\n"
        "    - [R1. Peers](#r1-peers): [R1.1 `join`](#r11-join), [R1.1a again](#r11a-again)\n"
        "- [Why](#why)\n"
    )


@pytest.mark.parametrize(
    "begin",
    ["# 0001 One\n\nText.\n", "# 0001 One\n\nStatus: perhaps.\n\n", "# 0002 One\n\nStatus: accepted.\n\n",
     "# 0001 One\n\nStatus: superseded by [0000](0000-none.md).\n\n"],
)  # fmt: skip
def test_a_decision_without_a_number_or_a_status_is_refused(
    begin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001-one.md").write_text(begin)
    monkeypatch.setattr(decisions, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"0001-one\.md"):
        decisions.decisions()
