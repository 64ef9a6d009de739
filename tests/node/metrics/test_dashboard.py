"""Dashboard, alerts and guide name the metrics that there are, and the important ones are shown."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from node.cli.main import main
from node.metrics import names
from node.metrics.node_health import NodeSights, check_node
from tests.support.metric_rules import ROOT, find_made_metrics

FOLDER = ROOT / "docs" / "guides" / "monitoring"
MADE = find_made_metrics()
SERIES = {one for all_of_it in MADE.values() for one in all_of_it}
# What libraries add.
PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"}
_NAME = re.compile(r"\b(?:folkmoot|process)_[a-z_]+")


def read_dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "grafana.json").read_text())
    return found


def read_rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_expressions() -> Iterator[str]:
    for panel in read_dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in read_dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"]


def named_in(expressions: list[str]) -> set[str]:
    return {name for one in expressions for name in _NAME.findall(one)}


def test_the_dashboard_uses_metrics_that_there_are() -> None:
    assert named_in(list(dashboard_expressions())) - SERIES - PROCESS == set()


def test_the_dashboard_shows_every_metric() -> None:
    shown = named_in(list(dashboard_expressions()))
    hidden = {name for name, series in MADE.items() if not set(series) & shown}
    assert hidden == set()


def test_alerts_use_metrics_that_there_are_and_values_that_labels_have() -> None:
    rules = read_rules()
    assert named_in([rule["expr"] for rule in rules]) - SERIES == set()
    labels = {"kind": set(names.NOTICES), "check": {"blocks"}, "standing": set()}
    unknown = NodeSights(0.0, None, "", None, True, None, False, False, None, "")
    labels["check"] |= {one.name for one in check_node(unknown).checks}
    source = (ROOT / "node" / "metrics" / "node_figures.py").read_text()
    labels["standing"] = set(re.findall(r'^ +"([a-z]+)": ', source, re.MULTILINE))
    for rule in rules:
        for label, value in re.findall(r'(\w+)=~?"([^"]+)"', rule["expr"]):
            if label != "job":
                assert set(value.split("|")) <= labels[label], rule["alert"]


def test_alerts_say_what_is_wrong_and_what_to_do() -> None:
    rules = read_rules()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["alert"].startswith("Folkmoot")
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert "{{ $labels.instance }}" in rule["annotations"]["summary"]


def test_what_the_brief_of_an_operator_asks_for_raises_an_alarm() -> None:
    alarmed = named_in([rule["expr"] for rule in read_rules()])
    assert alarmed >= {
        "folkmoot_health",
        "folkmoot_seat_standing",
        "folkmoot_balance_ether",
        "folkmoot_disk_free_bytes",
        "folkmoot_seat_attested_round",
        "folkmoot_seat_disputes_open",
    }


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    panels = read_dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_guide_names_every_metric_and_none_besides() -> None:
    told = set(re.findall(r"`(folkmoot_[a-z_]+)`", (ROOT / "docs" / "guides" / "monitoring.md").read_text()))
    exposed = {series[0] if len(series) == 1 else name for name, series in MADE.items()}
    assert told == exposed


def test_every_kind_of_notice_has_its_label() -> None:
    found = set()
    for path in [*(ROOT / "node").rglob("*.py")]:
        text = path.read_text()
        found |= set(re.findall(r'\bNotice\(\s*"([a-z_]+)"', text))
        if "def tell(kind" in text:
            found |= set(re.findall(r'\btell\("([a-z_]+)"', text))
    assert found == set(names.NOTICES)


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here (Debian package prometheus)")
    done = subprocess.run(
        [promtool, "check", "rules", str(FOLDER / "alerts.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("place", ["nonsense", "70000", ":", "::1:80", "1:2:3", "-1", "host:", "٣"])
def test_what_is_no_place_to_listen_is_said(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chain", f"--metrics={place}"]) == 2
    assert "neither PORT nor HOST:PORT" in capsys.readouterr().err
