"""Invitations: what an inviter signs, the contract's arguments of it, and a sentence for each that is worthless."""

from pathlib import Path

import msgspec
import pytest
from eth_account import Account

from ledger.errors import SetupError
from ledger.identity.network import Network
from ledger.identity.signing import invitation_hash, recover
from node.seat.invitations import Invitation, check_invitation, invite

NETWORK = Network.of(1337, "0x" + "ab" * 20)
KEY = b"\7" * 32
INVITER = str(Account.from_key(KEY).address)
PEER = "0x" + "12" * 20
NOW = 1_000
INVITATION = invite(NETWORK, KEY, INVITER, PEER, NOW + 60)


def test_an_invitation_comes_back_from_its_file_and_is_taken(tmp_path: Path) -> None:
    INVITATION.write(tmp_path / "invitation.json")
    found = Invitation.read(tmp_path / "invitation.json")
    assert found == INVITATION
    check_invitation(found, NETWORK, PEER, NOW)
    nonce, expiry_s, r, vs = found.call_arguments()
    signature = r.to_bytes(32, "big") + (vs & (1 << 255) - 1).to_bytes(32, "big") + bytes([27 + (vs >> 255)])
    assert recover(invitation_hash(NETWORK, PEER, nonce, expiry_s), signature) == INVITER


def test_no_two_invitations_are_the_same() -> None:
    assert invite(NETWORK, KEY, INVITER, PEER, NOW + 60).nonce != INVITATION.nonce


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"chain_id": 1}, "is to the circle at"),
        ({"contract": "0x" + "cd" * 20}, "is to the circle at"),
        ({"peer": "0x" + "34" * 20}, "is for 0x3434"),
        ({"expiry_s": NOW - 1}, "has expired"),
        ({"expiry_s": NOW + 61}, "is not signed by"),
        ({"expiry_s": 1 << 256}, "is not signed by"),
        ({"nonce": "5"}, "is not signed by"),
        ({"nonce": "x"}, "is not signed by"),
        ({"nonce": str(1 << 256)}, "is not signed by"),
        ({"inviter": PEER}, "is not signed by"),
        ({"signature": "0x"}, "is not signed by"),
        ({"signature": "0xzz"}, "is not signed by"),
    ],
    ids=str,
)
def test_a_worthless_invitation_is_a_sentence(changed: dict[str, object], said: str) -> None:
    with pytest.raises(SetupError, match=said):
        check_invitation(msgspec.structs.replace(INVITATION, **changed), NETWORK, PEER, NOW)


def test_a_file_that_is_no_invitation_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    with pytest.raises(SetupError, match="is no invitation"):
        Invitation.read(tmp_path / "file")
    with pytest.raises(SetupError, match="cannot be read"):
        Invitation.read(tmp_path / "nowhere")
