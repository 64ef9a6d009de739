"""`folkmoot trace` on a bundle: what a claim of a stranger's does not prove, and files that are not overwritten."""

import json
from pathlib import Path

import pytest

from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import Link
from ledger.audit.bundle.writer import write_bundle
from ledger.audit.claims import ShareClaim, write_with_claim
from node.cli.main import main
from tests.support.sample_bundle import make_evidence, read_block
from tests.support.saved_bundle import LIAR, make_circle, save_bundle

pytestmark = pytest.mark.rule("R33.8")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "circle.car"
    save_bundle(path, make_circle())
    return path


def test_a_claim_holds_and_what_it_does_not_say_is_said(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = tmp_path / "proof.car"
    for _ in range(2):
        assert main(["trace", "--bundle", str(saved), "--of", str(LIAR), "--proof", str(proof)]) == 0
    capsys.readouterr()
    assert main(["trace", "--check", str(proof)]) == 0
    said = capsys.readouterr().out
    assert "holds    recomputed from the file" in said
    assert "unsaid   whose data these are: a seat is a key" in said


def test_that_a_seat_which_never_was_is_in_no_model_proves_nothing(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Bundle(saved) as bundle:
        claim = ShareClaim("verdicts", Link.to(bundle.name), None, True, "folkmoot-claim", 77, 3, None, [], 1)
        write_with_claim(bundle, tmp_path / "false.car", claim)
    assert main(["trace", "--check", str(tmp_path / "false.car")]) == 3
    assert "seat 77, which the circle never had" in capsys.readouterr().err


def test_no_other_file_is_overwritten_with_a_proof(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thesis, other = tmp_path / "thesis.txt", tmp_path / "other.car"
    thesis.write_text("years of work")
    write_bundle(other, make_evidence(), read_block)
    for path in (thesis, other):
        before = path.read_bytes()
        assert main(["trace", "--bundle", str(saved), "--of", str(LIAR), "--proof", str(path)]) == 3
        assert str(path) in capsys.readouterr().err
        assert path.read_bytes() == before


def test_mixings_are_told_where_they_are_asked_for(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--bundle", str(saved), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main(["trace", "--bundle", str(saved), "--json", "--mixings"]) == 0
    told = json.loads(capsys.readouterr().out)
    rounds = told.pop("rounds")
    assert told == plain
    assert [one["round"] for one in rounds] == [1, 2, 3]
    for round_ in rounds:
        assert round_["published"] == [0, 1, 2, 3, 4]
        for mixing in round_["mixings"].values():
            assert mixing["total"] == mixing["base"] + mixing["own"] + sum(mixing["others"].values())
    assert main(["trace", "--bundle", str(saved), "--mixings"]) == 2
    assert "--mixings" in capsys.readouterr().err
