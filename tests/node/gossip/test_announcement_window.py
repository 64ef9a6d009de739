"""What is kept of the rounds, and for how long."""

import pytest

from ledger.errors import NotYet
from ledger.identity.addresses import address_text
from node.gossip.announcement_window import AnnouncementWindow
from node.gossip.messages import Announcement

pytestmark = pytest.mark.rule("R18")

AUTHOR, OTHER = b"\x01" * 20, b"\x02" * 20


def announcement(round_number: int, author: bytes = AUTHOR, digest: int = 1) -> Announcement:
    return Announcement(round_number, author, bytes([digest]) * 32, bytes(65))


@pytest.fixture
def window() -> AnnouncementWindow:
    made = AnnouncementWindow(keep_rounds=2, ahead_rounds=1)
    made.move(10)
    return made


@pytest.mark.parametrize("number", [7, 12, 2**63 - 1])
def test_rounds_outside_are_not_yet(window: AnnouncementWindow, number: int) -> None:
    for ask in (
        lambda: window.is_new(announcement(number)),
        lambda: window.add(announcement(number)),
        lambda: window.hold(number, bytes(32)),
        lambda: window.add_holder(number, bytes(32), "peer"),
        lambda: window.make_pull(number),
    ):
        with pytest.raises(NotYet):
            ask()


def test_older_rounds_are_forgotten(window: AnnouncementWindow) -> None:
    for number in (8, 9, 10, 11):
        window.add(announcement(number, digest=number))
    window.move(12)
    assert window.list_holders(bytes([9]) * 32) == []
    assert window.list_holders(bytes([10]) * 32) == [address_text(AUTHOR)]
    assert window.list_authors(11) == {AUTHOR}


def test_second_digest_conflicts_and_third_adds_nothing(window: AnnouncementWindow) -> None:
    first, second = announcement(10), announcement(10, digest=2)
    assert window.add(first) is None
    assert not window.is_new(first)
    assert window.is_new(second)
    assert window.add(second) is first
    assert not window.is_new(announcement(10, digest=3))


def test_no_more_authors_than_seats(window: AnnouncementWindow) -> None:
    for number in range(256):
        window.add(announcement(10, author=bytes([number]) * 20))
    with pytest.raises(NotYet):
        window.add(announcement(10, author=b"\x01\x02" * 10))


def test_holder_of_what_nobody_announced_is_not_kept(window: AnnouncementWindow) -> None:
    with pytest.raises(NotYet):
        window.add_holder(10, bytes(32), "peer")


def test_answer_has_what_the_question_lacks(window: AnnouncementWindow) -> None:
    asker = AnnouncementWindow(keep_rounds=2, ahead_rounds=1)
    asker.move(10)
    window.add(announcement(10))
    window.add(announcement(10, digest=2))
    window.add(announcement(10, author=OTHER))
    window.hold(10, b"\x01" * 32)
    asker.add(announcement(10))
    answer = window.answer_pull(asker.make_pull(10))
    assert {(one.author, one.digest[0]) for one in answer.announcements} == {(AUTHOR, 1), (AUTHOR, 2), (OTHER, 1)}
    assert answer.held == [b"\x01" * 32]
    for one in answer.announcements:
        if asker.is_new(one):
            asker.add(one)
    assert window.answer_pull(asker.make_pull(10)).announcements == []


def test_answer_about_an_unknown_round_is_empty(window: AnnouncementWindow) -> None:
    far = AnnouncementWindow(keep_rounds=2, ahead_rounds=1)
    far.move(500)
    assert window.answer_pull(far.make_pull(500)).announcements == []


def test_a_blob_is_held_once_another_than_its_author_says_so(window: AnnouncementWindow) -> None:
    mine = announcement(10)
    window.add(mine)
    assert not window.is_held(mine.digest)
    window.add_holder(10, mine.digest, mine.author_address)
    assert not window.is_held(mine.digest)
    window.add_holder(10, mine.digest, announcement(10, OTHER).author_address)
    assert window.is_held(mine.digest)
