"""The live page beside a node: what its process is told of the node's own options."""

import json
import queue
from pathlib import Path
from typing import Any

import pytest

from node.cli.web import page_beside


def test_what_the_page_says_is_in_the_form_of_the_nodes_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    options = ("--log", "info", "--log-format", "json")
    with page_beside(0, tmp_path / "none.json", None, tmp_path, told.put, options):
        said = told.get(timeout=60)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["begun", "complaint"]
    assert said["kind"] == "no_page"
