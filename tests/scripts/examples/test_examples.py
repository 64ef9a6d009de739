"""The worked examples, without their data: schemas, readers, and a table's making on a small file."""

from pathlib import Path

import pytest

from ledger.errors import SetupError, UsageError
from node.tasks.table.encoding import encode_table
from node.tasks.table.reading import read_table
from node.tasks.table.schema import parse_whole_schema
from scripts.examples.example import PAGES, Example
from scripts.examples.hospital import HEADER, read_rows
from scripts.examples.known import EXAMPLES, find_example
from scripts.examples.rows import ALONE, NETWORKED, make_rows
from scripts.examples.sources import is_whole, write_table

ARFF = """@relation flchain
@attribute age numeric
@attribute sex {F,M}
@attribute sample.yr {1995,1996}
@attribute kappa numeric
@attribute lambda numeric
@attribute flc.grp {1,2}
@attribute creatinine numeric
@attribute mgus {no,yes}
@attribute futime numeric
@attribute death {alive,dead}
@attribute chapter {Blood}
@data
97,F,1997,5.7,4.86,10,1.7,no,85,dead,Circulatory
60,M,1997,1.2,1.3,4,?,no,4000,dead,Neoplasms
61,M,1997,1.2,1.3,4,1.1,no,4000,alive,?
62,M,1997,1.2,1.3,4,1.1,no,300,alive,?
"""


def test_whoever_was_lost_to_follow_up_is_left_out_and_later_deaths_are_none() -> None:
    rows = list(read_rows(ARFF))
    assert rows == [
        ["97", "F", "1997", "5.7", "4.86", "1.7", "no", "yes"],
        ["60", "M", "1997", "1.2", "1.3", "", "no", "no"],
        ["61", "M", "1997", "1.2", "1.3", "1.1", "no", "no"],
    ]
    with pytest.raises(SetupError, match="other columns"):
        list(read_rows(ARFF.replace("creatinine", "urea")))


def test_a_table_is_only_written_with_the_bytes_that_it_must_have(tmp_path: Path) -> None:
    digest = "3b4be1a7b2f0bd6fac6fb5b64bd0e6ffdd33e29a9ec0a3a6d8c5a64a9d7c5b56"
    with pytest.raises(SetupError, match=r"has the SHA-256 .*, not 3b4be1a7") as refused:
        write_table(tmp_path / "t.csv", ("a", "b"), [(1.0, None), (0.5, "x, y")], digest)
    found = str(refused.value).split("SHA-256 ")[1][:64]
    write_table(tmp_path / "t.csv", ("a", "b"), [(1.0, None), (0.5, "x, y")], found)
    assert (tmp_path / "t.csv").read_text() == 'a,b\n1,\n0.5,"x, y"\n'
    assert is_whole(tmp_path / "t.csv", found)
    assert not is_whole(tmp_path / "t.csv", digest)


@pytest.mark.parametrize("name", ["hospital", "credit"])
def test_an_examples_schema_is_whole_and_small_enough_for_a_manifest(name: str) -> None:
    text = (PAGES / name / "schema.json").read_text()
    parse_whole_schema(text)
    assert len(text) < 8192


def test_the_hospitals_rows_fit_their_schema(tmp_path: Path) -> None:
    rows = "\n".join(",".join(row) for row in read_rows(ARFF))
    (tmp_path / "t.csv").write_text(",".join(HEADER) + "\n" + rows)
    schema = parse_whole_schema((PAGES / "hospital" / "schema.json").read_text())
    assert encode_table(read_table(tmp_path / "t.csv"), schema).y.tolist() == [1, 0, 0]


def test_an_unknown_example_is_refused_and_the_known_ones_are_there() -> None:
    with pytest.raises(UsageError, match="no example is called 'shop'"):
        find_example("shop")
    assert all(find_example(name).figures for name in EXAMPLES)


def test_rows_are_means_over_honest_peers_and_seeds() -> None:
    example = Example(
        title="t", task="breast-cancer", figures=("accuracy",), attack="label-flip", privacy="epsilon=8",
        peers=4, rounds=2, degree=2, samples=57,
    )  # fmt: skip
    rows = list(make_rows(example, [ALONE, NETWORKED], [0, 1]))
    assert [row.name for row in rows] == ["each alone", "networked"]
    assert all(0.5 < row.worst.mean <= row.figures["accuracy"].mean <= 1 for row in rows)
    assert all((row.worst.count, row.figures["accuracy"].count) == (2, 2) for row in rows)
