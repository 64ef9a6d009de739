"""The live page of a circle with a liar, while it runs and from its bundle without a network: what audits find."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from node.cli.main import main
from tests.support.network.local_run import WAIT_S, LocalRun

pytestmark = pytest.mark.rule("R22", "R33")

COMMAND = (sys.executable, "-m", "node.cli.main", "watch", "--json", "--no-cache", "--port", "0")
LIAR, ROUNDS = 3, 3
# Run where there is no network: loopback is brought up by hand, as nobody else does there.
_ALONE = """
import fcntl, json, socket, struct, subprocess, sys, time, urllib.request
with socket.socket() as one:
    fcntl.ioctl(one, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))
page = subprocess.Popen(json.loads(sys.argv[1]), stdout=subprocess.PIPE, text=True)
url = json.loads(page.stdout.readline())["url"]
def ask(path):
    with urllib.request.urlopen(url + path, timeout=30) as answer:
        return json.load(answer)
def wait(path, key, *values):
    while (found := ask(path))[key] not in values:
        time.sleep(0.2)
    return found
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
    reached = True
except OSError:
    reached = False
print(json.dumps({
    "reached": reached,
    "findings": wait("api/findings", "state", "done", "failed"),
    "provenance": wait("api/provenance?ask=1", "state", "done", "failed"),
    "disputes": ask("api/disputes"),
    "exclusion": ask("api/exclusion/" + sys.argv[2]),
    "now": ask("api/now"),
}))
page.terminate()
page.wait()
"""


@dataclass
class Watched:
    """What pages said: of the circle while it ran, and its bundle."""

    run: LocalRun
    bundle: Path
    said: dict[str, Any]
    findings: dict[str, Any]
    provenance: dict[str, Any]
    now: dict[str, Any]


class Page:
    """A `folkmoot watch` process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.process = process
        line = process.stdout.readline()
        self.url = json.loads(line)["url"]

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def wait(self, path: str, is_there: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + WAIT_S
        while not is_there(found := self.ask(path)):
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found


@contextmanager
def serving(*arguments: str) -> Iterator[Page]:
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Page(process)
        finally:
            process.terminate()


@pytest.fixture(name="watched", scope="module")
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder = tmp_path_factory.mktemp("watched")
    run = LocalRun(folder / "run")
    with run.network:
        # Without disputes, which nodes would go on raising while audits are compared.
        run.start("honest", "honest", "honest", "false-verdict", rounds=ROUNDS, options=("--dispute-bond", "0"))
        with serving("--circle", str(run.network.circle_file)) as page:
            run.wait_finished()
            said = run.network.audit("--save", str(folder / "circle.car"))
            found = page.wait("api/findings", lambda one: one["state"] in ("done", "failed"))
            provenance = page.wait("api/provenance?ask=1", lambda one: one["state"] in ("done", "failed"))
            now = page.ask("api/now")
    return Watched(run, folder / "circle.car", said, found, provenance, now)


def groups_of(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["check"], one["seat"], one["count"], one["says"], one["fault"]) for one in report["groups"]]


def test_while_it_runs_the_page_comes_to_what_the_audit_finds(watched: Watched) -> None:
    found, said = watched.findings, watched.said
    assert (found["state"], found["says"]) == ("done", "the circle is over, and so is its audit")
    assert groups_of(found["report"]) == groups_of(said)
    assert {one["seat"] for one in found["report"]["groups"]} == {watched.run.seat(LIAR)}
    assert watched.now["findings"] == len(said["findings"]) > 0
    evidence = found["report"]["groups"][0]["findings"][0]["onChain"]
    assert [one["what"] for one in evidence] == ["its update", "its record"]
    assert all(one["tx"].startswith("0x") and one["block"] for one in evidence)


def test_an_account_is_made_from_the_members_gateways(watched: Watched) -> None:
    told = watched.provenance
    assert told["state"] == "done", told["says"]
    account = told["account"]
    assert account["round"] == ROUNDS
    assert sum(one["ofTheWay"] for one in account["shares"]) == pytest.approx(1, abs=1e-3)
    assert account["leftOver"] == pytest.approx(1 - sum(one["ofTheWay"] for one in account["shares"]))
    assert account["residual"] <= account["residualBound"]


def test_the_bundle_says_the_same_without_a_network(watched: Watched) -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("this machine does not let processes have a network of their own")
    command = json.dumps([*COMMAND, str(watched.bundle)])
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", _ALONE, command, str(watched.run.seat(LIAR))],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )
    told = json.loads(done.stdout)
    assert not told["reached"]
    assert told["findings"]["state"] == "done", told["findings"]["says"]
    assert groups_of(told["findings"]["report"]) == groups_of(watched.findings["report"])
    assert told["provenance"]["account"]["shares"] == watched.provenance["account"]["shares"]
    assert told["provenance"]["account"]["graph"] == watched.provenance["account"]["graph"]
    assert told["disputes"]["says"] == "this circle was deployed without disputes"
    assert [one["check"] for one in told["exclusion"]["findings"]["groups"]] == ["A5"]
    assert told["now"]["following"]["state"] == "bundle"


def test_a_report_made_elsewhere_is_shown_as_it_is(watched: Watched, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(watched.said))
    with serving(str(watched.bundle), "--report", str(path)) as page:
        found = page.ask("api/findings")
        assert page.ask("api/now")["findings"] == len(watched.said["findings"])
    assert found["state"] == "report"
    assert found["report"]["headline"] == watched.said["headline"]
    assert groups_of(found["report"]) == groups_of(watched.said)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"contract": "0x" + "11" * 20}, "give a report of this circle"),
        ({"chain_id": 1}, "give a report of this circle"),
        ({"head_hash": "0x" + "12" * 32}, "it is of another chain, or its block was taken back"),
        ({"format": 2}, "this program reads format 1"),
        ({"findings": {}}, "is no report"),
    ],
)
def test_a_report_of_another_circle_or_none_is_refused(
    watched: Watched, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], why: str
) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(watched.said | changes))
    assert main(["watch", str(watched.bundle), "--report", str(path)]) == 2
    said = capsys.readouterr()
    assert why in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_without_an_audit_none_runs(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(str(watched.bundle), "--no-audit") as page:
        assert page.ask("api/findings")["state"] == "off"
        assert page.ask("api/now")["findings"] is None
    assert main(["watch", str(watched.bundle), "--no-audit", "--report", "report.json"]) == 2
    assert "leave --no-audit out" in capsys.readouterr().err
