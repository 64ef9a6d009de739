"""What endpoints may answer: anything else is refused, whatever it is, and never acted on."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense

DIGEST, ADDRESS = "0x" + "ab" * 32, "0x" + "11" * 20
BLOCK = {"number": "0x7", "hash": DIGEST, "timestamp": "0x1"}
RECEIPT = {
    "transactionHash": DIGEST,
    "blockHash": DIGEST,
    "blockNumber": "0x7",
    "gasUsed": "0x5208",
    "status": "0x1",
    "effectiveGasPrice": "0x1",
    "contractAddress": ADDRESS,
}
FEES = {"oldestBlock": "0x7", "baseFeePerGas": ["0x1", "0x2"]}
PARSERS = {
    "quantity": answers.parse_quantity,
    "height": answers.parse_height,
    "nonce": answers.parse_nonce,
    "chain id": answers.parse_chain_id,
    "data": answers.parse_data,
    "digest": answers.parse_digest,
    "block": answers.block_parser(7),
    "receipt": answers.receipt_parser(DIGEST),
    "fees": answers.parse_next_base_fee,
    "call data": answers.call_data_parser(DIGEST),
}
NO_NUMBERS = [
    "-0x1",
    "0x",
    "",
    "7",
    "0x7 ",
    " 0x7",
    "0x_7",
    "0x" + "7" * 65,
    "0xzz",
    "٧",
    7,
    7.0,
    True,
    None,
    [],
    {},
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["0x", "0x7", DIGEST]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from([*BLOCK, *RECEIPT, *FEES]), inner, max_size=6)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("raw", NO_NUMBERS, ids=repr)
def test_what_is_no_quantity_is_refused(raw: Any) -> None:
    for name in ("quantity", "height", "nonce", "chain id"):
        with pytest.raises(Nonsense):
            PARSERS[name](raw)


def test_numbers_have_bounds() -> None:
    assert answers.parse_quantity("0x" + "f" * 64) == (1 << 256) - 1
    for parse, most in (
        (answers.parse_height, 1 << 40),
        (answers.parse_chain_id, (1 << 64) - 1),
        (answers.parse_nonce, (1 << 64) - 2),
    ):
        assert parse(hex(most)) == most
        with pytest.raises(Nonsense):
            parse(hex(most + 1))


@pytest.mark.parametrize("raw", ["0x1", "0xzz", "12", "", "0x12 34", "0x12\n", "0x١٢", 5, None, True, b"0x12"])
def test_what_is_no_hex_is_refused(raw: bytes | int | str | None) -> None:
    with pytest.raises(Nonsense):
        answers.parse_data(raw)


def spoiled(known: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """The same with one member gone, of another kind, or absurd."""
    absurd: list[Any] = [None, True, 7, [], {}, "0x", "0x-1", "0x" + "7" * 70, "nonsense"]
    for name, right in known.items():
        yield {key: value for key, value in known.items() if key != name}
        for other in absurd:
            if other != right:
                yield {**known, name: other}


def test_blocks_receipts_and_fees_are_taken_whole_or_not_at_all() -> None:
    assert answers.block_parser(7)(BLOCK).hash == DIGEST
    receipt = answers.receipt_parser(DIGEST)(RECEIPT)
    assert receipt is not None
    assert receipt.gas == 21_000
    assert answers.parse_next_base_fee(FEES) == (2, 7)
    kinds: dict[str, Mapping[str, object]] = {"block": BLOCK, "fees": FEES, "receipt": RECEIPT}
    for name, known in kinds.items():
        for raw in spoiled(known):
            try:
                value = PARSERS[name](raw)
            except Nonsense:
                continue
            # What may be left out or null: no price, no contract, in no block.
            assert name != "fees"
            assert value is None or raw.keys() != known.keys() or None in raw.values()


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("block", {**BLOCK, "number": "0x8"}),
        ("receipt", {**RECEIPT, "transactionHash": "0x" + "cd" * 32}),
        ("receipt", {**RECEIPT, "status": "0x2"}),
        ("receipt", {**RECEIPT, "contractAddress": DIGEST}),
        ("fees", {**FEES, "baseFeePerGas": []}),
        ("fees", {**FEES, "baseFeePerGas": ["0x1"] * 2000}),
        ("call data", None),
        ("call data", {"hash": "0x" + "cd" * 32, "input": "0x"}),
    ],
)
def test_an_answer_about_something_else_is_none(name: str, raw: dict[str, list[str] | str] | None) -> None:
    with pytest.raises(Nonsense):
        PARSERS[name](raw)


@settings(max_examples=300)
@given(raw=json_values, name=st.sampled_from(sorted(PARSERS)))
def test_no_json_ends_in_anything_but_a_value_or_a_refusal(raw: Any, name: str) -> None:
    with contextlib.suppress(Nonsense):
        PARSERS[name](raw)


@settings(max_examples=200)
@given(
    encoded=st.binary(max_size=200),
    types=st.lists(
        st.sampled_from(["string", "bytes", "uint8", "bytes32", "address", "uint256[16]", "bool"]), max_size=4
    ),
)
def test_no_bytes_end_in_anything_but_values_or_a_refusal(encoded: bytes, types: list[str]) -> None:
    with contextlib.suppress(Nonsense):
        answers.decode_abi_values(types, encoded)


def test_an_offset_beyond_all_measure_is_a_refusal() -> None:
    with pytest.raises(Nonsense):
        answers.decode_abi_values(["string"], bytes(31) + b"\x20" + b"\xff" * 32 + bytes(64))
