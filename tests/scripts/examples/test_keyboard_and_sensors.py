"""Two examples' data: how they are taken out of packages, and a table's making on a small one of their kind."""

import io
import tarfile
from datetime import date
from math import isnan
from pathlib import Path

from scripts.examples import keyboard, sensors
from scripts.examples.example import Example
from scripts.examples.rows import ALONE, NETWORKED, POISONED, PRIVATE, make_rows


def test_an_example_is_measured_alone_in_the_network_under_poison_and_with_privacy(tmp_path: Path) -> None:
    for person, line in enumerate(("the cat was on the table.", "of all the days in the year.") * 2):
        (tmp_path / f"p{person}").mkdir()
        (tmp_path / f"p{person}" / "1.txt").write_text(f"{line}\n" * 30)
    example = Example(
        title="",
        task="text",
        figures=("perplexity", "top3_accuracy"),
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

    rows = list(make_rows(example, [ALONE, NETWORKED, POISONED, PRIVATE], [0]))

    assert [row.name for row in rows] == [
        "each alone",
        "networked",
        "networked, 25% poisoned (sign-flip)",
        "networked, ε 8",
    ]
    # Less perplexity is better, so the worst peer has the most.
    assert all(row.worst.mean >= row.figures["perplexity"].mean > 1 for row in rows)
    assert all(0 <= row.figures["top3_accuracy"].mean <= 1 for row in rows)
    assert [isnan(row.rejected) for row in rows] == [True, False, False, False]
    assert {row.quarantined for row in rows} == {0}


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
