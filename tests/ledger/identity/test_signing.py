"""Signatures and the network they are bound to, against eth_account as a second implementation."""

import contextlib
from collections.abc import Mapping

import pytest
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_hash.auto import keccak
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.identity.network import Network
from ledger.identity.signing import (
    BadSignature,
    announcement_hash,
    bundle_hash,
    encode_compact,
    hello_hash,
    invitation_hash,
    recover,
    sign,
)
from tests.support import golden

pytestmark = pytest.mark.rule("R2")

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
NETWORK = Network.of(31337, CONTRACT)
KEY = keccak(b"a key for tests")
ACCOUNT = Account.from_key(KEY)
MESSAGE = keccak(b"message")

DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: Network.of(1, "0x" + raw.hex()).contract)
WORDS = st.binary(min_size=32, max_size=32)
CHAINS = st.integers(0, 2**256 - 1)


def typed(
    network: Network, kind: str, fields: list[tuple[str, str]], message: Mapping[str, object]
) -> SignableMessage:
    """eth_account's SignableMessage for one EIP-712 message of ours."""
    return encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": DOMAIN_TYPE,
                kind: [{"name": name, "type": solidity} for name, solidity in fields],
            },
            "primaryType": kind,
            "domain": {
                "name": "Folkmoot",
                "version": "1",
                "chainId": network.chain_id,
                "verifyingContract": network.contract,
            },
            "message": message,
        }
    )


def hash_of(signable: SignableMessage) -> bytes:
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@given(CHAINS, ADDRESSES, st.integers(0, 2**256 - 1), ADDRESSES, WORDS)
def test_an_announcement_is_the_typed_data_that_eth_account_makes(
    chain_id: int, contract: str, number: int, author: str, digest: bytes
) -> None:
    network = Network.of(chain_id, contract)
    fields = [("round", "uint256"), ("author", "address"), ("digest", "bytes32")]
    signable = typed(network, "Announcement", fields, {"round": number, "author": author, "digest": digest})
    assert announcement_hash(network, number, author, digest) == hash_of(signable)
    assert network.domain_separator == signable.header


@given(CHAINS, ADDRESSES, ADDRESSES, WORDS, WORDS)
def test_a_hello_is_the_typed_data_that_eth_account_makes(
    chain_id: int, contract: str, peer: str, certificate: bytes, challenge: bytes
) -> None:
    network = Network.of(chain_id, contract)
    fields = [("peer", "address"), ("certificate", "bytes32"), ("challenge", "bytes32")]
    message = {"peer": peer, "certificate": certificate, "challenge": challenge}
    signable = typed(network, "Hello", fields, message)
    assert hello_hash(network, peer, certificate, challenge) == hash_of(signable)


@given(CHAINS, ADDRESSES, ADDRESSES, st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_an_invitation_is_the_typed_data_that_eth_account_makes(
    chain_id: int, contract: str, peer: str, nonce: int, expiry: int
) -> None:
    network = Network.of(chain_id, contract)
    fields = [("peer", "address"), ("nonce", "uint256"), ("expiry", "uint256")]
    signable = typed(network, "Invitation", fields, {"peer": peer, "nonce": nonce, "expiry": expiry})
    assert invitation_hash(network, peer, nonce, expiry) == hash_of(signable)


@pytest.mark.rule("R32.5")
@given(CHAINS, ADDRESSES, WORDS, st.integers(0, 2**256 - 1))
def test_a_bundles_signature_is_of_the_typed_data_that_eth_account_makes(
    chain_id: int, contract: str, root: bytes, claimed: int
) -> None:
    network = Network.of(chain_id, contract)
    signable = typed(
        network, "Bundle", [("root", "bytes32"), ("claimed", "uint256")], {"root": root, "claimed": claimed}
    )
    assert bundle_hash(network, root, claimed) == hash_of(signable)


@given(WORDS)
def test_a_compact_signature_holds_the_whole_one(message: bytes) -> None:
    signature = sign(KEY, message)
    r, vs = encode_compact(signature)
    s, v = vs & (1 << 255) - 1, 27 + (vs >> 255)
    assert r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v]) == signature


def test_the_standards_own_compact_signatures_come_out() -> None:
    """Source: the two examples of EIP-2098."""
    r = "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b90"
    s = "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064"
    assert encode_compact(bytes.fromhex(r + s) + b"\x1b") == (int(r, 16), int(s, 16))
    r = "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76"
    s = "139c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793"
    vs = "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793"
    assert encode_compact(bytes.fromhex(r + s) + b"\x1c") == (int(r, 16), int(vs, 16))


def test_hashes_and_signatures_are_the_ones_once_written_down() -> None:
    digest = keccak(b"digest")
    hashes = {
        "announcement": announcement_hash(NETWORK, 5, ACCOUNT.address, digest),
        "invitation": invitation_hash(NETWORK, ACCOUNT.address, 7, 1_800_000_000),
        "hello": hello_hash(NETWORK, ACCOUNT.address, digest, keccak(b"challenge")),
        "bundle": bundle_hash(NETWORK, digest, 1_800_000_000),
    }
    golden.expect(
        "signing",
        {
            "peer": ACCOUNT.address,
            "network": NETWORK.domain_separator.hex(),
            **{
                name: {
                    "hash": message.hex(),
                    "signature": sign(KEY, message).hex(),
                    "compact": [hex(part) for part in encode_compact(sign(KEY, message))],
                }
                for name, message in hashes.items()
            },
        },
    )


