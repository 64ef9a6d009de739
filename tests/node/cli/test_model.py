"""What `folkmoot model` says: of what is lacking, of what is asked for in vain, and of a file that it checked."""

import argparse
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.chain.placed_event import PlacedEvent
from ledger.errors import UsageError
from node.cli import model
from node.cli.main import main
from node.opened_circle import OpenCircle
from tests.support.histories.circles import NETWORK, Away, Circle
from tests.support.model_files import circle_of_three, serve_from


class OnChain(msgspec.Struct):
    """A circle's name."""

    network: Any = NETWORK


@pytest.fixture(scope="module")
def circle() -> Circle:
    """Seat 2 is away in the last two rounds."""
    return circle_of_three(4, cheats={2: Away(2, (3, 4))})


def serve(monkeypatch: pytest.MonkeyPatch, circle: Circle, *lost: bytes) -> None:
    """The circle is opened, and its gateways have all of its blobs but these."""
    placed = [PlacedEvent((number, 0), f"0x{number:064x}", "", event) for number, event in enumerate(circle.events)]

    def open_source(_: argparse.Namespace) -> OpenCircle:
        return OpenCircle(None, OnChain(), circle.history(), 77, placed)

    monkeypatch.setattr("node.cli.model.open_source", open_source)
    serve_from(monkeypatch, "node.cli.model", circle, lost)


def test_a_base_that_cannot_be_recomputed_is_told_with_its_blob_and_what_to_do(
    circle: Circle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    serve(monkeypatch, circle, circle.updates[4, 1], *circle.checkpoints.values())
    out = tmp_path / "model"
    assert main(["model", "export", "--out", str(out)]) == 3
    said = capsys.readouterr().err
    assert "the base of seat 0 after round 4 cannot be recomputed: of the update of seat 1 in round 4, blob" in said
    assert "e.g. http://127.0.0.1:1: refused: try again when more members are up, or name another round" in said
    assert not out.exists()


def test_without_a_genesis_nothing_can_be_taken_out(
    circle: Circle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    serve(monkeypatch, circle, bytes.fromhex(circle.manifest.genesis))
    assert main(["model", "export", "--round", "0", "--out", str(tmp_path / "model")]) == 3
    assert "nobody gives that circle's genesis" in capsys.readouterr().err


def test_what_was_asked_for_and_what_that_is_are_both_told(
    circle: Circle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    serve(monkeypatch, circle)
    out = tmp_path / "model"
    assert main(["model", "export", "--seat", "2", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"model    the base of seat 2 after round 2, of {NETWORK.contract.lower()} on chain 31337" in said
    assert "asked    round 4, which seat 2 did not attest: the model is that of round 2" in said
    assert main(["model", "verify", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"verified {out} is the base of seat 2 after round 2, of ")
    assert "bytes    those that `folkmoot model export` writes" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["export", "--round", "5"], "round 5 is not settled: name one of 0..4"),
        (["export", "--seat", "9"], "the circle has no seat 9: its seats are 0..2"),
        (["export", "--out", "/nowhere/at/all"], "there is no folder /nowhere/at to write to"),
    ],
)
def test_what_cannot_be_asked_for_is_a_sentence(
    options: list[str],
    says: str,
    circle: Circle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve(monkeypatch, circle)
    assert main(["model", *options]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--block-hash", "0x00"], "--block-hash goes with --bundle"),
        (["--bundle", "b.car", "--folder", "data"], "leave --contract and --folder out"),
    ],
)
def test_where_a_bundle_is_named_nothing_else_is(options: list[str], says: str) -> None:
    parser = argparse.ArgumentParser()
    model.add_parser(parser.add_subparsers())
    with pytest.raises(UsageError, match=says):
        model.open_source(parser.parse_args(["model", "verify", "file", *options]))
