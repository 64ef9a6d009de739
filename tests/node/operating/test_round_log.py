"""What a node reported of its rounds is there after a crash, stays small, and is nobody else's."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from node.operating import round_log
from node.operating.checked_lines import write_line
from node.operating.round_log import (
    FIGURES_MAX,
    RoundFile,
    ToldRound,
    UnusableRounds,
    make_told_round,
    note_round,
    read_rounds,
)
from tests.support.disk_steps import DiskSteps

NETWORK, OTHER = b"\x11" * 32, b"\x22" * 32


def make_event(number: int, **more: Any) -> dict[str, Any]:
    """A round event, as a node reports it."""
    return {
        "event": "round",
        "round": number,
        "seat": 3,
        "figures": {"accuracy": 0.8123456789, "loss": float("nan")},
        "better": {"accuracy": "higher", "loss": "lower"},
        "verdicts": {1: "accepted"},
        "reputation": 0.5,
        "seconds": 2.5,
        "bytes_sent": 4096,
        "gas": 130_000,
        "cpu_s": {"training": 1.25, "other": 0.0},
        **more,
    }


def make_told(number: int, **more: Any) -> ToldRound:
    """The same, as it is kept."""
    return make_told_round(make_event(number, **more), 1_700_000_000.0 + number)


def read(path: Path) -> RoundFile:
    """A file that is there."""
    found = read_rounds(path, NETWORK)
    assert found is not None
    return found


def test_rounds_come_back_in_order_and_what_is_no_number_is_none(tmp_path: Path) -> None:
    path, privacy = tmp_path / "rounds.txt", {"spent_epsilon": 0.4, "budget_epsilon": 8.0, "rounds_charged": 2}
    told = [make_told(2), make_told(1), make_told(3, privacy={**privacy, "rounds_left": None})]
    for one in told:
        note_round(path, NETWORK, one)
    found = read(path)
    assert found == RoundFile([told[1], told[0], told[2]], 0)
    assert found.rounds[0].figures == {"accuracy": 0.812346, "loss": None}
    assert path.stat().st_mode & 0o777 == 0o600


def test_of_two_reports_of_a_round_the_last_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "rounds.txt"
    for gas in (1, 2):
        note_round(path, NETWORK, make_told(5, gas=gas))
    assert [one.gas for one in read(path).rounds] == [2]


def test_a_folder_where_no_round_was_reported_has_none(tmp_path: Path) -> None:
    assert read_rounds(tmp_path / "rounds.txt", NETWORK) is None


@pytest.mark.parametrize("lost", [1, 20, 150])
def test_a_line_that_a_crash_cut_short_is_left_out_and_the_next_one_is_whole(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "rounds.txt"
    for number in (1, 2):
        note_round(path, NETWORK, make_told(number))
    path.write_bytes(path.read_bytes()[:-lost])
    assert ([one.round for one in read(path).rounds], read(path).damaged) == ([1], 1)
    note_round(path, NETWORK, make_told(3))
    assert ([one.round for one in read(path).rounds], read(path).damaged) == ([1, 3], 0)


def test_damage_costs_the_lines_that_it_hit(tmp_path: Path) -> None:
    path = tmp_path / "rounds.txt"
    for number in (1, 2, 3):
        note_round(path, NETWORK, make_told(number))
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b"130000", b"130001")
    path.write_bytes(b"\n".join(lines))
    assert ([one.round for one in read(path).rounds], read(path).damaged) == ([1, 3], 1)


@pytest.mark.parametrize(
    "said",
    ["{}", "[1]", "nonsense", '{"round":1}', '{"round":0,"seat":1}', '{"round":1,"seat":999}', "[" * 5000],
)
def test_a_line_with_a_checksum_and_no_round_is_damage_too(tmp_path: Path, said: str) -> None:
    path = tmp_path / "rounds.txt"
    note_round(path, NETWORK, make_told(1))
    path.write_bytes(path.read_bytes() + write_line(said))
    assert ([one.round for one in read(path).rounds], read(path).damaged) == ([1], 1)


@pytest.mark.parametrize("raw", [b"", b"\x00" * 100, b"PK\x03\x04", b"\n\n\n", b"folkmoot-rounds 2 "])
def test_what_is_no_such_file_is_a_sentence_and_is_set_aside_by_the_node(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "rounds.txt"
    path.write_bytes(raw)
    with pytest.raises(UnusableRounds, match="is no file of a node's rounds: move it away"):
        read_rounds(path, NETWORK)
    note_round(path, NETWORK, make_told(1))
    assert [one.round for one in read(path).rounds] == [1]
    assert (tmp_path / "rounds.txt.damaged").read_bytes() == raw


def test_another_circles_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "rounds.txt"
    note_round(path, OTHER, make_told(1))
    with pytest.raises(UnusableRounds, match="is of another circle"):
        read_rounds(path, NETWORK)


def test_a_folder_in_its_place_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnusableRounds, match="is no file"):
        read_rounds(tmp_path, NETWORK)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rounds.txt"
    note_round(path, NETWORK, make_told(1))
    monkeypatch.setattr(round_log, "_READ_MAX_BYTES", 100)
    with pytest.raises(UnusableRounds, match="is larger than such a file becomes"):
        read_rounds(path, NETWORK)


def test_the_file_stays_small_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rounds.txt"
    monkeypatch.setattr(round_log, "FILE_MAX_BYTES", 4000)
    for number in range(1, 101):
        note_round(path, NETWORK, make_told(number))
        assert path.stat().st_size <= 4000
    rounds = [one.round for one in read(path).rounds]
    assert rounds == list(range(rounds[0], 101))
    assert len(rounds) > 3


def test_more_figures_than_anybody_looks_at_and_odd_names_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "rounds.txt"
    figures = {"a b\ud800\x1b[2J": 1.0, "n" * 500: 2.0} | {f"figure {number}": 0.1 for number in range(1000)}
    note_round(path, NETWORK, make_told(1, figures=figures))
    kept = read(path).rounds[0].figures
    assert len(kept) == FIGURES_MAX
    assert all(name.isprintable() and len(name) <= 80 for name in kept)


def test_a_disk_that_fails_at_any_step_leaves_the_rounds_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rounds.txt"
    note_round(path, NETWORK, make_told(1))
    whole, steps = path.read_bytes(), DiskSteps(monkeypatch)
    for torn in (whole, whole + b'{"round":2'):
        for step in range(4):
            path.write_bytes(torn)
            steps.steps.clear()
            steps.fail_at = step
            with contextlib.suppress(OSError):
                note_round(path, NETWORK, make_told(2))
            assert [one.round for one in read(path).rounds] in ([1], [1, 2])
