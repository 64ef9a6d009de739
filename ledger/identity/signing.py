"""Signatures bound to chain id, contract and purpose (EIP-712), made and checked with secp256k1.

Every signed thing has an EIP-712 type, so that a contract can check the same signature later.
"""

from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak

from ledger.errors import PeerFault
from ledger.identity.addresses import ADDRESS_BYTES, address_text, encode_address, encode_word
from ledger.identity.network import Network

SIGNATURE_BYTES = 65
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_ANNOUNCEMENT = keccak(b"Announcement(uint256 round,address author,bytes32 digest)")
_INVITATION = keccak(b"Invitation(address peer,uint256 nonce,uint256 expiry)")
_HELLO = keccak(b"Hello(address peer,bytes32 certificate,bytes32 challenge)")
_BUNDLE = keccak(b"Bundle(bytes32 root,uint256 claimed)")


class BadSignature(PeerFault):
    """The bytes are no valid signature (length, malleable s, no such point)."""


def announcement_hash(network: Network, round_number: int, author: str, digest: bytes) -> bytes:
    """What the author of an update signs, so that two digests for one round convict it. Returns 32 bytes."""
    return _hash_typed(network, _ANNOUNCEMENT + encode_word(round_number) + encode_address(author) + digest)


def invitation_hash(network: Network, peer: str, nonce: int, expiry_s: int) -> bytes:
    """What an inviter signs to let a key join. Returns 32 bytes.

    nonce: any number below 2^256, so that two invitations differ. expiry_s: Unix time.
    """
    return _hash_typed(network, _INVITATION + encode_address(peer) + encode_word(nonce) + encode_word(expiry_s))


def encode_compact(signature: bytes) -> tuple[int, int]:
    """(r, vs) of a 65-byte signature, as the contract takes it: v - 27 in the highest bit of s (EIP-2098)."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return r, s | (signature[64] - 27) << 255


def hello_hash(network: Network, peer: str, certificate: bytes, challenge: bytes) -> bytes:
    """What both ends of a connection sign: the TLS certificate's SHA-256 and the other end's fresh challenge.

    certificate, challenge: 32 bytes each. Returns 32 bytes.
    """
    return _hash_typed(network, _HELLO + encode_address(peer) + certificate + challenge)


def bundle_hash(network: Network, root: bytes, claimed_s: int) -> bytes:
    """What is signed of an audit's evidence: the digest of its root, 32 bytes. Returns 32 bytes (R32.5).

    claimed_s: when that is, by the signer's word; Unix time.
    """
    return _hash_typed(network, _BUNDLE + root + encode_word(claimed_s))


def sign(key: bytes, message_hash: bytes) -> bytes:
    """Sign 32 bytes with a 32-byte private key. Returns r ‖ s ‖ v, 65 bytes, v in {27, 28}, low s (EIP-2)."""
    signature = PrivateKey(key).sign_recoverable(message_hash, hasher=None)
    return signature[:64] + bytes([signature[64] + 27])


def recover(message_hash: bytes, signature: bytes) -> str:
    """The checksummed address whose key made the signature (R2).

    Raises BadSignature on a wrong length, v outside {27, 28}, s above the half order (EIP-2) or no such point.
    """
    if len(signature) != SIGNATURE_BYTES or signature[64] not in (27, 28):
        raise BadSignature(f"a signature is {SIGNATURE_BYTES} bytes with v 27 or 28, got {len(signature)} bytes")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise BadSignature("the signature's s is above half the group order")
    try:
        public = PublicKey.from_signature_and_message(
            signature[:64] + bytes([signature[64] - 27]), message_hash, hasher=None
        )
    except Exception as error:  # coincurve raises bare Exception for a point that does not exist
        raise BadSignature("the signature names no point on the curve") from error
    return address_of(public)


def address_of(public: PublicKey) -> str:
    """The checksummed address of a key."""
    return address_text(keccak(public.format(compressed=False)[1:])[-ADDRESS_BYTES:])


def _hash_typed(network: Network, encoded: bytes) -> bytes:
    return keccak(b"\x19\x01" + network.domain_separator + keccak(encoded))
