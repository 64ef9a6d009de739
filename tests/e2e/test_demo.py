"""`folkmoot demo` as a user runs it, in a process of its own."""

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import pytest

import node.demo.run
from node.cli.main import main
from node.demo.launcher import LocalNetwork
from tests.support.warm_start import nursery

PNG = b"\x89PNG\r\n\x1a\n"


def demo(folder: Path, *options: str) -> list[str]:
    """The command of a small demo that prints a JSON object."""
    small = ["demo", "--json", "--task", "digits", "--peers", "4", "--poisoners", "1", "--rounds", "3"]
    return [*small, "--degree", "3", "--skew", "0", "--folder", str(folder), *options]


@pytest.fixture(scope="module")
def defended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a demo prints; it must end well."""
    command = [sys.executable, "-m", "node.cli.main", *demo(tmp_path_factory.mktemp("demo") / "tether")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_demo_is_audited_clean_and_reports_what_happened(defended: dict[str, Any]) -> None:
    assert defended["audit_clean"]
    assert defended["audit_findings"] == []
    assert sorted(defended["attacks"].values()) == ["honest", "honest", "honest", "sign-flip"]
    assert set(defended["reputations"]) == set(defended["attacks"]) == {"0", "1", "2", "3"}
    assert 0.3 < defended["honest_worst"] <= defended["honest_mean"] <= 1
    for figure in ("round_seconds", "overhead_cpu_s", "bytes_sent", "gas"):
        assert defended[figure] > 0
    # A blob of 4,810 values in int8, to at most three neighbours, and what gossip and certificates add.
    assert defended["bytes_sent"] < 100_000


def test_a_demo_shows_the_poisoner_shut_out(defended: dict[str, Any]) -> None:
    poisoner = next(int(seat) for seat, attack in defended["attacks"].items() if attack != "honest")
    about_it = [row for row in defended["verdicts"] if row["judged"] == poisoner]
    assert sum(row.get("rejected", 0) for row in about_it) == 9
    assert sum(row.get("accepted", 0) for row in about_it) == 0
    honest = [value for seat, value in defended["reputations"].items() if int(seat) != poisoner]
    assert defended["reputations"][str(poisoner)] < min(honest)


def test_a_demo_draws_a_picture(defended: dict[str, Any]) -> None:
    assert Path(defended["plot"]).read_bytes().startswith(PNG)


def test_a_demo_leaves_evidence_from_which_its_model_and_its_audit_follow(
    defended: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, model = defended["bundle"], tmp_path / "model.safetensors"
    assert main(["audit", bundle, "--html", str(tmp_path / "report.html")]) == 0
    assert main(["model", "export", "--bundle", bundle, "--out", str(model)]) == 0
    assert main(["model", "verify", str(model), "--bundle", bundle]) == 0
    assert main(["trace", "--bundle", bundle]) == 0
    assert "of the way" in capsys.readouterr().out


class InterruptedNetwork(LocalNetwork):
    """Whoever waits for its page to end is interrupted at once, as by Ctrl-C."""

    def start_watch(self, port: int = 0, *options: str) -> str:
        url, page = super().start_watch(port, *options), self.watch
        assert page is not None
        end = page.wait

        def interrupt() -> NoReturn:
            page.wait = end  # from now on as before
            raise KeyboardInterrupt

        page.wait = interrupt  # type: ignore[assignment]  # once, for whoever waits without a limit
        return url


def test_all_is_said_before_a_page_stays_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node.demo.run, "LocalNetwork", InterruptedNetwork)
    monkeypatch.setattr(node.demo.run, "open_nursery", lambda: nullcontext(nursery()))
    small = ["--task", "breast-cancer", "--peers", "3", "--poisoners", "0", "--rounds", "1", "--degree", "2"]
    assert main(["demo", "--watch", "--samples", "60", "--folder", str(tmp_path / "run"), *small]) == 0
    said = capsys.readouterr().out
    places = [
        said.index(line) for line in ("run  ", "chain  ", "audit  ", "evidence  ", "stays open: Ctrl-C ends it")
    ]
    assert places == sorted(places)
    assert said.count("\nevidence  ") == 1
    assert "\nrun  " not in said, "it is the first line, and not said again"
    assert said.splitlines()[-1].endswith("stays open: Ctrl-C ends it")


def test_without_a_rule_the_same_poisoner_costs_the_honest_accuracy(
    defended: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One demo that starts as a user's does is enough.
    monkeypatch.setattr(node.demo.run, "open_nursery", lambda: nullcontext(nursery()))
    assert main(demo(tmp_path / "none", "--rule", "none")) == 0
    undefended = json.loads(capsys.readouterr().out)
    assert undefended["audit_clean"]
    assert undefended["honest_mean"] < defended["honest_mean"] - 0.1
