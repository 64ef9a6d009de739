"""The trackers themselves. This module alone imports their packages, in a process that does nothing else."""

import contextlib
import importlib
import itertools
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from node.tracking.destination import is_server

PROJECT: Final = "folkmoot"


class Backend(Protocol):
    """A tracker: runs one after the other."""

    def start(self, name: str, settings: Mapping[str, str]) -> None:
        """End the run before, and begin one."""
        ...

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures of a step of the run."""
        ...

    def end(self) -> None:
        """End the run, if there is one."""
        ...


class TensorBoard:
    """One folder a run, and in it one file of events a start; a file's usual name would tell this machine's."""

    def __init__(self, place: str) -> None:
        self._folder = Path(place)
        self._writer: Any = None
        self._protos: Any = importlib.import_module("tensorboard.compat.proto.event_pb2")
        self._summaries: Any = importlib.import_module("tensorboard.compat.proto.summary_pb2")
        self._text: Any = importlib.import_module("tensorboard.plugins.text.summary_v2")
        self._records: Any = importlib.import_module("tensorboard.summary.writer.record_writer")

    def start(self, name: str, settings: Mapping[str, str]) -> None:
        self.end()
        folder = self._folder / name.replace("/", "_").replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = self._records.RecordWriter(_open_next(folder))
        self._write(file_version="brain.Event:2")
        table = "\n".join(
            ["| setting | value |", "| --- | --- |", *(f"| {k} | {v} |" for k, v in settings.items())]
        )
        self._write(summary=self._text.text_pb("settings", table))

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        values = [self._summaries.Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self._write(step=step, summary=self._summaries.Summary(value=values))

    def end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, **fields: Any) -> None:
        assert self._writer is not None
        self._writer.write(self._protos.Event(wall_time=time.time(), **fields).SerializeToString())
        self._writer.flush()


class MlFlow:
    """An experiment in a folder's SQLite file, or on the server that was named. No user, no source, no host."""

    def __init__(self, place: str) -> None:
        # It would report to its makers that it is used.
        os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        self._entities: Any = importlib.import_module("mlflow.entities")
        uri, artifacts = place, None
        if not is_server(place):
            Path(place).mkdir(parents=True, exist_ok=True)
            uri, artifacts = f"sqlite:///{place}/mlflow.db", (Path(place) / "artifacts").as_uri()
        self._client = importlib.import_module("mlflow.tracking").MlflowClient(tracking_uri=uri)
        found = self._client.get_experiment_by_name(PROJECT)
        self._experiment = (
            found.experiment_id
            if found is not None
            else self._client.create_experiment(PROJECT, artifact_location=artifacts)
        )
        self._run: str | None = None

    def start(self, name: str, settings: Mapping[str, str]) -> None:
        self.end()
        self._run = self._client.create_run(self._experiment, run_name=name, tags={}).info.run_id
        params = [self._entities.Param(key, value) for key, value in settings.items()]
        self._client.log_batch(self._run, params=params)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        now_ms = int(time.time() * 1000)
        metrics = [self._entities.Metric(name, value, now_ms, step) for name, value in figures.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def end(self) -> None:
        if self._run is not None:
            self._client.set_terminated(self._run)
            self._run = None


class WeightsAndBiases:
    """Offline runs in a folder, for `wandb sync` to send by whoever wants to. Nothing of machine, code or user."""

    def __init__(self, place: str) -> None:
        Path(place).mkdir(parents=True, exist_ok=True)
        os.environ |= {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
        self._wandb: Any = importlib.import_module("wandb")
        self._place = place
        self._run: Any = None

    def start(self, name: str, settings: Mapping[str, str]) -> None:
        self.end()
        silent = self._wandb.Settings(
            mode="offline",
            root_dir=self._place,
            host=PROJECT,
            program=PROJECT,
            console="off",
            silent=True,
            disable_code=True,
            disable_git=True,
            save_code=False,
            disable_job_creation=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
        )
        self._run = self._wandb.init(project=PROJECT, name=name, config=dict(settings), settings=silent)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        assert self._run is not None
        self._run.log(dict(figures), step=step)

    def end(self) -> None:
        if self._run is not None:
            self._run.finish()
            self._run = None


def _open_next(folder: Path) -> BinaryIO:
    """The next file of events in a folder, which other processes may write to as well."""
    for count in itertools.count(len(list(folder.glob("events.out.tfevents.*")))):
        with contextlib.suppress(FileExistsError):
            return (folder / f"events.out.tfevents.{count:010d}.{PROJECT}").open("xb")
    raise AssertionError("numbers do not end")


def open_backend(kind: str, place: str) -> Backend:
    """The tracker of a Destination's fields."""
    if kind == "tensorboard":
        return TensorBoard(place)
    return MlFlow(place) if kind == "mlflow" else WeightsAndBiases(place)
