"""A small network through bad weather: one node behind NAT, one by IPv6, a round with half of it cut off."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NEEDS = "the soak needs "


def soak(folder: Path) -> dict[str, Any]:
    """The outcome's line."""
    out = folder / "out.jsonl"
    # A process of its own: it leaves the network of this one.
    command = [sys.executable, "-m", "scripts.soak_network", "short", "--folder", str(folder), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == 3 and done.stderr.startswith(NEEDS):
        # Where a machine is meant to have all that a test needs, nothing is left out without a word.
        assert os.environ.get("CI") != "true", done.stderr
        pytest.skip(done.stderr.strip())
    assert done.returncode in (0, 1), done.stderr
    outcome: dict[str, Any] = json.loads(out.read_text())
    return outcome


def test_a_network_in_bad_weather_settles_every_round_and_its_audit_is_clean(tmp_path: Path) -> None:
    outcome = soak(tmp_path)
    assert (outcome["settled"], outcome["deaths"]) == (outcome["rounds"], 0)
    assert outcome["findings"] == {}
    weather = outcome["weather"]
    assert weather["lost"] > 0
    assert weather["parted"] > 0
    # Others called the node behind NAT, and none got through; the audit found all that it ever said all the same.
    assert sum(weather["refused"].values()) > 0
    assert outcome["is_good"]
