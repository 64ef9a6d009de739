"""A page of ours: whatever stands in it as text stays text, and a browser loads nothing for it."""

from pathlib import Path

from node.operating.html_page import encode_page, make_element, make_list, make_table
from tests.support.pages import Page, read_page

HOSTILE = '</style></title><script>alert("1")</script>&lt;\x1b[2J\u202e\ud800'
SHOWN = '</style></title><script>alert("1")</script>&lt;\\x1b[2J\\u202e\\ud800'


def test_hostile_text_is_text_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    parts = [
        make_element("p", HOSTILE, make_element("b", HOSTILE), HOSTILE),
        make_list([HOSTILE]),
        make_table([HOSTILE], [[HOSTILE]]),
        make_element("p", class_=HOSTILE.removesuffix("\ud800")),
    ]
    path.write_bytes(encode_page(HOSTILE, parts))
    page = read_page(path)
    assert page.text.count(SHOWN) == 7
    assert page.count("p", "class", HOSTILE.removesuffix("\ud800")) == 1


def test_text_and_elements_keep_their_order() -> None:
    made = encode_page(
        "title", [make_element("p", "a", "b", make_element("b", "c"), "d", make_element("i"), "e", "f")]
    )
    assert "<p>ab<b>c</b>d<i></i>ef</p>" in made.decode()
    assert Page(made.decode()).count("table") == 0


def test_dark_screens_and_paper_have_their_own_style() -> None:
    made = encode_page("title", []).decode()
    assert "prefers-color-scheme: dark" in made
    assert "@media print" in made
