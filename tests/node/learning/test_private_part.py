"""The private part of a model, from round to round and on disk."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from node.learning.private_part import PrivateParts

NETWORK = b"n" * 32


def part(value: float) -> Mapping[str, torch.Tensor]:
    return {
        "head.weight": torch.full((2, 3), value),
        "norm.count": torch.tensor(int(value)),
        "mask": torch.tensor([float("-inf"), value], dtype=torch.bfloat16),
        "spectrum": torch.tensor([complex(value, -1)]),
        "on": torch.tensor([True, False]),
    }


def same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) and one[name].dtype == other[name].dtype for name in one
    )


def test_a_round_starts_from_the_last_one_before_it_however_often_it_is_trained() -> None:
    kept = PrivateParts()
    assert (kept.find_before(1), kept.latest) == ({}, {})
    kept.keep(1, part(1))
    assert same(kept.find_before(2), part(1))
    kept.keep(2, part(2))
    assert same(kept.find_before(2), part(1))
    kept.keep(2, part(3))
    assert same(kept.find_before(2), part(1))
    assert same(kept.latest, part(3))
    assert same(kept.find_before(9), part(3))


def test_a_round_that_a_reorganisation_brings_back_starts_from_the_oldest_known() -> None:
    kept = PrivateParts()
    for number in (4, 5, 6):
        kept.keep(number, part(number))
    assert same(kept.find_before(2), part(5))
    kept.keep(2, part(2))
    assert same(kept.find_before(2), part(5))
    assert same(kept.latest, part(2))


def test_it_outlives_a_restart_bit_by_bit_and_others_cannot_read_it(tmp_path: Path) -> None:
    path = tmp_path / "private.bin"
    kept = PrivateParts.load(path, NETWORK)
    assert kept.latest == {}
    kept.keep(1, part(1))
    kept.keep(2, part(2))
    again = PrivateParts.load(path, NETWORK)
    assert same(again.latest, part(2))
    assert same(again.find_before(2), part(1))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [other.name for other in tmp_path.iterdir()] == ["private.bin"]


def test_a_model_without_a_private_part_writes_nothing(tmp_path: Path) -> None:
    PrivateParts.load(tmp_path / "private.bin", NETWORK).keep(1, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_damaged_file_is_named_set_aside_and_started_anew(
    tmp_path: Path, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "private.bin"
    PrivateParts.load(path, NETWORK).keep(1, part(1))
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    assert PrivateParts.load(path, NETWORK).latest == {}
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"private.bin.damaged": raw}
    assert "fault=damaged" in caplog.text


def test_another_circles_file_is_not_used_and_not_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "private.bin"
    PrivateParts.load(path, NETWORK).keep(1, part(1))
    assert PrivateParts.load(path, b"o" * 32).latest == {}
    assert same(PrivateParts.load(tmp_path / "private.bin.damaged", NETWORK).latest, part(1))
    assert "fault=of another circle" in caplog.text
