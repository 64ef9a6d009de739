"""The tutorials, walked as a reader would: each command in order, and each line that a page quotes looked for."""

from pathlib import Path

import pytest

from tests.support.walked_page import Step, Walk, find_unsaid, read_page

TUTORIALS = Path(__file__).resolve().parents[2] / "docs" / "tutorials"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["consortium", "operator", "auditor", "researcher"])
def test_a_tutorial_goes_as_it_says(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    steps = read_page(TUTORIALS / f"{name}.md")
    assert sum(isinstance(step, Step) and bool(step.quoted) for step in steps) >= 5
    with Walk(folder) as walk:
        walk.follow(steps)


@pytest.mark.timeout(600)
def test_the_guide_to_operating_goes_as_it_says(tmp_path: Path) -> None:
    """In the circle that the operator's tutorial makes to practise in, and there in the folder of its node."""
    folder = tmp_path / "operating"
    folder.mkdir()
    practice = read_page(TUTORIALS / "operator.md")
    practice = practice[: practice.index(Step("cd ward")) + 1]
    with Walk(folder) as walk:
        walk.follow(practice)
        walk.follow(read_page(TUTORIALS.parent / "guides" / "operating.md"))


def test_what_a_page_quotes_is_looked_for_in_order_and_to_the_letter() -> None:
    said = "one 1\ntwo 2\nthree 3\n"
    assert find_unsaid(["one …", "…", "three 3"], said) is None
    assert find_unsaid(["two 2", "one 1"], said) == "one 1"
    assert find_unsaid(["two"], said) == "two"
    assert find_unsaid(["two…", "(three)…"], said) == "(three)…"
