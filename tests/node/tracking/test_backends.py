"""Each tracker's own package reads back what a run told it, and nothing else."""

import getpass
import importlib.util
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from node.tracking.destination import KINDS, Destination
from node.tracking.tracker import Tracker


def track(kind: str, folder: Path) -> None:
    """Two runs of two rounds."""
    for package in KINDS[kind]:
        if importlib.util.find_spec(package) is None:
            why = f"{package} is not installed (pip install 'folkmoot[tracking]')"
            pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    with Tracker(Destination.parse(f"{kind}:{folder}"), patience_s=120, end_patience_s=120) as tracker:
        for rule in ("none", "tether"):
            tracker.start_run(f"{rule} seed 0", {"rule": rule, "skew": 0.2})
            tracker.log(1, {"accuracy": 0.25, "verdicts/hostile_accepted": 3})
            tracker.log(2, {"accuracy": 0.5})


def check_nothing_private(folder: Path) -> None:
    """No file that a tracker shows or sends names this machine or its user."""
    private = {socket.gethostname().encode(), getpass.getuser().encode()} - {b"", b"root", b"vm", b"localhost"}
    for path in folder.rglob("*"):
        assert socket.gethostname() not in path.name
        if path.is_file() and path.suffix != ".log":
            found = [word for word in private if word in path.read_bytes()]
            assert found == [], path


def test_tensorboard_reads_a_run_a_folder(tmp_path: Path) -> None:
    track("tensorboard", tmp_path)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert {path.name for path in tmp_path.iterdir()} == {"none_seed_0", "tether_seed_0"}
    found = EventAccumulator(str(tmp_path / "tether_seed_0"))
    found.Reload()
    assert [(one.step, one.value) for one in found.Scalars("accuracy")] == [(1, 0.25), (2, 0.5)]
    assert found.Tags()["tensors"] == ["settings"]
    assert [path.name for path in (tmp_path / "none_seed_0").iterdir()] == [
        "events.out.tfevents.0000000000.folkmoot"
    ]
    check_nothing_private(tmp_path)


def test_mlflow_has_runs_with_their_settings_and_no_user(tmp_path: Path) -> None:
    track("mlflow", tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        runs = database.execute("SELECT name, status, user_id, source_name FROM runs ORDER BY name").fetchall()
        metrics = database.execute("SELECT key, value, step FROM metrics ORDER BY key, step").fetchall()
        settings = set(database.execute("SELECT key, value FROM params").fetchall())
        tags = {key for (key,) in database.execute("SELECT key FROM tags").fetchall()}
    database.close()
    assert [(name, status) for name, status, *_ in runs] == [
        ("none seed 0", "FINISHED"),
        ("tether seed 0", "FINISHED"),
    ]
    assert metrics == [
        *[("accuracy", 0.25, 1)] * 2,
        *[("accuracy", 0.5, 2)] * 2,
        *[("verdicts/hostile_accepted", 3.0, 1)] * 2,
    ]
    assert settings == {("rule", "none"), ("rule", "tether"), ("skew", "0.2")}
    assert tags == {"mlflow.runName"}
    assert {user for _, _, user, _ in runs} <= {"", None, "unknown"}
    check_nothing_private(tmp_path)


def test_weights_and_biases_keeps_offline_runs(tmp_path: Path) -> None:
    track("wandb", tmp_path)
    runs = sorted((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(runs) == 2
    for path in runs:
        raw = path.read_bytes()
        assert b"accuracy" in raw
        assert b"0.25" in raw
        assert b"seed 0" in raw
    check_nothing_private(tmp_path)
