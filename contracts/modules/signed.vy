# pragma version 0.4.3
"""
@title What peers sign, and who signed it (EIP-712)
@license Apache-2.0
@notice `ledger/signing.py` makes the same hashes.
"""

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
NAME: constant(bytes32) = keccak256("Folkmoot")
VERSION: constant(bytes32) = keccak256("1")
ANNOUNCEMENT: constant(bytes32) = keccak256("Announcement(uint256 round,address author,bytes32 digest)")
INVITATION: constant(bytes32) = keccak256("Invitation(address peer,uint256 nonce,uint256 expiry)")
# Of the two values of s that make a signature valid only the lower one counts (EIP-2).
HALF_ORDER: constant(uint256) = (
    57_896_044_618_658_097_711_785_492_504_343_953_926_418_782_139_537_452_191_302_581_570_759_080_747_168
)


@internal
@view
def _announcement(round: uint256, author: address, digest: bytes32) -> bytes32:
    return self._typed(keccak256(abi_encode(ANNOUNCEMENT, round, author, digest)))


@internal
@view
def _invitation(peer: address, nonce: uint256, expiry: uint256) -> bytes32:
    return self._typed(keccak256(abi_encode(INVITATION, peer, nonce, expiry)))


@internal
@view
def _typed(content: bytes32) -> bytes32:
    # The domain is not kept: after a fork of the chain its id, and so every signature, is another.
    domain: bytes32 = keccak256(abi_encode(DOMAIN_TYPE, NAME, VERSION, chain.id, self))
    return keccak256(concat(b"\x19\x01", domain, content))


@internal
@pure
def _signer(hash: bytes32, r: uint256, vs: uint256) -> address:
    """
    @param vs s, with v - 27 in the highest bit (EIP-2098).
    @return Who signed; the empty address for what is no signature, and for what is one but malleable.
    """
    s: uint256 = vs & (2**255 - 1)
    if s > HALF_ORDER:
        return empty(address)
    return ecrecover(hash, 27 + (vs >> 255), r, s)
