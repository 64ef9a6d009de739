"""Where figures go, as it is typed."""

import importlib.util
from pathlib import Path

import pytest

from ledger.errors import SetupError, UsageError
from node.tracking.destination import Destination


@pytest.mark.parametrize(
    "text", ["", "tensorboard", "tensorboard:", "excel:file", "wandb:https://host", "mlflow:https://"]
)
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--track"):
        Destination.parse(text)


def test_without_its_package_a_tracker_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        SetupError, match=r"needs mlflow and sqlalchemy and alembic.*pip install 'folkmoot\[tracking\]'"
    ):
        Destination.parse("mlflow:runs")
    with pytest.raises(SetupError, match="needs wandb, not installed"):
        Destination.parse("wandb:runs")


def test_a_folder_is_where_it_was_typed_and_a_server_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    monkeypatch.chdir(tmp_path)
    assert Destination.parse("tensorboard:runs/one").place == str(tmp_path / "runs" / "one")
    assert Destination.parse("mlflow:http://127.0.0.1:5000").place == "http://127.0.0.1:5000"
