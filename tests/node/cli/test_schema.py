"""`folkmoot schema`: draft, fill in, check."""

import json
from pathlib import Path

import pytest

from node.cli.main import main

TEXT = "age,sex,born,died\n" + "".join(
    f"{20 + row % 60},{'fm'[row % 2]},1960-01-{1 + row % 28:02},{row % 5 // 4}\n" for row in range(2000)
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TEXT)
    return tmp_path / "t.csv"


def test_a_draft_is_filled_in_privately_and_then_the_file_fits_it(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = table.with_name("schema.json")
    assert main(["schema", str(table), "--target", "died", "--out", str(schema)]) == 0
    said = capsys.readouterr().out
    assert "left out born: dates" in said
    assert "fill in low and high or categories of 2 columns" in said
    assert main(["schema", str(table), "--check", str(schema)]) == 2
    assert "low and high of column age" in capsys.readouterr().err
    assert main(["schema", str(table), "--fill", str(schema), "--epsilon", "4", "--out", str(schema)]) == 0
    assert "spent    ε 4 and δ 0.000001 of every row" in capsys.readouterr().out
    filled = json.loads(schema.read_text())["columns"]
    assert filled[1]["categories"] == ["f", "m"]
    assert 0 < filled[0]["low"] < 30 < 70 < filled[0]["high"] < 100
    assert main(["schema", str(table), "--check", str(schema), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 2000


def test_a_target_of_two_words_asks_which_of_them_is_yes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, schema = tmp_path / "t.csv", tmp_path / "schema.json"
    table.write_text("smoker,outcome\n" + "yes,alive\nno,alive\nno,died\n" * 10)
    command = ["schema", str(table), "--target", "outcome", "--out", str(schema)]
    assert main(command) == 0
    assert "fill in the words for yes and no of 1 column:" in capsys.readouterr().out
    assert '{"name": "outcome", "type": "yes-no", "yes": null, "no": null}' in schema.read_text()
    assert main(["schema", str(table), "--check", str(schema)]) == 2
    assert "does not say the words for yes and no of column outcome" in capsys.readouterr().err
    assert main(["schema", str(table), "--fill", str(schema), "--epsilon", "4"]) == 2
    assert "which word of outcome is yes no file says: write the words" in capsys.readouterr().err
    schema.write_text(schema.read_text().replace('"yes": null, "no": null', '"yes": "died", "no": "alive"'))
    assert main(["schema", str(table), "--check", str(schema), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 30


def test_a_draft_replaces_no_schema_that_is_there(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = table.with_name("schema.json")
    schema.write_text("my work")
    assert main(["schema", str(table), "--target", "died", "--out", str(schema)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert schema.read_text() == "my work"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "died", "--epsilon", "1"], "go together"),
        (["--fill", "schema.json"], "go together"),
        (["--fill", "t.csv", "--epsilon", "1"], "does not parse"),
        (["--check", "none.json"], "cannot be read"),
        (["--target", "outcome"], "it has 'age', 'sex', 'born', 'died'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    table: Path,
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(table.parent)
    assert main(["schema", "t.csv", *arguments]) == 2
    assert said in capsys.readouterr().err
