"""The live page beside a node: a process of its own that shows the node's circle and does not outlive the node."""

import json
import urllib.error
import urllib.request
from typing import Any

from tests.support.network.local_run import LocalRun

OPTIONS = ["--commit-window", "120", "--attest-window", "120"]


def fetch(url: str) -> Any:
    """JSON, or None where nobody answers, or not yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except (OSError, urllib.error.URLError):
        return None


def test_a_node_with_web_serves_the_page_which_ends_with_it(run: LocalRun) -> None:
    run.start_chain()
    run.found("honest", "honest", rounds=1, options=OPTIONS)
    run.start_peer(0, "--web")
    run.start_peer(1)

    def pages() -> list[Any]:
        return [event for event in run.events(0, "notice") if event["kind"] == "page"]

    run.wait_for(lambda: bool(pages()), "the page's address")
    url = pages()[0]["url"]
    run.wait_finished(0, 1)
    run.wait_for(lambda: (fetch(url + "api/now") or {}).get("phase") == "finished", "the page to show the end")
    assert fetch(url + "api/rounds/1")["number"] == 1
    assert {seat["peer"] for seat in fetch(url + "api/seats")} == {peer.address for peer in run.network.peers}

    run.kill(0)
    run.wait_for(lambda: fetch(url + "api/now") is None, "the page to end with its node")
