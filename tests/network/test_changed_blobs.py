"""After the last round: blobs changed on disk, lied about, and gone."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from ledger.audit.run import audit
from ledger.identity.endpoints import parse_endpoint
from node.cli.main import main
from tests.support.network.local_run import LocalRun

ROUNDS = 2
HONEST = (0, 1, 2)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    """Three honest peers that stay to serve their blobs after the last round."""
    run = LocalRun(tmp_path_factory.mktemp("finished") / "run")
    with run.network:
        run.start("honest", "honest", "honest", rounds=ROUNDS)
        run.wait_finished(*HONEST)
        yield run


def block_files(run: LocalRun, digest: bytes) -> list[Path]:
    """Every peer's copy of one block."""
    name = digest.hex()
    found = [p.folder / "data" / "blobs" / "blocks" / name[:2] / name for p in run.network.peers]
    return [path for path in found if path.exists()]


def test_an_auditor_needs_an_endpoint_and_an_address_and_looks_at_everything(finished: LocalRun) -> None:
    report = finished.network.audit()
    assert report["clean"]
    assert report["findings"] == []
    looked_at = {check: report["examined"][check] for check in ("A1", "A3", "A5", "A7")}
    assert looked_at == {"A1": 1, "A3": 1 + 3 * ROUNDS, "A5": 6 * ROUNDS, "A7": 3 * ROUNDS}


def test_who_comes_after_the_last_round_is_told_so(finished: LocalRun, capsys: pytest.CaptureFixture[str]) -> None:
    newcomer = finished.network.add_peer()
    command = ["node", "--circle", str(finished.network.circle_file), "--folder", str(newcomer.folder / "data")]
    command += ["--keystore", str(newcomer.folder / "key.json")]
    assert main([*command, "--password-file", str(finished.network.password_file)]) == 3
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(
        "folkmoot: the circle does not take this peer: the circle has finished its last round"
    )


def test_an_update_changed_in_every_store_is_found(finished: LocalRun) -> None:
    seat = finished.seat(1)
    digest = finished.history().rounds[0].commits[seat]
    copies = block_files(finished, digest)
    assert len(copies) == len(HONEST)
    original = copies[0].read_bytes()
    for path in copies:
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    try:
        findings = finished.findings("--timeout", "5")
    finally:
        for path in copies:
            path.write_bytes(original)
    blobs = [found for found in findings if found["check"] == "A3"]
    assert [(found["round"], found["seat"], found["fact"]) for found in blobs] == [
        (1, seat, "nobody serves the update")
    ]
    assert blobs[0]["evidence"]["digest"] == digest.hex()
    # Without it nobody's verdicts of that round can be recomputed: all of them say that they judged it.
    others = [found for found in findings if found["check"] == "A5"]
    assert sorted((found["round"], found["seat"]) for found in others) == [(1, index) for index in range(3)]
    assert all(found["fact"].startswith("it does not show what it judged from") for found in others)


async def test_a_gateway_that_lies_cannot_make_an_audit_say_otherwise(finished: LocalRun) -> None:
    seat = finished.seat(0)
    gateway = parse_endpoint(finished.history().seats[seat].endpoint).gateway.text
    finished.kill(0)
    lies = []

    async def lie(request: web.Request) -> web.Response:
        lies.append(request.match_info["cid"])
        return web.Response(body=b"FMU3 a lie", content_type="application/vnd.ipld.raw")

    app = web.Application()
    app.router.add_get("/ipfs/{cid}", lie)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", int(gateway.rpartition(":")[2])).start()
        report = await audit([finished.network.rpc], finished.contract, timeout_s=10)
    finally:
        await runner.cleanup()
        await asyncio.to_thread(finished.start_peer, 0)
    assert lies
    assert report.findings == []


def test_when_nobody_serves_the_blobs_any_more_the_audit_says_so_and_exits_1(
    finished: LocalRun, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in HONEST:
        finished.wait_joined(index)
        finished.kill(index)
    command = ["audit", "--json", "--rpc", finished.network.rpc, "--contract", finished.contract]
    assert main([*command, "--timeout", "3"]) == 1
    report = json.loads(capsys.readouterr().out)
    missing = {(found["round"], found["seat"]) for found in report["findings"] if found["check"] == "A3"}
    assert missing == {(None, None)} | {(n + 1, seat) for n in range(ROUNDS) for seat in range(3)}
    assert not any("attested" in found["fact"] for found in report["findings"])
