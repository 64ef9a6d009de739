"""A circle as a program opens it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from ledger.audit.findings import Report
from ledger.errors import SetupError, UsageError
from node.circles import OpenedCircle, open_bundle, open_circle
from node.cli.main import main
from tests.support.saved_bundle import LIAR, make_circle, save_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    path = tmp_path_factory.mktemp("bundle") / "circle.car"
    return path, save_bundle(path, make_circle())


@pytest.fixture
def circle(bundle: tuple[Path, Report]) -> Iterator[OpenedCircle]:
    with open_bundle(bundle[0]) as opened:
        yield opened


def test_its_history_is_there_round_by_round(circle: OpenedCircle) -> None:
    assert [round_.number for round_ in circle.history.rounds] == [1, 2, 3]
    assert circle.manifest.rule
    assert circle.placed[0].position[0] == circle.first_block


def test_its_audit_is_that_of_the_command(circle: OpenedCircle, bundle: tuple[Path, Report]) -> None:
    report = circle.audit()
    assert not report.clean
    assert {finding.seat for finding in report.findings} == {LIAR}
    assert [one.fact for one in report.findings] == [one.fact for one in bundle[1].findings]
    assert circle.audit(sample=1, seed=3).recomputed < report.recomputed


def test_its_model_is_what_the_command_exports(
    circle: OpenedCircle, bundle: tuple[Path, Report], tmp_path: Path
) -> None:
    model = circle.take_model()
    model.save(tmp_path / "here.safetensors")
    command = ["model", "export", "--bundle", str(bundle[0]), "--out", str(tmp_path / "there.safetensors")]
    assert main(command) == 0
    assert (tmp_path / "here.safetensors").read_bytes() == (tmp_path / "there.safetensors").read_bytes()
    loaded = load_file(tmp_path / "here.safetensors")
    assert loaded.keys() == model.tensors.keys()
    assert all(np.array_equal(loaded[name], values) for name, values in model.tensors.items())
    assert circle.take_model(1).facts.digest != model.facts.digest


def test_it_is_read_where_a_loop_runs_already_as_in_a_notebook(circle: OpenedCircle) -> None:
    async def cell() -> tuple[bool, int]:
        return circle.audit().clean, circle.take_model(0).facts.round

    assert asyncio.run(cell()) == (False, 0)


def test_what_is_not_there_is_told_in_a_sentence(circle: OpenedCircle, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="round 9 is not settled"):
        circle.take_model(9)

    async def cell() -> None:
        circle.take_model(9)

    with pytest.raises(UsageError, match="round 9 is not settled"):
        asyncio.run(cell())
    with pytest.raises(SetupError):
        open_bundle(tmp_path / "none.car")
    with pytest.raises(SetupError):
        open_circle(tmp_path / "none.json")


def test_a_bundle_of_another_block_than_the_pinned_is_refused(bundle: tuple[Path, Report]) -> None:
    with pytest.raises(SetupError, match="it is of another chain, or of another time"):
        open_bundle(bundle[0], block_hash="0x" + "12" * 32)
