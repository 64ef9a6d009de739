"""Nodes and chain are scraped while they run, as Prometheus does it, and asked whether they are well."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric

from tests.support.metric_rules import find_made_metrics, lint_page, parse_page
from tests.support.network.local_run import LocalRun

ROUNDS = 2


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape(url: str) -> dict[str, Metric]:
    status, page = get(f"{url}/metrics")
    assert status == 200
    assert lint_page(page) == []
    check_with_promtool(page)
    return parse_page(page)


def check_with_promtool(page: str) -> None:
    """Prometheus' own word, where it is installed."""
    if promtool := shutil.which("promtool"):
        done = subprocess.run(
            [promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    found = [
        sample.value
        for sample in families[name.removesuffix("_total").removesuffix("_sum")].samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, (name, labels, found)
    return float(found[0])


def wait_for(is_so: Callable[[], bool], what: str, limit_s: float = 60.0) -> None:
    until = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until, f"waited for {what}"
        time.sleep(0.2)


def find_url(run: LocalRun, index: int) -> str:
    told: list[dict[str, Any]] = []

    def is_told() -> bool:
        told[:] = [one for one in run.network.peers[index].read_events() if one["event"] == "metrics"]
        return bool(told)

    wait_for(is_told, "a port for metrics")
    return str(told[0]["url"])


def check_curves(run: LocalRun, folder: Path) -> None:
    """Each node has a run of its own, with the figures that it told."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert len(list(folder.iterdir())) == 3
    for peer in run.network.peers:
        events = peer.read_events()
        found = EventAccumulator(str(folder / f"node_{events[0]['key'][:10]}"))
        wait_for(lambda found=found: len(_read_steps(found)) == ROUNDS, "the last round's figures")  # type: ignore[misc]
        told = [one["figures"]["accuracy"] for one in events if one["event"] == "round"]
        assert [one.value for one in found.Scalars("accuracy")] == pytest.approx(told)


def _read_steps(found: Any) -> list[int]:
    found.Reload()
    return [one.step for one in found.Scalars("accuracy")] if "accuracy" in found.Tags()["scalars"] else []


def test_a_running_circle_is_scraped_tracked_and_asked_for_its_health(run: LocalRun, tmp_path: Path) -> None:
    options = ("--metrics", "0", "--track", f"tensorboard:{tmp_path / 'curves'}")
    run.start("honest", "honest", "honest", rounds=ROUNDS, node_options=options)
    run.wait_finished()
    check_curves(run, tmp_path / "curves")
    url = find_url(run, 0)
    assert url.startswith("http://127.0.0.1:"), "loopback, unless somebody asks for more"
    events = run.network.peers[0].read_events()
    rounds = [one for one in events if one["event"] == "round"]
    wait_for(lambda: value(scrape(url), "folkmoot_store_blocks") > 0, "the store to be counted")
    found = scrape(url)

    # Of a test chain, of privacy terms and of an IPFS daemon only those tell that have them.
    elsewhere = ("testchain", "privacy", "ipfs")
    made = {name for name in find_made_metrics() if not any(word in name for word in elsewhere)}
    assert made - {name.removesuffix("_info") for name in found} - found.keys() == set()

    assert value(found, "folkmoot_rounds_total") == len(rounds) == ROUNDS
    assert value(found, "folkmoot_round_duration_seconds_sum") == pytest.approx(
        sum(one["seconds"] for one in rounds)
    )
    assert value(found, "folkmoot_gas_used_total") >= sum(one["gas"] for one in rounds)
    sent = sum(value(found, "folkmoot_sent_bytes_total", kind=kind) for kind in ("gateway", "gossip"))
    assert sent >= sum(one["bytes_sent"] for one in rounds) > 0
    assert value(found, "folkmoot_received_bytes_total", kind="blobs") > 0
    verdicts = [verdict for one in rounds for verdict in one["verdicts"].values()]
    assert value(found, "folkmoot_verdicts_total", verdict="accepted") == verdicts.count("accepted")
    assert (
        value(found, "folkmoot_task_figure", figure="accuracy", better="higher")
        == rounds[-1]["figures"]["accuracy"]
    )
    assert value(found, "folkmoot_phase", phase="finished") == 1
    assert value(found, "folkmoot_round") == value(found, "folkmoot_last_round") == ROUNDS
    assert value(found, "folkmoot_seat_attested_round") == ROUNDS
    assert value(found, "folkmoot_seat_judges", verdict="accepting") == 2
    assert value(found, "folkmoot_announcements_total", origin="made") == ROUNDS
    assert value(found, "folkmoot_peers_linked") == 2
    spent = value(found, "folkmoot_fees_ether_total")
    bond = value(found, "folkmoot_seat_bond_ether")
    wait_for(lambda: abs(value(scrape(url), "folkmoot_balance_ether") + spent + bond - 10) < 1e-9, "the balance")

    assert [get(f"{url}/{page}")[0] for page in ("livez", "readyz", "healthz")] == [200, 200, 200]
    joined = next(one for one in events if one["event"] == "joined")
    gateway = joined["endpoint"].split(" ")[1]
    assert get(f"{gateway}/metrics")[0] == get(f"{gateway}/healthz")[0] == 404, "not where strangers come in"

    chain = run.network.chain
    assert chain is not None
    chain.kill()
    chain.wait()
    wait_for(lambda: get(f"{url}/readyz")[0] == 503, "the loss of the chain to be noticed")
    told = json.loads(get(f"{url}/healthz")[1])
    assert told["checks"][0]["check"] == "chain"
    assert "does not answer" in told["checks"][0]["says"]
    assert get(f"{url}/livez")[0] == 200, "a restart would not bring the chain back"
    assert value(scrape(url), "folkmoot_chain_up") == value(scrape(url), "folkmoot_health", check="chain") == 0
