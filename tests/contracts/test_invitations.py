"""Joining by invitation: who may invite, whom, until when, and how often."""

from collections.abc import Callable

import pytest
from coincurve import PrivateKey
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from ledger.circle.events import Joined
from ledger.identity.network import Network
from ledger.identity.signing import encode_compact, invitation_hash, sign
from tests.support.contract.harness import DAY_S, CircleUnderTest
from tests.support.contract.machines import CHAIN_ID, BareMachine
from tests.support.contract.terms import BY_INVITER, BY_MEMBERS, ContractTerms
from tests.support.contract.twin.seats import signer_of
from tests.support.contract.walk import HALF_ORDER, ORDER

pytestmark = pytest.mark.rule("R3.4")

INVITER = 11
Invited = Callable[..., CircleUnderTest]


@pytest.fixture
def invited() -> Invited:
    """Deploys a circle that account 11 invites to."""

    def deploy(admission: int = BY_INVITER, **terms: object) -> CircleUnderTest:
        machine = BareMachine()
        return CircleUnderTest(
            machine, ContractTerms(admission=admission, inviter=machine.accounts[INVITER]).but(**terms)
        )

    return deploy


def join_by_inviter(circle: CircleUnderTest, *peers: int) -> None:
    for peer in peers:
        circle.join(peer, *circle.invitation(INVITER, peer))


def test_whom_the_inviter_invites_joins(invited: Invited) -> None:
    circle = invited()
    (joined,) = circle.join(0, *circle.invitation(INVITER, 0))
    assert isinstance(joined, Joined)
    assert joined.inviter == circle.peers[INVITER]


def test_nobody_joins_uninvited(invited: Invited) -> None:
    circle = invited()
    until = circle.machine.now_s
    assert circle.join_refusal(0) == "join: invitation has expired"
    assert circle.join_refusal(0, 1, until, 0, 0) == "join: invitation is not signed"
    assert circle.join_refusal(0, 1, until, 2**256 - 1, 2**256 - 1) == "join: invitation is not signed"


def test_an_invitation_holds_to_the_second(invited: Invited) -> None:
    circle = invited()
    until = circle.machine.now_s + 10
    invitation = circle.invitation(INVITER, 0, expiry=until)
    circle.machine.pass_time(11)
    assert circle.join_refusal(0, *invitation) == "join: invitation has expired"
    circle.machine.pass_time(0)
    later = circle.invitation(INVITER, 1, expiry=circle.machine.now_s)
    circle.join(1, *later)


def test_an_invitation_is_for_one_key(invited: Invited) -> None:
    circle = invited()
    assert circle.join_refusal(1, *circle.invitation(INVITER, 0)) == "join: inviter may not invite"


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_an_invitation_changed_in_any_word_is_none(invited: Invited, place: int) -> None:
    circle = invited()
    words = list(circle.invitation(INVITER, 0))
    words[place] += 1
    assert circle.join_refusal(0, *words) in ("join: inviter may not invite", "join: invitation is not signed")


def test_an_invitation_serves_once(invited: Invited) -> None:
    circle = invited(unbonding_s=0)
    invitation = circle.invitation(INVITER, 0)
    circle.join(0, *invitation)
    circle.do_cold(0, "leave", 0)
    circle.do(1, "release", 0)
    assert circle.join_refusal(0, *invitation) == "join: invitation was used"
    circle.join(0, *circle.invitation(INVITER, 0, nonce=2))


def test_a_refused_join_does_not_use_the_invitation_up(invited: Invited) -> None:
    circle = invited(bond=5)
    invitation = circle.invitation(INVITER, 0)
    assert circle.join_refusal(0, *invitation, value=4) == "join: value is not the bond"
    circle.join(0, *invitation)


