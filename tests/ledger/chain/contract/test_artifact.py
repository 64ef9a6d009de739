"""The committed code: small enough for any chain, no instruction a Cancun chain lacks, masked where terms lie."""

import pytest

from ledger.chain.contract.artifact import CodeMismatch, load_circle_artifact
from ledger.chain.deployment.plan import make_plan
from ledger.chain.deployment.terms import ChosenTerms
from ledger.circle.manifest import MANIFEST_MAX_BYTES
from tests.support.histories.parts import manifest_of

pytestmark = pytest.mark.rule("R3")

CODE_MAX_BYTES = 24_576  # EIP-170, in force since 2016
CREATION_MAX_BYTES = 49_152  # EIP-3860, Shanghai
WORD = 32
ADDRESS = "0x" + "11" * 20
# Instructions of forks after Cancun (Osaka: CLZ; EOF's), which a chain that is not newer would stop at.
LATER = {0x1E: "CLZ", 0xE0: "RJUMP", 0xE3: "CALLF", 0xEC: "EOFCREATE"}


def test_the_deployed_code_keeps_the_size_limit() -> None:
    assert load_circle_artifact().code_bytes <= CODE_MAX_BYTES
    assert len(load_circle_artifact().court_code) <= CODE_MAX_BYTES


def test_creation_keeps_the_size_limit_with_the_largest_manifest() -> None:
    plan = make_plan(
        manifest_of(9, 3), ChosenTerms(start_seats=4, quorum=3, commit_window_s=60, attest_window_s=30)
    )
    padded = (len(plan.manifest.encode()) + WORD - 1) // WORD * WORD
    assert len(plan.encode_circle_creation(ADDRESS)) - padded + MANIFEST_MAX_BYTES <= CREATION_MAX_BYTES
    assert len(plan.court_data) <= CREATION_MAX_BYTES


def test_a_cancun_chain_knows_every_instruction() -> None:
    used = instructions(bytes.fromhex(load_circle_artifact().runtime[2:]))
    assert not (used | instructions(load_circle_artifact().court_code)) & LATER.keys()
    assert 0x5F in used, "PUSH0 is what an older chain stops at"


def test_the_court_has_no_constructor_and_no_immutables_so_its_code_is_the_same_everywhere() -> None:
    assert load_circle_artifact().court_code in load_circle_artifact().court_creation


def instructions(code: bytes) -> set[int]:
    """The instructions of a program, read in a line; what follows its last one is data."""
    found, place = set(), 0
    while place < len(code) and code[place] != 0xFE:
        found.add(code[place])
        place += 1 + max(0, code[place] - 0x5F) * (0x60 <= code[place] <= 0x7F)
    return found


def deployed() -> bytes:
    artifact = load_circle_artifact()
    words = b"".join(number.to_bytes(WORD, "big") for number in range(len(artifact.immutables)))
    return bytes.fromhex(artifact.runtime[2:]) + words


def test_the_words_behind_the_code_may_differ_and_are_read() -> None:
    words = load_circle_artifact().read_immutables(deployed(), ADDRESS)
    assert words.keys() == load_circle_artifact().immutables.keys()
    assert sorted(int.from_bytes(word, "big") for word in words.values()) == list(range(len(words)))


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_changed_byte_of_the_code_is_a_mismatch(place: int) -> None:
    length = len(load_circle_artifact().runtime) // 2 - 1
    code = bytearray(deployed())
    code[place % length] ^= 1
    with pytest.raises(CodeMismatch, match="is not the circle contract of this version"):
        load_circle_artifact().read_immutables(bytes(code), ADDRESS)


def test_code_that_is_too_short_or_too_long_is_a_mismatch() -> None:
    for code in (deployed()[:-1], deployed() + b"\0", deployed()[:40]):
        with pytest.raises(CodeMismatch, match="is not the circle contract"):
            load_circle_artifact().read_immutables(code, ADDRESS)


def test_an_address_without_code_is_said_to_be_one() -> None:
    with pytest.raises(CodeMismatch, match="there is no contract at"):
        load_circle_artifact().read_immutables(b"", ADDRESS)
