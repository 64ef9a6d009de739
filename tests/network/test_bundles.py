"""The evidence of a real circle with a liar in it, in a bundle: proved, signed, audited without a network."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.audit.bundle.facts import check_facts
from ledger.audit.bundle.reader import Bundle
from node.seat.keys import new_key
from tests.support.javascript import run_reader
from tests.support.network.local_run import LocalRun

COMMAND = (sys.executable, "-m", "node.cli.main")

pytestmark = pytest.mark.rule("R32", "R32.4", "R32.5")

LIAR = 3


@dataclass
class Saved:
    """A bundle, and what was said when it was written."""

    run: LocalRun
    path: Path
    signer: str
    said: dict[str, Any]


@pytest.fixture(name="saved", scope="module")
def _saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("bundles")
    (folder / "password").write_text("secret")
    (folder / "password").chmod(0o600)
    signer = new_key(folder / "auditor.json", "secret", cost=2)
    run = LocalRun(folder / "run")
    with run.network:
        run.start("honest", "honest", "honest", "false-verdict", rounds=2)
        run.wait_finished()
        path = folder / "bundle.car"
        signing = ["--sign-with", str(folder / "auditor.json"), "--password-file", str(folder / "password")]
        said = run.network.audit("--save", str(path), *signing)
    # Chain and gateways are gone.
    return Saved(run, path, signer, said)


def audit(*arguments: str, before: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*before, *COMMAND, "audit", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_the_bundle_alone_gives_the_same_report_bit_for_bit(saved: Saved) -> None:
    found = audit(str(saved.path), "--json")
    assert found.returncode == 1, found.stderr
    # Dumped again, so that the order of what is in it counts too.
    assert json.dumps(json.loads(found.stdout)) == json.dumps(saved.said)
    assert {one["seat"] for one in saved.said["findings"]} == {saved.run.seat(LIAR)}


def test_it_needs_no_network(saved: Saved) -> None:
    """In a network namespace without any interface that is up."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("this machine does not let processes have a network of their own")
    found = audit(str(saved.path), "--json", before=("unshare", "-rn"))
    assert json.loads(found.stdout) == saved.said


def test_what_the_chain_said_is_proved_from_the_blocks_hash(saved: Saved) -> None:
    with Bundle(saved.path) as bundle:
        proved = check_facts(bundle)
        events = list(bundle.read_events())
    assert (proved.header, proved.state, proved.headers_told) == (True, True, 0)
    assert len(proved.transactions) == 1
    # Draws, settlements, joins and the opening; commits and attestations that share a transaction's block as well.
    assert len(proved.placed) >= 1 + 4 + 2 + 2
    assert proved.placed <= {(row.block, row.index) for row in events}


def test_the_pages_own_reader_comes_to_what_is_proved_and_to_who_signed(saved: Saved) -> None:
    with run_reader() as reader:
        found = reader.wait_for(
            "return await verifyBundle(fromHex(file), null)", file=saved.path.read_bytes().hex()
        )
    said = {line["what"]: line for line in found["lines"]}
    proved = ("blocks", "block", "state", "history", "reputations", "signature")
    assert {what: said[what]["is"] for what in proved} == dict.fromkeys(proved, "right")
    assert said["signature"]["said"] == f"{saved.signer.lower()} signed this bundle"
    assert found["block"]["hash"] == saved.said["head_hash"]


def test_it_says_who_signed_and_of_which_block(saved: Saved) -> None:
    assert [one["signer"] for one in saved.said["bundle"]["signatures"]] == [saved.signer]
    shown = audit(str(saved.path), "--block-hash", saved.said["head_hash"])
    assert shown.returncode == 1
    assert saved.signer in shown.stdout
    assert saved.said["head_hash"] in shown.stdout.replace("\n", "")
    assert "it has the hash that you gave" in " ".join(shown.stdout.split())
    other = audit(str(saved.path), "--block-hash", "0x" + "12" * 32)
    assert other.returncode == 3
    assert "of another chain" in other.stderr
