"""Peers whose blobs a real IPFS daemon pins: what nobody else keeps any more is found there."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.blobs.cid import parse_cid
from ledger.blobs.contents.records import RECORD_MAX_BYTES, decode_record
from node.blobs.store import BlockStore
from node.cli.main import main
from tests.support.daemons.js_ipfs_daemon import JsIpfs, js_ipfs
from tests.support.network.local_run import LocalRun

PEERS, ROUNDS = (0, 1, 2), 2

pytestmark = pytest.mark.rule("R20.4")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JsIpfs]:
    with js_ipfs(tmp_path_factory.mktemp("js-ipfs")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory, daemon: JsIpfs) -> Iterator[LocalRun]:
    """Three peers that had the daemon pin what they made, and are no more."""
    run = LocalRun(tmp_path_factory.mktemp("gone") / "run")
    with run.network:
        run.start("honest", "honest", "honest", rounds=ROUNDS, node_options=["--ipfs-api", daemon.api])
        run.wait_finished(*PEERS)
        expected = find_own_blobs(run)
        run.wait_for(lambda: expected <= pinned(daemon), "pins")
        for index in PEERS:
            run.kill(index)
            run.expect_death(index)
        yield run


def find_own_blobs(run: LocalRun) -> set[bytes]:
    """The genesis, updates, records, and checkpoints of the last round."""
    history, store = run.history(), BlockStore(run.network.peers[0].folder / "data" / "blobs")
    found = {history.manifest.genesis_digest}
    for round_ in history.rounds:
        found |= set(round_.commits.values())
        for said in round_.attestations.values():
            found.add(said.record)
            record = store.find(said.record, RECORD_MAX_BYTES)
            if record is not None and (checkpoint := decode_record(record).checkpoint):
                found.add(checkpoint)
    return found


def pinned(daemon: JsIpfs) -> set[bytes]:
    return {parse_cid(text).digest for text in asyncio.run(daemon.list_pins())}


def test_an_audit_finds_what_only_a_daemon_keeps_any_more(gone: LocalRun, daemon: JsIpfs) -> None:
    alone = gone.network.audit()
    assert {one["check"] for one in alone["findings"]} >= {"A3"}
    with_it = gone.network.audit("--ipfs-api", daemon.api)
    assert with_it["findings"] == []
    assert with_it["clean"]
    assert with_it["examined"]["A5"] == 6 * ROUNDS


def test_a_model_is_taken_out_of_what_only_a_daemon_keeps(
    gone: LocalRun, daemon: JsIpfs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["model", "export", "--circle", str(gone.network.circle_file), "--out", str(tmp_path / "model")]
    assert main(command) == 3
    capsys.readouterr()
    assert main([*command, "--json", "--ipfs-api", daemon.api]) == 0
    assert json.loads(capsys.readouterr().out)["round"] == str(ROUNDS)


def test_a_dead_daemon_changes_nothing_in_an_audit_and_is_said_once(gone: LocalRun, daemon: JsIpfs) -> None:
    alone = gone.network.audit()
    command = ["audit", "--json", "--circle", str(gone.network.circle_file), "--ipfs-api", daemon.api]
    daemon.kill()
    done = gone.network._run(command)
    daemon.start()
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [one["fact"] for one in found["findings"]] == [one["fact"] for one in alone["findings"]]
    assert len([line for line in done.stderr.splitlines() if "daemon gives nothing" in line]) == 1


def test_a_daemon_that_is_none_is_refused_before_anything_is_asked(
    gone: LocalRun, capsys: pytest.CaptureFixture[str]
) -> None:
    circle = str(gone.network.circle_file)
    for command in (["audit"], ["model", "export"], ["trace"], ["watch", "--no-audit"]):
        assert main([*command, "--circle", circle, "--ipfs-api", "http://127.0.0.1:5001"]) == 2
        said = capsys.readouterr().err.splitlines()
        assert [line for line in said if "no daemon's multiaddr" in line] == said[-1:]
