"""A local chain that is scraped while it works."""

import os
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.rpc.client import Rpc, RpcFault
from ledger.chain.transactions.sender import Sender
from ledger.testchain.accounts import DEV_ACCOUNTS
from node.demo.nursery_server import PROGRAM
from node.metrics.chain_figures import ChainMonitor
from tests.support.metric_rules import find_made_metrics, lint_page, parse_page
from tests.support.warm_start import nursery


@pytest.fixture(scope="module")
def places() -> Iterator[tuple[str, str]]:
    """The addresses of a chain and of its metrics."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        command = [PROGRAM, "chain", "--folder", f"{folder}/chain", "--port", "0", "--metrics", "0"]
        with out.open("wb") as file:
            process = nursery().start(command, stdout=file, stderr=file, env=dict(os.environ))
        try:
            lines: list[str] = []
            while len(lines) < 2:
                assert process.poll() is None
                lines = out.read_text().splitlines()
            yield lines[0].split(" ")[-1], lines[1].split(" ")[2].removesuffix(",").removesuffix("/metrics")
        finally:
            process.kill()
            process.wait()


def scrape(url: str) -> dict[tuple[str, tuple[str, ...]], float]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
        page = answer.read().decode()
    assert lint_page(page) == []
    made = {name for name in find_made_metrics() if "testchain" in name}
    assert made <= parse_page(page).keys()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in parse_page(page).values()
        for sample in family.samples
    }


def test_calls_blocks_and_disk_are_told(places: tuple[str, str]) -> None:
    chain, url = places
    rpc = Rpc(chain)
    sender = Sender(rpc, bytes.fromhex(DEV_ACCOUNTS[0].key[2:]), 1337)
    for _ in range(2):
        sender.transfer(DEV_ACCOUNTS[1].address, 1)
    with pytest.raises(RpcFault):
        rpc.fetch_number("eth_getBalance", "nonsense", "latest")
    for number in range(20):
        with pytest.raises(RpcFault):
            rpc.fetch_number(f"eth_invented{number}")
    found = scrape(url)
    assert found["folkmoot_testchain_head", ()] == 2
    assert found["folkmoot_testchain_requests_total", ("eth_sendRawTransaction", "ok")] == 2
    assert found["folkmoot_testchain_requests_total", ("eth_getBalance", "refused")] == 1
    assert found["folkmoot_testchain_requests_total", ("other", "refused")] == 20
    assert not any("invented" in label for _, labels in found for label in labels)
    assert found["folkmoot_testchain_request_duration_seconds_count", ("eth_sendRawTransaction",)] == 2
    assert found["folkmoot_testchain_block_interval_seconds_count", ()] == 1
    assert found["folkmoot_testchain_pending_transactions", ()] == 0
    assert found["folkmoot_testchain_store_bytes", ()] > 0
    assert found["folkmoot_disk_free_bytes", ()] > 0
    for page in ("livez", "readyz", "healthz"):
        with urllib.request.urlopen(f"{url}/{page}", timeout=20) as answer:
            assert answer.status == 200


def test_a_chain_by_the_clock_that_makes_no_blocks_is_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("node.metrics.chain_figures.time.monotonic", lambda: now[0])
    state: Any = object()
    for block_time_s, is_well in ((2.0, False), (0.0, True)):
        monitor = ChainMonitor(("127.0.0.1", 0), tmp_path, block_time_s, lambda _: None)
        monitor._look = lambda: state
        assert monitor.check().is_well
        now[0] += 61
        assert monitor.check().is_well == is_well
        monitor.note_block(int(now[0]))
        assert monitor.check().is_well
