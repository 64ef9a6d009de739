"""Invitations: small files in which an inviter's signature lets one key join one circle, once and for a time."""

import secrets
from pathlib import Path

import msgspec
from eth_utils.address import to_checksum_address

from ledger.chain.deployment.circle_file import read_json, write_json
from ledger.errors import SetupError
from ledger.identity.network import Network
from ledger.identity.signing import BadSignature, encode_compact, invitation_hash, recover, sign

_FILE_MAX_BYTES = 1 << 12


class Invitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The right of one peer to join one circle."""

    chain_id: int
    """EIP-155 chain id."""
    contract: str
    """The circle's address."""
    peer: str
    """The address that may join."""
    nonce: str
    """Decimal."""
    expiry_s: int
    """Unix seconds, until when it may be used."""
    inviter: str
    """The address that signed."""
    signature: str
    """65 bytes as 0x-prefixed hex."""

    def call_arguments(self) -> tuple[int, int, int, int]:
        """nonce, expiry, r, vs: as `join` takes them."""
        return int(self.nonce), self.expiry_s, *encode_compact(bytes.fromhex(self.signature.removeprefix("0x")))

    def write(self, path: Path) -> None:
        """Write whole or not at all."""
        write_json(path, self)

    @classmethod
    def read(cls, path: Path) -> "Invitation":
        """Raises SetupError for what is no invitation."""
        return read_json(path, cls, "invitation", max_bytes=_FILE_MAX_BYTES, writer="`folkmoot invite`")


def invite(network: Network, key: bytes, inviter: str, peer: str, expiry_s: int) -> Invitation:
    """Sign an invitation. key: the inviter's, 32 bytes; peer: the key that may join."""
    nonce = secrets.randbits(128)
    signature = sign(key, invitation_hash(network, peer, nonce, expiry_s))
    return Invitation(
        chain_id=network.chain_id,
        contract=network.contract,
        peer=to_checksum_address(peer),
        nonce=str(nonce),
        expiry_s=expiry_s,
        inviter=to_checksum_address(inviter),
        signature="0x" + signature.hex(),
    )


def check_invitation(invitation: Invitation, network: Network, peer: str, now_s: float) -> None:
    """Raises SetupError where the contract would not take it from this peer now."""
    if (invitation.chain_id, invitation.contract.lower()) != (network.chain_id, network.contract.lower()):
        raise SetupError(
            f"the invitation is to the circle at {invitation.contract[:42]} on chain {invitation.chain_id}, not to "
            "this one: ask for one to this circle"
        )
    if invitation.peer.lower() != peer.lower():
        raise SetupError(
            f"the invitation is for {invitation.peer[:42]}, this node's key is {peer}: start the node with that "
            "key, or ask for an invitation for this one"
        )
    if invitation.expiry_s < now_s:
        raise SetupError("the invitation has expired: ask for a new one")
    if not _is_signed(invitation, network):
        raise SetupError(f"the invitation is not signed by {invitation.inviter[:42]}: ask for a new one")


def _is_signed(invitation: Invitation, network: Network) -> bool:
    try:
        nonce, signature = int(invitation.nonce), bytes.fromhex(invitation.signature.removeprefix("0x"))
        if not 0 <= nonce < 1 << 256 or not 0 <= invitation.expiry_s < 1 << 256:
            return False
        signed = invitation_hash(network, invitation.peer, nonce, invitation.expiry_s)
        return recover(signed, signature).lower() == invitation.inviter.lower()
    except (ValueError, BadSignature):
        return False
