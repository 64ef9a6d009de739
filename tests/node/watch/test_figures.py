"""Nodes' own figures: as they said them, of their folders alone, and what is wrong with a file is a sentence."""

import os
from pathlib import Path

import pytest

from node.watch.figures import list_figures, tell_files
from node.watch.query import BadQuery
from tests.support.histories.circles import Circle
from tests.support.watched_circle import WatchedCircle, ask, find_places, make_told, tell_rounds


@pytest.fixture(scope="module")
def circle() -> Circle:
    return Circle(rounds=2)


def test_each_seats_row_comes_from_its_folder_and_names_it(circle: Circle, tmp_path: Path) -> None:
    for seat in (0, 3):
        tell_rounds(
            tmp_path / f"peer-{seat}",
            [make_told(number, seat, figures={"accuracy": 0.1 * number + seat}) for number in (1, 2)],
        )
    source = WatchedCircle(circle, [tmp_path / "peer-0", tmp_path / "peer-3"])
    answer = ask(source, list_figures)
    assert answer["metric"] == "accuracy"
    assert {seat: row["values"] for seat, row in answer["seats"].items()} == {
        "0": {"accuracy": [0.1, 0.2]},
        "3": {"accuracy": [3.1, 3.2]},
    }
    assert answer["seats"]["3"]["source"] == str(tmp_path / "peer-3")
    assert (answer["folders"], answer["troubles"]) == (2, [])
    assert "own word" in answer["says"]


def test_figures_come_before_costs_the_main_one_first(circle: Circle, tmp_path: Path) -> None:
    figures, better = {"accuracy": 0.5, "loss": 0.5, "odd": 1.0}, {"accuracy": "higher", "loss": "lower"}
    tell_rounds(tmp_path, [make_told(1, figures=figures, better=better, cpu_s={"training": 0.25})])
    answer = ask(WatchedCircle(circle, [tmp_path]), list_figures)
    assert [(one["name"], one["better"]) for one in answer["metrics"]] == [
        ("accuracy", "higher"),
        ("loss", "lower"),
        ("odd", None),
        ("seconds a round", "lower"),
        ("bytes sent", "lower"),
        ("gas", "lower"),
        ("CPU, training", "lower"),
    ]
    chosen = ask(WatchedCircle(circle, [tmp_path]), list_figures, metric="CPU, training")
    assert chosen["seats"]["0"]["values"] == {"CPU, training": [0.25]}


def test_a_metric_that_nobody_reports_is_refused_by_name(circle: Circle, tmp_path: Path) -> None:
    tell_rounds(tmp_path, [make_told(1, figures={"accuracy": 0.5})])
    with pytest.raises(BadQuery, match="no node here reports beauty: there are accuracy"):
        ask(WatchedCircle(circle, [tmp_path]), list_figures, metric="beauty")


def test_of_a_seat_that_moved_to_another_folder_the_later_word_counts(circle: Circle, tmp_path: Path) -> None:
    tell_rounds(
        tmp_path / "old", [make_told(1, figures={"accuracy": 0.1}), make_told(2, figures={"accuracy": 0.2})]
    )
    tell_rounds(tmp_path / "new", [make_told(2, at_s=1.8e9, figures={"accuracy": 0.9})])
    for order in (("old", "new"), ("new", "old")):
        answer = ask(WatchedCircle(circle, [tmp_path / name for name in order]), list_figures)
        assert answer["seats"]["0"]["values"]["accuracy"] == [0.1, 0.9]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"nonsense", "is no file of a node's rounds: move it away"),
        (b"folkmoot-rounds 1 " + b"22" * 32, "is of another circle: move it away"),
        (b"", "is no file of a node's rounds"),
    ],
)
def test_a_corrupt_or_foreign_file_is_a_sentence_and_the_others_are_shown(
    circle: Circle, tmp_path: Path, raw: bytes, said: str
) -> None:
    tell_rounds(tmp_path / "good", [make_told(1, figures={"accuracy": 0.5})])
    bad = find_places(tmp_path / "bad").rounds
    bad.parent.mkdir(parents=True)
    bad.write_bytes(raw)
    answer = ask(WatchedCircle(circle, [tmp_path / "bad", tmp_path / "good"]), list_figures)
    assert list(answer["seats"]) == ["0"]
    assert len(answer["troubles"]) == 1
    assert said in answer["troubles"][0]


def test_a_folder_without_this_circle_and_one_that_may_not_be_read_are_sentences(
    circle: Circle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tell_rounds(tmp_path / "kept", [make_told(1)])
    real = Path.open

    def refuse(path: Path, *arguments: object, **options: object) -> object:
        if path == kept:
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    answer = ask(WatchedCircle(circle, [tmp_path / "empty", tmp_path / "kept"]), list_figures)
    assert answer["troubles"] == [
        f"{tmp_path / 'empty'} holds no reported round of this circle yet",
        f"{kept} cannot be read (Permission denied): make it readable for this user",
    ]
    assert (answer["metrics"], answer["seats"], answer["metric"]) == ([], {}, None)


def test_damaged_lines_are_left_out_and_told_of(circle: Circle, tmp_path: Path) -> None:
    path = tell_rounds(tmp_path, [make_told(number, figures={"accuracy": 0.5}) for number in (1, 2)])
    path.write_bytes(path.read_bytes().replace(b'"round":1,', b'"round":9,'))
    answer = ask(WatchedCircle(circle, [tmp_path]), list_figures)
    assert answer["seats"]["0"]["rounds"] == [2]
    assert answer["troubles"] == [f"{path}: 1 damaged line(s) left out"]


def test_a_long_row_keeps_its_peaks_and_stays_small(circle: Circle, tmp_path: Path) -> None:
    told = [make_told(number, figures={"loss": 9.0 if number == 777 else 1.0}) for number in (1, 2)]
    path = tell_rounds(tmp_path, told)
    from node.operating.round_log import _encode

    more = [make_told(number, figures={"loss": 9.0 if number == 777 else 1.0}) for number in range(3, 3001)]
    path.write_bytes(path.read_bytes() + b"".join(map(_encode, more)))
    row = ask(WatchedCircle(circle, [tmp_path]), list_figures, points=100)["seats"]["0"]
    assert len(row["rounds"]) <= 100
    assert (row["rounds"][0], row["rounds"][-1], row["reports"]) == (1, 3000, 3000)
    assert row["values"]["loss"][row["rounds"].index(777)] == 9.0


def test_an_answer_holds_until_a_file_changes(circle: Circle, tmp_path: Path) -> None:
    source = WatchedCircle(circle, [tmp_path])
    stamps = [tell_files(source)]
    path = tell_rounds(tmp_path, [make_told(1)])
    stamps.append(tell_files(source))
    tell_rounds(tmp_path, [make_told(2)])
    stamps.append(tell_files(source))
    os.utime(path, ns=(1, 1))
    stamps.append(tell_files(source))
    assert len(set(stamps)) == 4
    assert stamps[-1] == tell_files(source)
