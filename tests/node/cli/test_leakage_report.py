"""The page about what leaks: what it shows where a peer has published in earnest."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from node.cli.leakage_lines import Way
from node.cli.leakage_report import Making, encode_report
from node.leakage.experiment import PublishedStep, measure_leakage
from node.leakage.setting import make_setting
from node.leakage.stand_ins import StandIn
from node.tasks.interface import load_task
from tests.support.pages import read_page

MAKING = Making("folkmoot leakage", 0, "2026-01-01 00:00:00 UTC", "folkmoot 0")


def test_what_was_published_in_earnest_has_a_curve_of_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    task = load_task("digits", skew=0.2, seed=0, samples=20)
    setting = make_setting(task, seat=0, seats=2, seed=0, codec="int8-zstd", rounds=1, rng=rng)
    own = slice(setting.pool.own)
    peer = StandIn(setting.publishing, 999, (setting.pool.x[own], setting.pool.y[own]))
    base = setting.publishing.origin
    published = replace(setting, published=(PublishedStep(1, base, peer.publish(base, 1)),))
    path = tmp_path / "page.html"
    pages = []
    for what in (setting, published):
        way = Way("as it is", measure_leakage(what, stand_ins=8, rng=rng, delta=1e-5), None, "1e-5")
        path.write_bytes(encode_report(what, [way], MAKING))
        pages.append(read_page(path))
    plain, earnest = pages
    assert [page.count("svg", "role") for page in pages] == [3, 4]
    assert "published in earnest" in earnest.text
    assert "published in earnest" not in plain.text
    # Of twenty held-out records none is one in a hundred.
    assert "at 1.0% false alarms cannot be counted among fewer than 100 held-out ones" in earnest.text
    # Only without it the page says that this is no history.
    assert ["with stand-ins from the genesis on, in a circle" in page.text for page in pages] == [True, False]
    # A task's name stays as it is.
    assert all("digits, seat 0 of 2: 20 records" in page.text for page in pages)
