# pragma version 0.4.3
"""
@title What peers sign, and who signed it (EIP-712)
@license Apache-2.0
@notice Announcements of updates and invitations (docs/protocol.md, R2). The signing of the Python ledger makes the
        same hashes.
"""

# @dev What stands in every signed hash beside chain and contract.
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
NAME: constant(bytes32) = keccak256("Folkmoot")
VERSION: constant(bytes32) = keccak256("1")

# @dev The types of what is signed.
ANNOUNCEMENT: constant(bytes32) = keccak256("Announcement(uint256 round,address author,bytes32 digest)")
INVITATION: constant(bytes32) = keccak256("Invitation(address peer,uint256 nonce,uint256 expiry)")

# @dev Of the two values of s that make a signature valid only the lower one counts (EIP-2): half the curve's order.
HALF_ORDER: constant(uint256) = (
    57_896_044_618_658_097_711_785_492_504_343_953_926_418_782_139_537_452_191_302_581_570_759_080_747_168
)


@internal
@view
def _announcement(round: uint256, author: address, digest: bytes32) -> bytes32:
    """
    @notice Hash the announcement of an update.
    @param round The round it was published for.
    @param author The hot key of its author.
    @param digest Its digest.
    @return What the author signs.
    """
    return self._typed(keccak256(abi_encode(ANNOUNCEMENT, round, author, digest)))


@internal
@view
def _invitation(peer: address, nonce: uint256, expiry: uint256) -> bytes32:
    """
    @notice Hash an invitation.
    @param peer The hot key that is invited.
    @param nonce Any number, so that one key can be invited twice.
    @param expiry Until when it may be used, in Unix seconds.
    @return What the inviter signs.
    """
    return self._typed(keccak256(abi_encode(INVITATION, peer, nonce, expiry)))


@internal
@view
def _typed(content: bytes32) -> bytes32:
    """
    @notice Bind a hash to this circle on this chain.
    @dev The domain is not kept: after a fork of the chain its id, and with it every signature, is another.
    @custom:rule R2
    @param content The hash of a typed structure.
    @return What is signed.
    """
    domain: bytes32 = keccak256(abi_encode(DOMAIN_TYPE, NAME, VERSION, chain.id, self))
    return keccak256(concat(b"\x19\x01", domain, content))


@internal
@pure
def _signer(hash: bytes32, r: uint256, vs: uint256) -> address:
    """
    @notice Recover who signed a hash.
    @param hash What was signed.
    @param r The signature's first word.
    @param vs Its second word: s, with v - 27 in the highest bit (EIP-2098).
    @return The signer; the empty address for what is no signature, and for one with the upper value of s.
    """
    s: uint256 = vs & (2**255 - 1)
    if s > HALF_ORDER:
        return empty(address)
    return ecrecover(hash, 27 + (vs >> 255), r, s)