def test_the_mirrored_signature_is_none() -> None:
    machine = BareMachine()
    # Only for one s in 2^128 does the mirrored one fit in 255 bits. A key that signs the invitation with that s is
    # found backwards, from s; the circle's address is known before, as are all contracts' of one deployer.
    address = CircleUnderTest(BareMachine(), ContractTerms()).address
    until = machine.now_s + DAY_S
    signed = invitation_hash(Network.of(CHAIN_ID, address), machine.accounts[0], 1, until)
    secret = 7
    r = int.from_bytes(PrivateKey.from_int(secret).public_key.format()[1:], "big")
    key = (HALF_ORDER * secret - int.from_bytes(signed, "big")) * pow(r, -1, ORDER) % ORDER
    parity = PrivateKey.from_int(secret).public_key.format()[0] - 2
    low, mirrored = (s | v << 255 for s, v in ((HALF_ORDER, parity), (ORDER - HALF_ORDER, 1 - parity)))
    inviter = signer_of(signed, r, low)
    public = PrivateKey.from_int(key).public_key.format(compressed=False)[1:]
    assert inviter == to_checksum_address(keccak(public)[-20:])
    circle = CircleUnderTest(machine, ContractTerms(admission=BY_INVITER, inviter=inviter))
    assert circle.address == address
    assert circle.join_refusal(0, 1, until, r, mirrored) == "join: invitation is not signed"
    circle.join(0, 1, until, r, low)


@pytest.mark.parametrize("chain_id", [1, 1337])
def test_an_invitation_to_another_circle_or_chain_is_none(invited: Invited, chain_id: int) -> None:
    circle, other = invited(), invited(quorum=3)
    assert chain_id == 1 or other.address == circle.address, "the same deployer at the same nonce"
    contract = circle.address if chain_id == 1 else circle.peers[5]
    elsewhere = Network.of(chain_id, contract)
    until = circle.machine.now_s + DAY_S
    signature = sign(
        circle.machine.keys[circle.peers[INVITER]], invitation_hash(elsewhere, circle.peers[0], 1, until)
    )
    assert circle.join_refusal(0, 1, until, *encode_compact(signature)) == "join: inviter may not invite"


def test_members_do_not_invite_unless_the_terms_say_so(invited: Invited) -> None:
    circle = invited(BY_INVITER)
    join_by_inviter(circle, 0, 1)
    assert circle.join_refusal(2, *circle.invitation(0, 2)) == "join: inviter may not invite"


def test_a_member_in_good_standing_invites(invited: Invited) -> None:
    circle = invited(BY_MEMBERS)
    join_by_inviter(circle, 0)
    (joined,) = circle.join(1, *circle.invitation(0, 1))
    assert isinstance(joined, Joined)
    assert joined.inviter == circle.peers[0]
    join_by_inviter(circle, 2)


def test_who_has_no_seat_invites_nobody(invited: Invited) -> None:
    circle = invited(BY_MEMBERS)
    assert circle.join_refusal(1, *circle.invitation(0, 1)) == "join: inviter may not invite"


def test_who_has_left_invites_nobody(invited: Invited) -> None:
    circle = invited(BY_MEMBERS)
    join_by_inviter(circle, 0)
    invitation = circle.invitation(0, 1)
    circle.do_cold(0, "leave", 0)
    assert circle.join_refusal(1, *invitation) == "join: inviter may not invite"


def test_a_member_that_fell_invites_nobody_until_it_has_risen_again(invited: Invited) -> None:
    circle = invited(BY_MEMBERS, last_round=9, reputation_shift=1)
    join_by_inviter(circle, 0, 1, 2)
    circle.whole_round(range(3), rejected=0b001)
    assert circle.join_refusal(3, *circle.invitation(0, 3)) == "join: inviter lacks standing"
    circle.whole_round(range(3))
    circle.join(3, *circle.invitation(0, 3))


def test_an_invitation_is_ignored_where_anyone_may_join() -> None:
    circle = CircleUnderTest(BareMachine(), ContractTerms())
    circle.join(0, 1, 0, 2**256 - 1, 2**256 - 1)
