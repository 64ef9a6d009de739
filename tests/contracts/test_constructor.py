"""What a circle may be opened with, and what it holds from then on."""

from collections.abc import Callable

import pytest

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.circle.events import Opened
from ledger.circle.history import Phase
from ledger.circle.manifest import manifest_digest
from tests.support.contract.harness import CircleUnderTest
from tests.support.contract.machines import BareMachine
from tests.support.contract.terms import BY_INVITER, BY_MEMBERS, NOBODY, WINDOW_S, ContractTerms, manifest_bytes

pytestmark = pytest.mark.rule("R3.1")

MONTH_S, YEAR_S = 30 * 86400, 365 * 86400
INVITER = "0x" + "11" * 20
DISPUTED: dict[str, object] = {"bond": 1, "dispute_bond": 1}


def reason(manifest: bytes, terms: ContractTerms, machine: BareMachine | None = None) -> str | None:
    """Why a circle was not deployed; None if it was."""
    used = machine or BareMachine(1)
    court = used.run(used.accounts[0], None, bytes.fromhex(load_circle_artifact().court_bytecode[2:])).created
    data = load_circle_artifact().encode_creation((manifest, terms.but(court=court).words))
    return used.run(used.accounts[0], None, data).reason


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"start_seats": 1, "quorum": 1}, "circle: start seats not in 2..256"),
        ({"start_seats": 257}, "circle: start seats not in 2..256"),
        ({"quorum": 1}, "circle: quorum not in 2..start seats"),
        ({"quorum": 4}, "circle: quorum not in 2..start seats"),
        ({"last_round": 0}, "circle: last round not in 1..2^21-1"),
        ({"last_round": 2**21}, "circle: last round not in 1..2^21-1"),
        ({"commit_window_s": 0}, "circle: commit window not in 1 s..30 days"),
        ({"commit_window_s": MONTH_S + 1}, "circle: commit window not in 1 s..30 days"),
        ({"attest_window_s": 0}, "circle: attest window not in 1 s..30 days"),
        ({"attest_window_s": MONTH_S + 1}, "circle: attest window not in 1 s..30 days"),
        ({"degree": 0}, "circle: degree not in 1..20"),
        ({"degree": 21}, "circle: degree not in 1..20"),
        ({"reputation_shift": 0}, "circle: reputation shift not in 1..8"),
        ({"reputation_shift": 9}, "circle: reputation shift not in 1..8"),
        ({"reputation_floor": 255}, "circle: reputation floor not in 256..32767"),
        ({"reputation_floor": 32768}, "circle: reputation floor not in 256..32767"),
        ({"eject_after": 256}, "circle: eject after not in 0..255 rounds"),
        ({"bond": 2**128 + 1}, "circle: bond not in 0..2^128 wei"),
        ({"dispute_bond": 2**128 + 1}, "circle: bond not in 0..2^128 wei"),
        ({"unbonding_s": YEAR_S + 1}, "circle: unbonding not in 0 s..365 days"),
        ({"rotation_delay_s": YEAR_S + 1}, "circle: rotation delay not in 0 s..365 days"),
        ({"dispute_window_s": 0}, "circle: dispute window not in 1 s..30 days"),
        ({"dispute_window_s": MONTH_S + 1}, "circle: dispute window not in 1 s..30 days"),
        ({"jury_seats": 0}, "circle: jury seats not in 1..21"),
        ({"jury_seats": 22}, "circle: jury seats not in 1..21"),
        ({"admission": 3, "inviter": INVITER}, "circle: admission not in 0..2"),
        ({"admission": BY_INVITER}, "circle: inviter does not fit admission"),
        ({"admission": BY_MEMBERS}, "circle: inviter does not fit admission"),
        ({"inviter": INVITER}, "circle: inviter does not fit admission"),
        ({"dispute_bond": 1, "bond": 0}, "circle: disputes need a bond"),
        ({**DISPUTED, "unbonding_s": 8 * WINDOW_S - 1}, "circle: unbonding below 8 dispute windows"),
    ],
)
def test_terms_outside_their_range_are_refused(terms: dict[str, object], says: str) -> None:
    assert reason(b"manifest", ContractTerms().but(**terms)) == says


def test_a_circle_needs_a_manifest() -> None:
    assert reason(b"", ContractTerms()) == "circle: manifest is empty"


@pytest.mark.rule("R3.2")
def test_a_manifest_beyond_the_limit_is_refused() -> None:
    assert reason(b"m" * 16384, ContractTerms()) is None
    assert reason(b"m" * 16385, ContractTerms()) == ""


def test_a_chain_that_counts_milliseconds_is_refused() -> None:
    machine = BareMachine(1)
    machine.pass_time(1000 * machine.now_s)
    assert reason(b"manifest", ContractTerms(), machine) == "circle: chain's clock is not in seconds"


def test_no_coin_is_taken_at_deployment() -> None:
    machine = BareMachine(1)
    data = load_circle_artifact().encode_creation((manifest_bytes(ContractTerms()), ContractTerms().words))
    assert machine.run(machine.accounts[0], None, data, 1).reason == ""


@pytest.mark.parametrize(
    "terms",
    [
        ContractTerms(2, 2, 1, 1, 1, 1, 1, 256, 0, 0, 0, 0, 0, 1, 1, 0, NOBODY),
        ContractTerms(
            256, 256, 2**21 - 1, MONTH_S, MONTH_S, 20, 8, 32767,
            255, 2**128, YEAR_S, YEAR_S, 2**128, MONTH_S, 21, 2, INVITER,
        ),
    ],
)  # fmt: skip
def test_the_limits_themselves_are_allowed_and_readable(terms: ContractTerms) -> None:
    circle = CircleUnderTest(BareMachine(1), terms)
    *words, _ = terms.words
    assert circle.view("terms") == ((*words, circle.court.lower()),)


def test_disputes_take_a_bond_and_an_unbonding_of_eight_windows() -> None:
    assert reason(b"manifest", ContractTerms().but(**DISPUTED, unbonding_s=8 * WINDOW_S)) is None
    # Without disputes nothing hangs on their window.
    assert reason(b"manifest", ContractTerms().but(unbonding_s=0, dispute_window_s=MONTH_S)) is None


def test_opening_emits_the_whole_manifest_and_its_digest(deploy: Callable[..., CircleUnderTest]) -> None:
    circle = deploy(last_round=7)
    manifest = manifest_bytes(circle.terms)
    assert circle.history.opened == Opened(manifest_digest(manifest), manifest)
    assert circle.view("TASK") == (manifest_digest(manifest),)


@pytest.mark.rule("R3.3")
def test_a_new_circle_gathers(deploy: Callable[..., CircleUnderTest]) -> None:
    state = deploy().state
    assert (state.phase, state.round, state.seats, state.deadline_s) == (Phase.GATHERING, 0, 0, 0)


def test_the_code_behind_the_runtime_holds_the_immutables(deploy: Callable[..., CircleUnderTest]) -> None:
    circle = deploy(start_seats=5, quorum=4)
    words = load_circle_artifact().read_immutables(circle.machine.code(circle.address), circle.address)
    assert int.from_bytes(words["START_SEATS"], "big") == 5
    assert int.from_bytes(words["QUORUM"], "big") == 4
    assert words["TASK"] == circle.view("TASK")[0]


def test_the_deployed_code_keeps_eip_170s_limit(deploy: Callable[..., CircleUnderTest]) -> None:
    circle = deploy()
    assert len(circle.machine.code(circle.address)) <= 24576
