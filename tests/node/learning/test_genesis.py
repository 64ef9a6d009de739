"""What a circle starts from: its manifest, its genesis beside the circle file, and a peer with another model."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.modules.container import Sequential

from ledger.blobs.contents.records import GENESIS_MAGIC, Genesis, decode_blob, decode_genesis, update_max_bytes
from ledger.blobs.unixfs import build_dag
from ledger.codec import PLAIN, ZSTD, blocks_of
from ledger.errors import SetupError
from node.learning.genesis import (
    Agreement,
    Founding,
    found_circle,
    genesis_path,
    make_agreed_template,
    read_genesis,
    write_genesis,
)
from node.learning.template import Template
from node.tasks.interface import Task


class Adapted:
    scale = 1.0

    def model(self) -> Sequential:
        base = nn.Linear(4, 4).requires_grad_(False)
        nn.init.constant_(base.bias, self.scale)
        return nn.Sequential(base, nn.BatchNorm1d(4), nn.Linear(4, 2))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.ones(4, 4), torch.zeros(4, dtype=torch.long)


class OtherBase(Adapted):
    scale = 2.0


class OtherSharing(Adapted):
    shared = ("*",)


def task_of(kind: type) -> Task:
    return Task(f"{kind.__name__}.py:{kind.__name__}", kind())


def founding(seed: int = 1) -> Founding:
    task = task_of(Adapted)
    options = {"skew": 0.0, "seed": seed, "samples": 10}
    agreed = Agreement(options, degree=1, rule="none", rule_parameters={}, rounds=3, codec="int8-zstd")
    return found_circle(Template.of(task, seed), agreed)


def test_the_layout_holds_what_is_shared_and_a_digest_what_is_frozen() -> None:
    manifest = founding().manifest
    assert [tensor.name for tensor in manifest.layout] == ["1.bias", "1.weight", "2.bias", "2.weight"]
    assert manifest.frozen == Template.of(task_of(Adapted), 1).frozen.digest
    assert len(manifest.frozen_marks) == 2 * 4


def test_who_makes_the_same_model_agrees() -> None:
    template = make_agreed_template(task_of(Adapted), founding().manifest)
    assert template.parts.frozen == ("0.bias", "0.weight")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (OtherBase, r"differs from the circle's in 0\.bias, which is frozen"),
        (OtherSharing, r"this task shares 0\.bias \(4,\), which the circle does not"),
    ],
)
def test_who_makes_another_is_refused_by_name(kind: type[OtherSharing], why: str) -> None:
    with pytest.raises(SetupError, match=why):
        make_agreed_template(task_of(kind), founding().manifest)


def test_the_genesis_lies_beside_the_circle_file(tmp_path: Path) -> None:
    circle, start = tmp_path / "circle.json", founding()
    assert read_genesis(circle, start.manifest) is None
    write_genesis(circle, start.genesis)
    assert genesis_path(circle) == tmp_path / "circle.genesis"
    assert read_genesis(circle, start.manifest) == start.genesis
    assert build_dag(start.genesis).root == start.manifest.genesis_digest
    assert decode_genesis(start.genesis, start.manifest).size == start.manifest.state_size


@pytest.mark.rule("R9.5")
def test_the_genesis_is_encoded_with_int8_whatever_the_circles_codec() -> None:
    start = founding()
    assert start.manifest.codec == ZSTD
    blob = decode_blob(start.genesis, GENESIS_MAGIC, Genesis, update_max_bytes(start.manifest))
    assert blob.codec == PLAIN
    assert len(blob.payload) == blocks_of(start.manifest.sizes).count + start.manifest.state_size


@pytest.mark.parametrize("blob", [founding(seed=2).genesis, b"", b"x" * 100_000])
def test_what_is_not_the_circles_genesis_is_not_served(
    tmp_path: Path, blob: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    circle = tmp_path / "circle.json"
    write_genesis(circle, blob)
    assert read_genesis(circle, founding().manifest) is None
    assert "is another circle's" in caplog.text
