"""The runner of worked examples, and how their data are taken out of packages."""

import io
import tarfile
from datetime import date
from pathlib import Path

import pytest

from scripts.examples import keyboard, sensors
from scripts.examples.example import Example
from scripts.examples.four_ways import Way, format_row, main, measure


def test_an_example_is_measured_alone_in_the_network_under_poison_and_with_privacy(tmp_path: Path) -> None:
    for person, line in enumerate(("the cat was on the table.", "of all the days in the year.") * 2):
        (tmp_path / f"p{person}").mkdir()
        (tmp_path / f"p{person}" / "1.txt").write_text(f"{line}\n" * 30)
    example = Example(
        title="",
        task="text",
        figures=("top3_accuracy", "perplexity"),
        attack="sign-flip",
        privacy="epsilon=8,steps=1,batch=4,clip=1,lr=0.1",
        peers=4,
        rounds=1,
        degree=3,
        samples=20,
        malicious=0.25,
        options={"words": "50", "width": "4", "context": "4", "dealt": "yes"},
        data=lambda: tmp_path,
    )

    ways = list(measure(example, {}))

    assert [way.name for way in ways] == ["each peer alone", "in the network", "25% poison by `sign-flip`", "ε = 8"]
    assert [len(way.figures) for way in ways] == [4, 4, 3, 4]
    assert all(set(one) >= set(example.figures) for way in ways for one in way.figures)
    assert ways[0].rejected is None


def test_a_row_tells_mean_and_worst_in_the_figures_own_direction() -> None:
    errors = Way("x", [{"mae": 1.0}, {"mae": 3.0}], 0.25, 1)
    accuracies = Way("x", [{"accuracy": 0.5}, {"accuracy": 0.7}])

    assert format_row(errors, ["mae"]) == "| x | 2.000 / 3.000 | 25.0%, 1 |"
    assert format_row(accuracies, ["accuracy"]) == "| x | 0.600 / 0.500 |  |"


def test_an_example_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weather"]) == 2
    assert "keyboard|sensors" in capsys.readouterr().out


def test_the_people_asked_for_are_taken_out_of_the_package_and_nothing_else(tmp_path: Path) -> None:
    packed = io.BytesIO()
    names = (
        "package/data/1981_jimmy_carter_d.txt",
        "package/data/1981_jimmy_carter_d.json",
        "package/data/1790_george_washington_n.txt",
        "package/data/../1981_jimmy_carter_d.txt",
        "package/data/.._jimmy_carter_d.txt",
    )
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 5
            archive.addfile(entry, io.BytesIO(b"words"))
    packed.seek(0)

    with tarfile.open(fileobj=packed) as archive:
        keyboard.unpack(archive, tmp_path / "out")

    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.txt")] == [
        "out/jimmy_carter/1981.txt"
    ]


def test_a_stations_file_has_a_line_a_day() -> None:
    assert sensors.format_station([date(2001, 1, 8)], [1.463]) == b"date,riders\n2001-01-08,1.463\n"