@given(WORDS)
def test_what_is_signed_recovers_to_the_signer_here_and_in_eth_account(message: bytes) -> None:
    signature = sign(KEY, message)
    assert len(signature) == 65
    assert signature[64] in (27, 28)
    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2
    assert recover(message, signature) == ACCOUNT.address
    assert Account._recover_hash(message, signature=signature) == ACCOUNT.address


def test_what_eth_account_signs_recovers_here() -> None:
    digest = keccak(b"digest")
    fields = [("round", "uint256"), ("author", "address"), ("digest", "bytes32")]
    message = {"round": 5, "author": ACCOUNT.address, "digest": digest}
    signed = Account.sign_message(typed(NETWORK, "Announcement", fields, message), KEY)
    assert recover(announcement_hash(NETWORK, 5, ACCOUNT.address, digest), signed.signature) == ACCOUNT.address


def test_the_malleable_twin_of_a_signature_is_refused() -> None:
    """(r, n − s, v flipped) satisfies the same equation: without the check, one signature would be two."""
    signature = sign(KEY, MESSAGE)
    twin_s = ORDER - int.from_bytes(signature[32:64], "big")
    twin = signature[:32] + twin_s.to_bytes(32, "big") + bytes([55 - signature[64]])
    with pytest.raises(BadSignature, match="half"):
        recover(MESSAGE, twin)


def test_the_half_order_itself_is_no_fault_of_the_check() -> None:
    """s = n/2 is still low: refused, if at all, for what it is, not for its size."""
    signature = sign(KEY, MESSAGE)
    at_half = signature[:32] + (ORDER // 2).to_bytes(32, "big") + signature[64:]
    above = signature[:32] + (ORDER // 2 + 1).to_bytes(32, "big") + signature[64:]
    assert recover(MESSAGE, at_half) != ACCOUNT.address
    with pytest.raises(BadSignature, match="half"):
        recover(MESSAGE, above)


@pytest.mark.parametrize(
    "other",
    [Network.of(31338, CONTRACT), Network.of(31337, "0x" + "12" * 20)],
    ids=["other-chain", "other-contract"],
)
def test_a_signature_for_another_network_names_another_address(other: Network) -> None:
    digest = keccak(b"digest")
    signature = sign(KEY, announcement_hash(NETWORK, 5, ACCOUNT.address, digest))
    assert recover(announcement_hash(other, 5, ACCOUNT.address, digest), signature) != ACCOUNT.address


def test_a_signature_for_another_round_author_digest_or_purpose_names_another_address() -> None:
    first, second = keccak(b"first"), keccak(b"second")
    signature = sign(KEY, announcement_hash(NETWORK, 5, ACCOUNT.address, first))
    for message in (
        announcement_hash(NETWORK, 6, ACCOUNT.address, first),
        announcement_hash(NETWORK, 5, CONTRACT, first),
        announcement_hash(NETWORK, 5, ACCOUNT.address, second),
        hello_hash(NETWORK, ACCOUNT.address, first, second),
        invitation_hash(NETWORK, ACCOUNT.address, 5, int.from_bytes(first, "big")),
    ):
        assert recover(message, signature) != ACCOUNT.address


@given(st.binary(min_size=60, max_size=70) | st.binary(min_size=64, max_size=64).map(lambda body: body + b"\x1b"))
@example(bytes(64) + b"\x1b")
@example(bytes(32) + b"\1" * 32 + b"\x1c")
@example(b"\1" * 32 + bytes(32) + b"\x1b")
@example(ORDER.to_bytes(32, "big") + b"\1" * 32 + b"\x1b")
@example(b"\xff" * 32 + b"\1" * 32 + b"\x1b")
@example(b"\1" * 64 + b"\0")
@example(b"\1" * 64 + b"\1")
@example(b"")
@example(b"\1" * 66)
def test_any_bytes_recover_to_an_address_or_are_a_bad_signature(signature: bytes) -> None:
    try:
        address = recover(MESSAGE, signature)
    except BadSignature:
        return
    assert address == Network.of(1, address).contract
    assert address != ACCOUNT.address


@given(st.integers(0, 64), st.integers(1, 255))
def test_one_changed_byte_never_still_names_the_signer(place: int, flip: int) -> None:
    signature = bytearray(sign(KEY, MESSAGE))
    signature[place] ^= flip
    with contextlib.suppress(BadSignature):
        assert recover(MESSAGE, bytes(signature)) != ACCOUNT.address


def test_a_message_that_is_no_hash_is_refused() -> None:
    with pytest.raises(BadSignature):
        recover(b"short", sign(KEY, MESSAGE))


def test_a_network_is_the_same_however_its_address_is_spelt() -> None:
    assert Network.of(31337, CONTRACT.lower()) == NETWORK
    assert Network.of(31337, "0x" + CONTRACT[2:].upper()) == NETWORK
    for no_address in ("", "0x12", CONTRACT + "00", "0x" + "zz" * 20):
        with pytest.raises(ValueError, match=r".+"):
            Network.of(1, no_address)
