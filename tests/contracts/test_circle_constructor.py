"""What a circle may be opened with, and what it holds from then on."""

from collections.abc import Callable

import pytest
from circle_harness import CircleTerms, CircleUnderTest, manifest_bytes
from circle_machines import EthTester

from ledger.chain.artifact import circle_artifact
from ledger.events import Opened
from ledger.history import Phase
from ledger.manifest import manifest_digest

MONTH_S = 30 * 86400


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"start_seats": 1, "quorum": 1}, "circle: start seats not in 2..256"),
        ({"start_seats": 257}, "circle: start seats not in 2..256"),
        ({"quorum": 1}, "circle: quorum not in 2..start seats"),
        ({"quorum": 4}, "circle: quorum not in 2..start seats"),
        ({"last_round": 0}, "circle: last round not in 1..2^32-1"),
        ({"last_round": 2**32}, "circle: last round not in 1..2^32-1"),
        ({"commit_window_s": 0}, "circle: commit window not in 1 s..30 days"),
        ({"commit_window_s": MONTH_S + 1}, "circle: commit window not in 1 s..30 days"),
        ({"attest_window_s": 0}, "circle: attest window not in 1 s..30 days"),
        ({"attest_window_s": MONTH_S + 1}, "circle: attest window not in 1 s..30 days"),
        ({"reputation_shift": 0}, "circle: reputation shift not in 1..8"),
        ({"reputation_shift": 9}, "circle: reputation shift not in 1..8"),
        ({"reputation_floor": 32768}, "circle: reputation floor not below the initial 32768"),
    ],
)
def test_terms_outside_their_range_are_refused(tester: EthTester, terms: dict[str, int], reason: str) -> None:
    data = circle_artifact().creation_data((b"manifest", *CircleTerms(**terms).arguments))
    assert tester.run(tester.accounts[0], None, data).reason == reason


def test_a_circle_needs_a_manifest(tester: EthTester) -> None:
    data = circle_artifact().creation_data((b"", *CircleTerms().arguments))
    assert tester.run(tester.accounts[0], None, data).reason == "circle: manifest is empty"


def test_a_manifest_beyond_the_limit_is_refused(tester: EthTester) -> None:
    artifact, terms = circle_artifact(), CircleTerms().arguments
    assert tester.run(tester.accounts[0], None, artifact.creation_data((b"m" * 16384, *terms))).reason is None
    assert tester.run(tester.accounts[0], None, artifact.creation_data((b"m" * 16385, *terms))).reason is not None


@pytest.mark.parametrize(
    "terms",
    [
        CircleTerms(2, 2, 1, 1, 1, 1, 0),
        CircleTerms(256, 256, 2**32 - 1, MONTH_S, MONTH_S, 8, 32767),
    ],
)
def test_the_limits_themselves_are_allowed_and_readable(tester: EthTester, terms: CircleTerms) -> None:
    circle = CircleUnderTest(tester, terms)
    names = (
        "START_SEATS",
        "QUORUM",
        "LAST_ROUND",
        "COMMIT_WINDOW_S",
        "ATTEST_WINDOW_S",
        "REPUTATION_SHIFT",
        "REPUTATION_FLOOR",
    )
    assert tuple(circle.view(name)[0] for name in names) == terms.arguments


def test_opening_emits_the_whole_manifest_and_its_digest(deploy: Callable[..., CircleUnderTest]) -> None:
    circle = deploy(last_round=7)
    manifest = manifest_bytes(7)
    assert circle.twin.history.opened == Opened(manifest_digest(manifest), manifest)
    assert circle.view("TASK") == (manifest_digest(manifest),)


def test_a_new_circle_gathers(deploy: Callable[..., CircleUnderTest]) -> None:
    state = deploy().state
    assert (state.phase, state.round, state.seats, state.deadline_s) == (Phase.GATHERING, 0, 0, 0)


def test_the_code_behind_the_runtime_holds_the_immutables(deploy: Callable[..., CircleUnderTest]) -> None:
    circle = deploy(start_seats=5, quorum=4)
    words = circle_artifact().read_immutables(circle.machine.code(circle.address), circle.address)
    assert int.from_bytes(words["START_SEATS"], "big") == 5
    assert int.from_bytes(words["QUORUM"], "big") == 4
    assert words["TASK"] == circle.view("TASK")[0]
