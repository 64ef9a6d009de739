"""What `folkmoot audit` says of a bundle whose maker lies: the first line says whose word it rests on."""

from pathlib import Path

import pytest

from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import ScopeRow
from node.cli.main import main
from tests.support.altered_bundle import alter_bundle, read_evidence
from tests.support.histories.circles import GENESIS_ROOT
from tests.support.saved_bundle import LIAR, make_circle, save_bundle

pytestmark = pytest.mark.rule("R32.2", "R32.3", "R32.4")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "circle.car"
    save_bundle(path, make_circle())
    return path


def read_first_line(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[str, str]:
    """The first sentence, and all that was said."""
    main(["audit", str(path), *more])
    shown = capsys.readouterr()
    assert not shown.err
    return " ".join(shown.out.split("\n\n")[0].split()), " ".join(shown.out.split())


def test_a_blob_hidden_to_make_innocents_look_guilty_is_told_as_the_makers_word(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Bundle(saved) as bundle:
        evidence = read_evidence(bundle)
    hidden = min(evidence.whole - {GENESIS_ROOT})
    lost = {hidden: {"http://gateway.example": "status 404"}}
    path = tmp_path / "hiding.car"
    while True:
        alter_bundle(saved, path, whole=evidence.whole - set(lost), missing=lost)
        main(["audit", str(path)])
        # The maker has to lie about whatever else an audit asks for then.
        if "neither blob" not in (said := capsys.readouterr().err):
            break
        lost[bytes.fromhex(said.split("neither blob ")[1][:64])] = {"http://gateway.example": "status 404"}
    first, _ = read_first_line(path, capsys)
    assert f"by the word of the bundle's maker, that {len(lost)} blobs could not be had" in first


def test_a_sample_whose_seed_was_tried_out_is_told_as_chosen(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(100):
        alter_bundle(saved, tmp_path / "tried.car", scope=ScopeRow(1, 1, seed))
        first, whole = read_first_line(tmp_path / "tried.car", capsys)
        if first.startswith("clean"):
            break
    assert first.startswith("clean: no finding in 4 verdicts")
    assert "of a sample" in first
    assert f"that nobody chose the sample: its seed, {seed}, is a number" in whole


def test_without_proofs_the_first_line_says_whose_word_the_chain_is(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, whole = read_first_line(saved, capsys)
    assert f"seat {LIAR}" in first
    assert "what the chain says at block" in first
    assert first.endswith("is the word of the bundle's maker")
    assert "UTC, as the bundle's maker says; audited by folkmoot" in whole
