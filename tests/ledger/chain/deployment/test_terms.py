"""Terms are refused before anything is paid for, and reach the constructor by name."""

from typing import Any

import msgspec
import pytest

from ledger.chain.contract.artifact import Artifact, load_circle_artifact
from ledger.chain.deployment.plan import make_plan
from ledger.chain.deployment.terms import (
    MAX_BOND_WEI,
    Admission,
    ChosenTerms,
    check_terms,
    compute_term_values,
    encode_constructor_arguments,
    find_differing_terms,
)
from ledger.errors import UsageError
from tests.support.histories.parts import manifest_of

pytestmark = pytest.mark.rule("R3.1")

GIVEN: dict[str, Any] = {"start_seats": 4, "quorum": 3, "commit_window_s": 60, "attest_window_s": 30}
SOMEBODY = "0x" + "ab" * 20
DISPUTES: dict[str, Any] = {"bond": 8000, "dispute_bond": 400, "dispute_window_s": 100, "unbonding_s": 800}


def terms(**changes: Any) -> ChosenTerms:
    return ChosenTerms(**GIVEN | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"start_seats": 1}, "2 to 256 peers, not 1: choose another --peers"),
        ({"start_seats": 257}, "2 to 256 peers, not 257"),
        ({"quorum": 1}, "the quorum is 2 to 4 peers, not 1"),
        ({"quorum": 5}, "the quorum is 2 to 4 peers, not 5"),
        ({"commit_window_s": 0}, "1 second to 30 days, not 0: choose another --commit-window"),
        ({"attest_window_s": 30 * 86400 + 1}, "choose another --attest-window"),
        ({"reputation_shift": 0}, "1 to 8, not 0"),
        ({"reputation_floor": 32768}, "256 to 32767"),
        ({"eject_after": 256}, "choose another --eject-after"),
        ({"bond": -1}, "choose another --bond"),
        ({"bond": MAX_BOND_WEI + 1}, "choose another --bond"),
        ({"jury_seats": 0}, "choose another --jury-seats"),
        ({"dispute_window_s": 0}, "choose another --dispute-window"),
        ({"unbonding_s": 366 * 86400}, "choose another --unbonding"),
        ({"rotation_delay_s": 366 * 86400}, "choose another --rotation-delay"),
        ({"admission": 3}, "choose another --admission"),
        ({"admission": Admission.INVITER}, "--inviter and an --admission"),
        ({"inviter": SOMEBODY}, "--inviter and an --admission"),
        ({"inviter": "somebody", "admission": 1}, "is no address"),
        ({"dispute_bond": 1}, "there is none: choose a --bond, or --dispute-bond 0"),
        (DISPUTES | {"unbonding_s": 799}, r"8 dispute windows or more \(800 s here\), not 799 s.*--unbonding"),
    ],
)
def test_terms_the_contract_would_refuse_name_the_option_to_change(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        check_terms(terms(**changes))


def test_the_limits_themselves_are_allowed() -> None:
    check_terms(
        terms(start_seats=256, quorum=256, commit_window_s=1, attest_window_s=30 * 86400, bond=MAX_BOND_WEI)
    )
    check_terms(terms(**DISPUTES))
    check_terms(terms(unbonding_s=0))
    check_terms(terms(start_seats=2, quorum=2, admission=Admission.MEMBERS, inviter=SOMEBODY, reputation_floor=256))


def artifact_taking(*names: str) -> Artifact:
    """An artifact whose constructor takes the manifest and these terms as a struct."""
    parts = [{"name": name, "type": "address" if name == "inviter" else "uint256"} for name in names]
    inputs = [{"name": "manifest", "type": "bytes"}, {"name": "terms", "type": "tuple", "components": parts}]
    return msgspec.structs.replace(
        load_circle_artifact(), abi=[{"type": "constructor", "inputs": inputs}], bytecode="0x"
    )


def test_a_struct_of_terms_is_filled_by_name_and_in_order() -> None:
    artifact, manifest = artifact_taking("last_round", "inviter", "bond", "degree", "admission"), manifest_of(9, 3)
    values = compute_term_values(artifact, manifest, terms(bond=10**20, inviter=SOMEBODY, admission=1))
    expected = {"last_round": 9, "inviter": SOMEBODY, "bond": 10**20, "degree": 3, "admission": 1}
    assert list(values.items()) == list(expected.items())
    assert encode_constructor_arguments(artifact, b"m", values) == (b"m", tuple(expected.values()))
    encoded = artifact.encode_creation(encode_constructor_arguments(artifact, b"m", values))
    words = [int.from_bytes(encoded[at : at + 32], "big") for at in range(32, 192, 32)]
    assert words == [9, int(SOMEBODY, 16), 10**20, 3, 1]


def test_separate_terms_are_filled_by_name_too() -> None:
    inputs = [{"name": name, "type": "uint256"} for name in ("quorum", "start_seats")]
    inputs.insert(0, {"name": "manifest", "type": "bytes"})
    artifact = msgspec.structs.replace(load_circle_artifact(), abi=[{"type": "constructor", "inputs": inputs}])
    values = compute_term_values(artifact, manifest_of(9, 3), terms())
    assert encode_constructor_arguments(artifact, b"m", values) == (b"m", 3, 4)


def test_a_term_that_was_chosen_is_never_left_out() -> None:
    artifact = artifact_taking("last_round", "degree")
    with pytest.raises(UsageError, match="has no bond: leave that option out"):
        compute_term_values(artifact, manifest_of(9, 3), terms(bond=1))


def test_the_constructor_takes_no_term_that_is_not_known_here() -> None:
    plan = make_plan(manifest_of(9, 3), terms())
    assert plan.terms["start_seats"] == 4
    assert plan.terms["last_round"] == 9
    assert list(plan.compute_terms(SOMEBODY).items())[-1] == ("court", SOMEBODY)
    assert bytes.fromhex(SOMEBODY[2:]) in plan.encode_circle_creation(SOMEBODY)


def test_a_deployed_circles_words_are_compared_with_the_terms() -> None:
    words = {"QUORUM": (3).to_bytes(32, "big"), "INVITER": bytes.fromhex(SOMEBODY[2:]).rjust(32, b"\0")}
    assert find_differing_terms(words, {"quorum": 3, "inviter": SOMEBODY, "not_kept": 7}) == []
    assert find_differing_terms(words, {"quorum": 4, "inviter": "0x" + "00" * 20}) == ["quorum", "inviter"]
