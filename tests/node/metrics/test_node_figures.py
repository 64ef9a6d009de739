"""What a node reports becomes figures, and nothing that is reported makes series without end."""

from pathlib import Path
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric

from node.metrics import names
from node.metrics.chain_watch import ChainWatch
from node.metrics.node_figures import NodeFigures, RoundFigures
from node.metrics.shared import make_registry
from node.metrics.store_size import StoreSize
from tests.support.metric_rules import lint_page, parse_page

PRIVACY = {"spent_epsilon": 1.5, "budget_epsilon": 8.0, "rounds_charged": 3, "rounds_left": 12}


class Scene:
    def __init__(self, folder: Path) -> None:
        self.registry = make_registry("node")
        self.reported = RoundFigures(self.registry)
        self.watch = ChainWatch(["http://127.0.0.1:1"], 1, "0x" + "11" * 20)
        self.size = StoreSize(folder / "blobs", folder)
        self.registry.register(
            NodeFigures(lambda: None, self.reported, self.watch, self.size, lambda: {"chain": False})
        )

    def scrape(self) -> dict[str, Metric]:
        page = generate_latest(self.registry).decode()
        assert lint_page(page) == []
        return parse_page(page)


def round_event(**fields: Any) -> dict[str, Any]:
    event = {
        "event": "round",
        "seconds": 2.0,
        "cpu_s": {"training": 0.5, "other": 0.1},
        "verdicts": {1: "accepted", 2: "rejected"},
        "figures": {"accuracy": 0.75},
        "better": {"accuracy": "higher"},
    }
    return {**event, **fields}


def values(family: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(one.labels.values()): one.value for one in family.samples if not one.name.endswith("_bucket")}


def test_a_round_is_counted_in_all_its_parts(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for _ in range(2):
        scene.reported.note(round_event())
    found = scene.scrape()
    assert values(found["folkmoot_rounds"]) == {(): 2}
    assert values(found["folkmoot_verdicts"])["accepted",] == values(found["folkmoot_verdicts"])["rejected",] == 2
    assert values(found["folkmoot_task_figure"]) == {("higher", "accuracy"): 0.75}
    seconds = {one.name: one.value for one in found["folkmoot_round_duration_seconds"].samples if not one.labels}
    assert seconds == {"folkmoot_round_duration_seconds_sum": 4.0, "folkmoot_round_duration_seconds_count": 2.0}
    assert "folkmoot_privacy_spent_epsilon" not in found, "the circle has no privacy terms"


def test_where_privacy_stands_is_told_as_it_was_reported_last(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.reported.note(round_event(privacy=PRIVACY))
    found = scene.scrape()
    assert values(found["folkmoot_privacy_spent_epsilon"]) == {(): 1.5}
    assert values(found["folkmoot_privacy_budget_epsilon"]) == {(): 8.0}
    assert values(found["folkmoot_privacy_rounds_left"]) == {(): 12}
    scene.reported.note(round_event(privacy={**PRIVACY, "rounds_left": None}))
    assert "folkmoot_privacy_rounds_left" not in scene.scrape()


def test_names_from_outside_make_no_series_without_end(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    before = scene.scrape()
    for number in range(100):
        figures = {f"figure {number} \x1b[2J" + "x" * 200: 1.0, f"text {number}": "not a number"}
        fields = {"figures": figures, "verdicts": {1: f"v{number}"}, "cpu_s": {f"s{number}": 1.0}}
        scene.reported.note(round_event(**fields))
        scene.reported.note({"event": "notice", "kind": f"k{number}"})
    found = scene.scrape()
    assert values(found["folkmoot_notices"])["other",] == 100
    assert len(found["folkmoot_notices"].samples) == len(before["folkmoot_notices"].samples) + 1
    assert len(found["folkmoot_verdicts"].samples) == len(before["folkmoot_verdicts"].samples) + 1
    shown = [one.labels["figure"] for one in found["folkmoot_task_figure"].samples]
    assert len(shown) == names.FIGURES_MAX
    assert all(name.isprintable() and len(name) <= names.FIGURE_NAME_MAX for name in shown)


def test_a_chain_that_does_not_answer_is_told_without_waiting_for_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert values(scene.scrape()["folkmoot_chain_up"]) == {(): 0}
    scene.watch.look()
    assert not scene.watch.is_answered
    assert "does not answer" in scene.watch.reason
    found = scene.scrape()
    assert values(found["folkmoot_chain_up"]) == {(): 0}
    assert "folkmoot_chain_head" not in found


def test_the_store_is_counted_now_and_then(tmp_path: Path) -> None:
    now = [0.0]
    size = StoreSize(tmp_path / "blobs", tmp_path, lambda: now[0])
    (tmp_path / "blobs" / "ab").mkdir(parents=True)
    (tmp_path / "blobs" / "ab" / "one").write_bytes(b"x" * 10)
    size.measure()
    assert (size.blocks, size.bytes) == (1, 10)
    (tmp_path / "blobs" / "two").write_bytes(b"x" * 5)
    size.measure()
    assert (size.blocks, size.bytes) == (1, 10), "not each time"
    now[0] += 11
    size.measure()
    assert (size.blocks, size.bytes) == (2, 15)
    assert size.room is not None
