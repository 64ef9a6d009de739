"""`folkmoot audit BUNDLE --html`: the page lies where it was asked for, the same each time, or it says why not."""

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
    said = capsys.readouterr().out.splitlines()[0]
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
