"""A circle of a codec or a rule that this version has not: its history is read, and whoever opens it refuses it."""

import asyncio
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ledger.audit.run import audit
from ledger.chain.circle import Circle
from ledger.chain.deployment.plan import make_plan
from ledger.chain.deployment.terms import ChosenTerms
from ledger.chain.reading import read_history
from ledger.chain.rpc.patience import EndpointPatience
from ledger.circle.history import CircleTerms
from ledger.circle.manifest import MalformedManifest, Manifest, check_manifest
from ledger.codec import CODECS
from ledger.judging.task_checks import check_task
from node.cli.node import fetch_opened
from node.opened_circle import OpenCircle
from tests.support.circle_endpoint import FIRST_BLOCK, URL, Endpoint
from tests.support.histories.circles import NETWORK
from tests.support.histories.parts import fold, joined, manifest_of, opened
from tests.support.privacy import TERMS
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R3.2")

PARAMETERS = CircleTerms(3, 2, 2, 4, 3, 16384)
FOREIGN = [
    ({"codec": "int4"}, "codec 'int4' is unknown, this program knows"),
    ({"rule": "magic"}, "the manifest's rule 'magic' is unknown: choose one of balance"),
    ({"rule_parameters": {"beta": 1}}, "the manifest's rule balance: .*beta"),
    ({"rule_parameters": {"gamma_milli": 0}}, "the manifest's rule balance: .*gamma_milli"),
    ({"rule_parameters": {"gamma_milli": 10**4000}}, "the manifest's rule balance: .*gamma_milli"),
]


def foreign(**changed: Any) -> Manifest:
    manifest: Manifest = msgspec.structs.replace(manifest_of(2), **changed)
    return manifest


def circle_of(manifest: Manifest) -> Circle:
    """A circle of three, as an endpoint in memory tells of it."""
    story = SimpleNamespace(terms=PARAMETERS, events=[opened(manifest), joined(0), joined(1)])
    rpc = Endpoint(as_any(story)).rpc()
    rpc.patience = EndpointPatience(fault_s=0.0, catch_up_s=0.0)
    return Circle(rpc, NETWORK.contract)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_there_is_may_be_a_circles(codec: str) -> None:
    check_task(foreign(codec=codec))


@pytest.mark.parametrize(("changed", "says"), FOREIGN)
def test_a_codec_or_a_rule_that_is_none_here_is_refused_with_the_reason(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(MalformedManifest, match=says):
        check_task(foreign(**changed))


UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"rule": "ubar", "rule_parameters": {}}, "cannot have rule ubar: its verdicts are functions of private"),
    ({"rule": "balance", "rule_parameters": {}}, "balance with gamma_milli 300: noise alone"),
    ({"rule": "balance", "rule_parameters": {"gamma_milli": 200}}, "balance with gamma_milli 200: noise alone"),
    ({"rule": "tether", "rule_parameters": {}, "codec": "delta"}, "cannot have codec delta: it sends the largest"),
]
"""What does not go with privacy terms, and why not."""


@pytest.mark.rule("R30.6")
@pytest.mark.parametrize(("changed", "says"), UNFIT)
def test_what_noise_makes_useless_or_gives_away_does_not_go_with_privacy_terms(
    changed: dict[str, Any], says: str
) -> None:
    check_task(foreign(**changed))
    private = foreign(**changed, privacy=TERMS)
    for refuse in (
        lambda: check_task(private),
        lambda: fetch_opened(circle_of(private), FIRST_BLOCK),
        lambda: make_plan(private, ChosenTerms(start_seats=4, quorum=3, commit_window_s=60, attest_window_s=60)),
    ):
        with pytest.raises(MalformedManifest, match=says):
            refuse()


@pytest.mark.rule("R30.6")
@pytest.mark.parametrize(
    ("rule", "parameters"), [("tether", {}), ("trimmed-mean", {}), ("balance", {"gamma_milli": 900})]
)
def test_rules_that_bear_noise_go_with_privacy_terms(rule: str, parameters: dict[str, int]) -> None:
    check_task(foreign(rule=rule, rule_parameters=parameters, codec="int8-zstd", privacy=TERMS))


@pytest.mark.parametrize(("changed", "says"), FOREIGN[:3])
def test_whoever_opens_such_a_circle_is_told_the_same(changed: dict[str, Any], says: str) -> None:
    manifest = foreign(**changed)
    circle = circle_of(manifest)
    assert read_history(circle, FIRST_BLOCK).history.manifest == manifest
    with pytest.raises(MalformedManifest, match=says):
        OpenCircle(SimpleNamespace(block=FIRST_BLOCK), circle, None, 0).read_again(FIRST_BLOCK)
    with pytest.raises(MalformedManifest, match=says):
        fetch_opened(circle, FIRST_BLOCK)
    with pytest.raises(MalformedManifest, match=says):
        make_plan(manifest, ChosenTerms(start_seats=4, quorum=3, commit_window_s=60, attest_window_s=60))


def test_an_audit_of_such_a_circle_ends_with_that_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    circle = circle_of(foreign(rule="magic"))
    monkeypatch.setattr("ledger.audit.run.connect", lambda *_, **__: circle.rpc)
    report = asyncio.run(audit([URL], NETWORK.contract))
    assert [(finding.check, finding.fact[:35]) for finding in report.findings] == [
        ("A2", "the manifest's rule 'magic' is unkn")
    ]
    assert "A2" not in report.examined


def test_its_history_is_folded_by_whoever_has_no_such_rule() -> None:
    manifest = foreign(rule="magic", codec="int4")
    check_manifest(manifest)
    assert fold(PARAMETERS, [opened(manifest)]).manifest == manifest


@pytest.mark.parametrize("module", ["ledger.circle.history", "ledger.chain.reading", "ledger.chain.tracker"])
def test_reading_a_history_loads_no_rule_no_codec_and_no_numpy(module: str) -> None:
    program = f"import sys, {module}\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    heavy = ("ledger.rules", "ledger.codec", "ledger.judging", "ledger.arithmetic", "numpy", "torch")
    assert [name for name in loaded.split() if name.startswith(heavy)] == []
