"""Proving that a peer announced two updates in one round."""

import pytest

from ledger.circle.events import Equivocated, Joined
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, encode_compact, hello_hash, sign
from tests.support.contract.copied import Deploy, after_a_round, copied
from tests.support.contract.harness import DAY_S, DIGEST, NOBODY, RECORD, WINDOW_S, CircleUnderTest
from tests.support.contract.walk import HALF_ORDER

pytestmark = pytest.mark.rule("R25")

REPORT = "report_equivocation"
REPORTER, FRESH, COLD = 9, 8, 8
FORGED = "equivocation: bad signature"


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Four seats with a bond of 1001, in round 1."""
    opened = deploy(start_seats=4, quorum=2, last_round=9, bond=1001)
    opened.join_all()
    return opened


def test_a_report_pays_nobody_and_burns_the_whole_bond(circle: CircleUnderTest) -> None:
    (convicted,) = circle.do(REPORTER, REPORT, *circle.announcements(1, 1))
    free_at = circle.machine.now_s + WINDOW_S + DAY_S
    assert convicted == Equivocated(1, 1, circle.peers[REPORTER], 1001, free_at)
    assert circle.view("books") == (3 * 1001, 0)
    assert circle.twin.burned == 1001
    assert circle.view("standing")[0] == 0b1101
    assert circle.refusal(REPORTER, "withdraw") == "withdraw: nothing is owed"


def test_the_convicted_takes_part_no_more(circle: CircleUnderTest) -> None:
    circle.do(REPORTER, REPORT, *circle.announcements(1, 1))
    assert circle.refusal(1, "commit", 1, DIGEST) == "seat: caller has none"
    assert circle.cold_refusal(1, "leave", 1) == "seat: is not held"
    assert circle.state.roster == 0b1101
    circle.wait_until_free()
    circle.do(0, "release", 1)
    assert circle.cold_refusal(1, "withdraw") == "withdraw: nothing is owed"


def test_what_it_committed_stands_once_the_phase_is_closed_and_nobody_waits_for_it(
    circle: CircleUnderTest,
) -> None:
    circle.commit_all(range(4))
    circle.do(REPORTER, REPORT, *circle.announcements(1, 1))
    circle.attest_all([0, 2, 3])
    circle.settle()
    assert circle.state.roster == 0b1101


def test_what_it_committed_goes_with_it_in_a_commit_phase(circle: CircleUnderTest) -> None:
    circle.do(1, "commit", 1, DIGEST)
    circle.do(REPORTER, REPORT, *circle.announcements(1, 1))
    circle.commit_all([0, 2, 3])
    assert circle.state.committed == 0b1101
    circle.attest_all([0, 2, 3])
    circle.settle()


@pytest.mark.parametrize("rejected", [0, 0b1101])
def test_what_it_attested_before_it_was_convicted_weighs_nothing(circle: CircleUnderTest, rejected: int) -> None:
    circle.commit_all(range(4))
    circle.do(1, "attest", circle.verdicts(1, rejected=rejected), RECORD)
    circle.do(REPORTER, REPORT, *circle.announcements(1, 1))
    circle.attest_all([0, 2, 3])
    settled = circle.settle()
    assert [settled[seat] for seat in (0, 2, 3)] == [(7 * 32768 + 65535) >> 3] * 3


def test_a_member_may_report_and_even_itself_at_a_loss(circle: CircleUnderTest) -> None:
    circle.do(0, REPORT, *circle.announcements(1, 1))
    circle.do(2, REPORT, *circle.announcements(2, 1))
    assert circle.view("books") == (2 * 1001, 0)


def test_proof_is_proof_in_either_order(circle: CircleUnderTest) -> None:
    author, number, *words = circle.announcements(1, 1)
    circle.do(REPORTER, REPORT, author, number, *words[3:], *words[:3])


def test_proof_convicts_once(circle: CircleUnderTest) -> None:
    proof = circle.announcements(1, 1)
    circle.do(REPORTER, REPORT, *proof)
    assert circle.refusal(REPORTER, REPORT, *proof) == "equivocation: nothing to lose"
    circle.wait_until_free()
    circle.do(0, "release", 1)
    assert circle.refusal(REPORTER, REPORT, *proof) == "equivocation: author has no seat"


def test_proof_does_not_convict_the_next_to_sit_there(deploy_large: Deploy) -> None:
    circle = deploy_large(start_seats=256, bond=8, unbonding_s=0)
    circle.join_all()
    proof = circle.announcements(7, 1)
    circle.do_cold(7, "leave", 7)
    circle.wait_until_free()
    circle.do(0, "release", 7)
    (joined,) = circle.join(256)
    assert isinstance(joined, Joined)
    assert joined.seat == 7
    assert circle.refusal(0, REPORT, *proof) == "equivocation: author has no seat"
    circle.do(0, REPORT, *circle.announcements(256, 1))


def test_proof_does_not_convict_its_author_again_when_it_comes_back(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, last_round=9, bond=8, unbonding_s=0)
    circle.join_all()
    proof = circle.announcements(1, 1)
    circle.do(REPORTER, REPORT, *proof)
    circle.wait_until_free()
    circle.do(0, "release", 1)
    circle.join(1)
    assert circle.refusal(REPORTER, REPORT, *proof) == "equivocation: already proved"
    # What it signs twice from then on convicts it anew.
    circle.do(REPORTER, REPORT, *circle.announcements(1, 2))


def test_what_was_signed_before_joining_convicts_nobody(circle: CircleUnderTest) -> None:
    circle.whole_round(range(4))
    circle.join(FRESH)
    assert circle.refusal(0, REPORT, *circle.announcements(FRESH, 1)) == "equivocation: before it joined"
    circle.do(0, REPORT, *circle.announcements(FRESH, 2))


def test_who_has_no_seat_cannot_be_convicted(circle: CircleUnderTest) -> None:
    assert circle.refusal(0, REPORT, *circle.announcements(FRESH, 1)) == "equivocation: author has no seat"


def test_leaving_does_not_save_the_bond(circle: CircleUnderTest) -> None:
    circle.do_cold(1, "leave", 1)
    free_at = circle.machine.now_s + WINDOW_S + DAY_S
    circle.wait_until_free()
    (convicted,) = circle.do(REPORTER, REPORT, *circle.announcements(1, 1))
    assert convicted == Equivocated(1, 1, circle.peers[REPORTER], 1001, free_at)
    circle.do(0, "release", 1)
    assert circle.cold_refusal(1, "withdraw") == "withdraw: nothing is owed"


def test_who_left_without_a_bond_has_nothing_to_lose(deploy: Deploy) -> None:
    circle = deploy(bond=0)
    circle.join_all()
    circle.do_cold(1, "leave", 1)
    assert circle.refusal(REPORTER, REPORT, *circle.announcements(1, 1)) == "equivocation: nothing to lose"
    circle.do(REPORTER, REPORT, *circle.announcements(2, 1))
    assert circle.view("books") == (0, 0)


def test_a_key_convicts_its_seat_after_it_was_changed(circle: CircleUnderTest) -> None:
    circle.do_cold(1, "rotate", 1, circle.peers[FRESH], circle.colds[1])
    circle.machine.pass_time(DAY_S)
    circle.do(FRESH, "finish_rotation", 1)
    (convicted,) = circle.do(REPORTER, REPORT, *circle.announcements(1, 1))
    assert isinstance(convicted, Equivocated)
    assert convicted.seat == 1
    assert circle.view("is_seated", circle.peers[FRESH]) == (False,)


def test_the_new_key_convicts_it_too(circle: CircleUnderTest) -> None:
    circle.do_cold(1, "rotate", 1, circle.peers[FRESH], circle.colds[1])
    circle.machine.pass_time(DAY_S)
    circle.do(FRESH, "finish_rotation", 1)
    circle.do(REPORTER, REPORT, *circle.announcements(FRESH, 1))


def test_an_announced_key_convicts_nobody_yet(circle: CircleUnderTest) -> None:
    circle.do_cold(1, "rotate", 1, circle.peers[FRESH], circle.colds[1])
    assert circle.refusal(REPORTER, REPORT, *circle.announcements(FRESH, 1)) == "equivocation: author has no seat"


def test_one_update_announced_twice_is_no_fault(circle: CircleUnderTest) -> None:
    author, number, *words = circle.announcements(1, 1)
    reason = circle.refusal(REPORTER, REPORT, author, number, *words[:3], *words[:3])
    assert reason == "equivocation: same digest twice"


@pytest.mark.parametrize("place", range(1, 8))
def test_a_proof_changed_in_any_word_is_none(circle: CircleUnderTest, place: int) -> None:
    words = list(circle.announcements(1, 1))
    word = words[place]
    words[place] = word[:-1] + b"\xff" if isinstance(word, bytes) else word + 1
    assert circle.refusal(REPORTER, REPORT, *words) == FORGED


@pytest.mark.parametrize("author", [0, None])
def test_nobody_is_convicted_by_anothers_signatures(circle: CircleUnderTest, author: int | None) -> None:
    _, *words = circle.announcements(1, 1)
    blamed = NOBODY if author is None else circle.peers[author]
    assert circle.refusal(REPORTER, REPORT, blamed, *words) == FORGED


def test_no_signature_at_all_is_not_the_empty_addresss(circle: CircleUnderTest) -> None:
    assert circle.refusal(REPORTER, REPORT, NOBODY, 1, DIGEST, 0, 0, RECORD, 0, 0) == FORGED


def test_updates_of_two_rounds_convict_nobody(circle: CircleUnderTest) -> None:
    first, second = circle.announcements(1, 1), circle.announcements(1, 2)
    assert circle.refusal(REPORTER, REPORT, *first[:5], *second[5:]) == FORGED


@pytest.mark.parametrize("s", [HALF_ORDER + 1, 2**255 - 1])
def test_a_malleable_signature_is_none(circle: CircleUnderTest, s: int) -> None:
    # A mirrored s that fits in 255 bits is looked at in tests/contracts/test_invitations.py; the check is the same.
    words = list(circle.announcements(1, 1))
    words[4] = s
    assert circle.refusal(REPORTER, REPORT, *words) == FORGED


def test_the_other_parity_is_another_signer(circle: CircleUnderTest) -> None:
    words = list(circle.announcements(1, 1))
    words[4] ^= 1 << 255
    assert circle.refusal(REPORTER, REPORT, *words) == FORGED


@pytest.mark.parametrize("other", ["chain", "circle"])
def test_what_was_signed_for_another_circle_or_chain_convicts_nobody(circle: CircleUnderTest, other: str) -> None:
    mine = circle.network
    network = Network.of(1, mine.contract) if other == "chain" else Network.of(mine.chain_id, circle.peers[5])
    assert circle.refusal(REPORTER, REPORT, *circle.announcements(1, 1, network)) == FORGED


def test_what_was_signed_for_another_purpose_convicts_nobody(circle: CircleUnderTest) -> None:
    key = circle.machine.keys[circle.peers[1]]
    words: list[object] = []
    for digest in (DIGEST, RECORD):
        hello = hello_hash(circle.network, circle.peers[1], digest, (1).to_bytes(32, "big"))
        words += [digest, *encode_compact(sign(key, hello))]
    assert circle.refusal(REPORTER, REPORT, circle.peers[1], 1, *words) == FORGED


def test_rounds_to_come_convict_as_well(circle: CircleUnderTest) -> None:
    circle.do(REPORTER, REPORT, *circle.announcements(1, 2**200))


def test_it_is_proved_after_the_end_too(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=2, last_round=1, bond=4)
    circle.do(REPORTER, REPORT, *circle.announcements(1, 1))


def test_an_announcement_is_what_nodes_sign(circle: CircleUnderTest) -> None:
    digest = circle.announcements(1, 1)[2]
    assert isinstance(digest, bytes)
    signed = announcement_hash(circle.network, 1, circle.peers[1], digest)
    assert encode_compact(sign(circle.machine.keys[circle.peers[1]], signed)) == circle.announcements(1, 1)[3:5]
