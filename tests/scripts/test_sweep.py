"""The sweep of rules against attacks: resumable at any time, its tables made from the raw file alone."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import SetupError, UsageError
from ledger.rules import RULES
from node.attacks import ATTACKS
from node.simulator import Scenario

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("task=digits", "peers=4", "rounds=2", "samples=40", "degree=2")


@pytest.fixture
def sweep() -> Any:
    """The script's modules by name."""
    return lambda name: import_module(f"scripts.sweep.{name}")


@pytest.fixture
def call(sweep: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the script in this process with some options."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # as the script does for good
    script = sweep("attacks")

    def run(*options: str) -> int:
        monkeypatch.setattr(sys, "argv", command(tmp_path, *options)[2:])
        status: int = script.main()
        return status

    return run


def command(folder: Path, *options: str) -> list[str]:
    changes = [word for change in SMALL for word in ("--set", change)]
    return [sys.executable, "-m", "scripts.sweep.attacks", "--folder", str(folder), *changes, *options]


def labels(folder: Path) -> list[str]:
    return [json.loads(line)["cell"] for line in (folder / "attacks.jsonl").read_text().splitlines()]


def test_a_killed_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    some = ("--only", "main/tether/*ride/0", "--jobs", "1")
    killed = subprocess.Popen(command(tmp_path, *some), stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert killed.stderr is not None
    assert "0 of" in killed.stderr.readline()
    assert "1/" in killed.stderr.readline()
    killed.send_signal(signal.SIGKILL)
    # The end of the stream is the end of the sweep's processes too, which hold its other end.
    killed.stderr.read()
    killed.stderr.close()
    killed.wait()
    before = labels(tmp_path)
    with (tmp_path / "attacks.jsonl").open("a") as raw:
        raw.write('{"cell": "main/tether')

    again = subprocess.run(command(tmp_path, *some), capture_output=True, text=True, check=True, cwd=ROOT)
    every = labels(tmp_path)
    assert f"{len(before)} of {len(every)} cells are done" in again.stderr
    assert every[: len(before)] == before
    assert sorted(every) == ["main/tether/half-ride/0", "main/tether/ride/0"]


def test_tables_and_list_need_no_simulation(
    call: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = ("--only", "main/tether/ride/0")
    assert call(*some) == 0
    written = (tmp_path / "attacks.md").read_bytes()
    assert call(*some, "--list") == 0
    assert capsys.readouterr().out == "done   main/tether/ride/0\n"
    assert call("--tables") == 0
    assert (tmp_path / "attacks.md").read_bytes() == written


def test_cells_of_earlier_sources_are_simulated_again_and_compared(
    call: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = ("--only", "main/none/honest/0", "--only", "main/balance/honest/0")
    assert call(*some) == 0
    path = tmp_path / "attacks.jsonl"
    by_others = [json.loads(line) | {"code_digest": "others"} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in by_others))
    assert call(*some, "--verify", "1") == 0
    page = (tmp_path / "attacks.md").read_text()
    assert "again by the present ones, all to the same bits." in page

    (left,) = {"main/none/honest/0", "main/balance/honest/0"} - {labels(tmp_path)[-1]}
    changed = [line | {"result_digest": "another"} if line["cell"] == left else line for line in by_others]
    path.write_text("".join(json.dumps(line) + "\n" for line in changed))
    assert call(*some, "--verify", "2") == 1
    assert f"{left}: the present sources give other rounds" in capsys.readouterr().err
    (said,) = re.findall("again by the present ones, (.*)", (tmp_path / "attacks.md").read_text())
    assert "otherwise" in said
    assert left in said


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--only", "nothing"], "no cell has such a name: see --list"),
        (["--set", "colour=red"], "--set colour: a scenario has no such field"),
        (["--jobs", "0"], "0 processes: give at least 1"),
        (["--verify", "0"], "--verify 0: give at least 1 cell"),
    ],
)
def test_what_a_command_cannot_mean_is_one_sentence(
    call: Callable[..., int], options: list[str], fact: str
) -> None:
    with pytest.raises(UsageError) as found:
        call(*options)
    assert str(found.value) == fact


def test_every_rule_meets_every_attack_that_can_be_simulated(sweep: Any) -> None:
    cells = sweep("cells")
    met = {(cell.rule, cell.attack) for cell in cells.cells() if cell.setting == "main"}
    attacks = {"honest", *ATTACKS} - cells.NOT_SIMULATED.keys()
    assert met == {(rule, attack) for rule in RULES for attack in attacks}


def test_the_decisive_cells_come_first(sweep: Any) -> None:
    first = sweep("cells").cells()[:4]
    assert [cell.label for cell in first] == [
        "main/tether/honest/0",
        "main/balance/honest/0",
        "main/tether/ride/0",
        "main/balance/ride/0",
    ]


def test_latecomers_are_honest_and_join_half_way(sweep: Any) -> None:
    cells = sweep("cells")
    scenario = cells.Cell("late", "tether", "ride").scenario()
    assert len(scenario.late) == 3
    assert not scenario.late.keys() & scenario.hostile
    assert set(scenario.late.values()) == {16}


def test_only_rules_that_assume_a_share_of_attackers_are_told_it(sweep: Any) -> None:
    cells = sweep("cells")
    told = {rule: cells.Cell("forty", rule, "ride").scenario().rule_parameters for rule in RULES}
    assert told["krum"] == {"hostile_milli": 400}
    assert told["tether"] == told["balance"] == {}
    assert cells.Cell("main", "krum", "ride").scenario().rule_parameters == {}


def test_sources_behind_a_cell_are_rule_attack_and_task(sweep: Any) -> None:
    starts = sweep("sources").starts("tether", "sleeper:ipm", "digits")
    assert [start.name for start in starts] == ["Tether", "Sleeper", "InnerProduct", "Digits"]


def test_cells_of_other_sources_are_kept_out_unless_accepted(sweep: Any) -> None:
    shelf, cells, raw = sweep("finished_cells"), sweep("cells"), sweep("raw")
    cell = cells.Cell("main", "tether", "ride")
    older = raw.Line("scenario", "older", {"summary": _summary(0.5, 0.5)})
    digests = {cell: ("scenario", "now")}
    assert shelf.Shelf(digests, {"scenario": [older]}).line("main", "tether", "ride") is None
    assert shelf.Shelf(digests, {"scenario": [older]}, accept_older=True).line("main", "tether", "ride") is older
    page = sweep("tables").render(shelf.Shelf(digests, {"scenario": [older]}))
    assert "1 cells were simulated by other sources only" in page


def test_a_defeat_is_told_with_its_margin(sweep: Any) -> None:
    page = _page(sweep, {"tether": (0.30, 0.40), "balance": (0.20, 0.35), "scclip": (0.299, 0.41)})
    assert "mean error is at most BALANCE's in 0 of 1 cells, its worst error in 0 of 1" in page
    assert "TETHER .300/.400; balance .200/.350 (mean by .100 and worst by .050)" in page
    assert "In 1 further comparisons another rule is ahead by less than that." in page
    assert "| ≤ .23/.25 | .300/.400 | **missed** | .200/.350 |" in page
    assert "| `ride` | .300/.400 | **.200/.350** | .299/.410 |" in page


def test_a_victory_is_told_too(sweep: Any) -> None:
    page = _page(sweep, {"tether": (0.20, 0.22), "balance": (0.52, 0.76)})
    assert "mean error is at most BALANCE's in 1 of 1 cells" in page
    assert "| ≤ .23/.25 | .200/.220 | met | .520/.760 |" in page
    assert "In no cell is TETHER beaten" in page


def test_a_damaged_line_names_its_number_and_half_a_line_is_none(sweep: Any, tmp_path: Path) -> None:
    raw, path = sweep("raw"), tmp_path / "attacks.jsonl"
    raw.append(path, {"scenario_digest": "a", "code_digest": "b"})
    with path.open("a") as stream:
        stream.write('{"scenario_dig')
    assert [line.scenario for line in raw.read(path)] == ["a"]
    path.write_text("nonsense\n")
    with pytest.raises(SetupError, match=r"line 1 of .* is damaged: delete that line"):
        raw.read(path)


def test_two_sweeps_never_write_to_one_file(sweep: Any, tmp_path: Path) -> None:
    raw, path = sweep("raw"), tmp_path / "attacks.jsonl"
    with raw.held(path), pytest.raises(UsageError, match="another sweep writes"), raw.held(path):
        pass
    with raw.held(path):
        assert os.path.getsize(path) == 0


def test_a_scenario_is_told_in_full_but_for_what_is_off(sweep: Any) -> None:
    raw = sweep("raw")
    scenario = Scenario(late={3: 5}, malicious=(1, 2))
    found = raw.fields_of(scenario)
    assert found == {name: value for name, value in json.loads(json.dumps(scenario.to_fields())).items() if value}
    assert found["rule"] == scenario.rule
    assert found["late"] == {"3": 5}
    assert "churn" not in found
    assert raw.scenario_digest(Scenario()) != raw.scenario_digest(Scenario(seed=1))


def _summary(mean: float, worst: float) -> dict[str, Any]:
    return {"mean_error": mean, "worst_error": worst, "figures": {}}


def _page(sweep: Any, errors: dict[str, tuple[float, float]]) -> str:
    """The page of a sweep in which these rules met `ride` in the main setting: rule → mean and worst error."""
    shelf, cells, raw = sweep("finished_cells"), sweep("cells"), sweep("raw")
    digests = {cells.Cell("main", rule, "ride"): (rule, "now") for rule in errors}
    lines = {rule: [raw.Line(rule, "now", {"summary": _summary(*pair)})] for rule, pair in errors.items()}
    page: str = sweep("tables").render(shelf.Shelf(digests, lines))
    return page
