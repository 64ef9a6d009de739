"""Whatever the contract says no with, a person reads a sentence with a next step."""

import re
from pathlib import Path

import pytest
from eth_abi import encode as abi_encode

from ledger.chain.contract.revert_reasons import SENTENCES, decode_revert_reason, explain_revert

CONTRACTS = Path(__file__).resolve().parents[4] / "contracts"
# A string of the form `module: fact`; comments and documentation hold none in quotation marks.
REASON = re.compile(r'"([a-z]+: [^"]+)"')


def reasons_in_the_source() -> set[str]:
    sources = [path.read_text() for path in CONTRACTS.rglob("*.vy")]
    return {reason for source in sources for reason in REASON.findall(source)}


def test_every_reason_in_the_contract_has_a_sentence() -> None:
    found = reasons_in_the_source()
    assert len(found) > 25
    assert found - set(SENTENCES) == set(), "add them to ledger/chain/contract/revert_reasons.py"


def test_no_sentence_is_left_of_a_reason_that_is_gone() -> None:
    assert set(SENTENCES) - reasons_in_the_source() == set(), (
        "remove them from ledger/chain/contract/revert_reasons.py"
    )


def test_no_refusal_in_the_contract_is_without_a_reason() -> None:
    for path in CONTRACTS.rglob("*.vy"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            statement = line.partition("#")[0].strip()
            if statement.startswith(("assert ", "raise")) and not statement.endswith("("):
                assert REASON.search(statement) or statement.endswith(", reason"), f"{path.name}:{number}"


@pytest.mark.parametrize("reason", sorted(SENTENCES))
def test_a_sentence_names_the_fact_and_a_next_step(reason: str) -> None:
    fact, _, step = SENTENCES[reason].partition(": ")
    assert 10 < len(fact) < 160
    assert len(step) >= 4
    assert not SENTENCES[reason].endswith(".")


def test_a_reason_is_found_in_what_endpoints_say() -> None:
    sentence = SENTENCES["join: already seated"]
    assert explain_revert("execution reverted: join: already seated") == sentence
    assert explain_revert("VM Exception: revert join: already seated, data: 0x08c379a0") == sentence
    assert explain_revert("execution reverted") is None


def test_a_reason_that_begins_like_another_keeps_its_own_sentence() -> None:
    for reason in SENTENCES:
        assert explain_revert(f"execution reverted: {reason}") == SENTENCES[reason]


def test_a_reason_is_read_from_revert_data() -> None:
    data = "0x08c379a0" + abi_encode(["string"], ["join: already seated"]).hex()
    assert decode_revert_reason(data) == "join: already seated"


@pytest.mark.parametrize(
    "data", [None, "", "0x", "0x08c379a0", "0x4e487b71" + "00" * 32, "0x08c379a0zz", "0x08c379a0" + "ff" * 64]
)
def test_data_that_holds_no_reason_gives_none(data: str | None) -> None:
    assert decode_revert_reason(data) is None


def test_huge_revert_data_is_not_read() -> None:
    data = "0x08c379a0" + abi_encode(["string"], ["x" * 10_000]).hex()
    assert decode_revert_reason(data) is None
