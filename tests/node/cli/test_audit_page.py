"""`folkmoot audit BUNDLE --html`: the page lies where it was asked for, the same each time, or it says why not."""

import base64
from pathlib import Path

import pytest

from node.cli.main import main
from tests.support.pages import read_page_with_script
from tests.support.saved_bundle import make_circle, save_bundle


@pytest.fixture(name="bundle", scope="module")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "circle.car"
    save_bundle(path, make_circle())
    return path


def test_the_page_is_written_beside_the_report_and_is_the_same_each_time(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [tmp_path / "one.html", tmp_path / "other.html"]
    for path in pages:
        assert main(["audit", str(bundle), "--html", str(path)]) == 1
    said = " ".join(capsys.readouterr().out.partition("\n\n")[0].split())
    page = read_page_with_script(pages[0])
    assert said.startswith("not clean: seat 4")
    assert f"N{said[1:]}." in page.text
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"one.html", "other.html"}


def test_names_stand_beside_addresses(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["audit", str(bundle), "--json"])
    address = capsys.readouterr().out.split('"peer": "')[1].split('"')[0]
    (tmp_path / "names.toml").write_text(f'"{address}" = "Hospital <b>One</b>"\n')
    main(["audit", str(bundle), "--names", str(tmp_path / "names.toml"), "--html", str(tmp_path / "page.html")])
    assert f"Hospital <b>One</b> ({address})" in read_page_with_script(tmp_path / "page.html").text


def test_a_page_that_has_nowhere_to_go_is_told_before_anything_is_audited(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "no" / "page.html", tmp_path):
        assert main(["audit", str(bundle), "--html", str(path)]) == 3
        told = capsys.readouterr()
        assert "names no file in a folder that there is" in told.err
        assert told.out == ""


def test_where_the_last_model_comes_from_is_shown_where_that_is_asked_for(bundle: Path, tmp_path: Path) -> None:
    asked, usual = tmp_path / "asked.html", tmp_path / "usual.html"
    assert main(["audit", str(bundle), "--html", str(asked), "--provenance"]) == 1
    assert main(["audit", str(bundle), "--html", str(usual)]) == 1
    page = read_page_with_script(asked, pictures=1)
    assert "What the circle's model after round 3 is made of" in page.text
    assert page.count("a", "href", "#provenance") == 1
    picture = next(had["src"] for name, had in page.elements if name == "img")
    assert picture is not None
    assert b"<svg" in base64.b64decode(picture.partition(",")[2])
    assert "is made of" not in read_page_with_script(usual).text


def test_a_rule_whose_models_have_no_account_is_said_so_on_the_page(tmp_path: Path) -> None:
    path, page = tmp_path / "median.car", tmp_path / "page.html"
    save_bundle(path, make_circle(has_liar=False, rule="median", rule_parameters={}))
    assert main(["audit", str(path), "--html", str(page), "--provenance"]) == 0
    assert "There is none of the last model: no account of shares under rule median" in (
        read_page_with_script(page).text
    )


def test_provenance_without_a_bundle_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = "0x" + "11" * 20
    assert main(["audit", "--contract", contract, "--html", str(tmp_path / "page.html"), "--provenance"]) == 2
    assert "--provenance goes with --html and a bundle" in capsys.readouterr().err
