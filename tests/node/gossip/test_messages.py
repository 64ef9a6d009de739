"""Frames: what is encoded comes back, everything else is the sender's fault."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import PeerFault
from ledger.identity.addresses import address_bytes
from ledger.identity.network import Network
from ledger.identity.signing import BadSignature
from node.gossip.messages import (
    FRAME_BYTES,
    Announcement,
    BadMessage,
    Challenge,
    DialBack,
    DialledBack,
    Forged,
    Have,
    Hello,
    Message,
    Pull,
    PullAnswer,
    check_signature,
    count_for_frame,
    decode,
    encode,
    join_frame,
    sign_announcement,
)

pytestmark = pytest.mark.rule("R18")

NETWORK = Network.of(1, "0x" + "11" * 20)
KEY = b"\x01" * 32
AUTHOR = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"

rounds = st.integers(0, 2**63 - 1)
words = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20)
signatures = st.binary(min_size=65, max_size=65)
announcements = st.builds(Announcement, rounds, addresses, words, signatures)
messages = st.one_of(
    st.builds(Challenge, st.integers(0, 2**31), words, words),
    st.builds(Hello, addresses, signatures),
    announcements,
    st.builds(Have, rounds, words),
    st.builds(Pull, rounds, st.lists(addresses, max_size=5), st.lists(addresses, max_size=5)),
    st.builds(PullAnswer, rounds, st.lists(announcements, max_size=3), st.lists(words, max_size=3)),
    st.builds(DialBack, words),
    st.builds(DialledBack, words, st.booleans(), st.booleans()),
)


@given(st.lists(messages, min_size=1, max_size=5))
def test_messages_survive_the_wire(said: list[Message]) -> None:
    assert decode(join_frame(encode(one) for one in said)) == said


@given(st.binary(max_size=300))
def test_random_bytes_are_a_fault_or_a_message(frame: bytes) -> None:
    decode_or_fault(frame)


@given(messages, st.data())
def test_damaged_frames_are_a_fault_or_a_message(message: Message, data: st.DataObject) -> None:
    frame = bytearray(join_frame([encode(message)]))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    decode_or_fault(bytes(frame[: data.draw(st.integers(0, len(frame)))]))


def decode_or_fault(frame: bytes) -> None:
    with contextlib.suppress(PeerFault):
        assert decode(frame)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(bytes(FRAME_BYTES + 1), id="too long"),
        pytest.param(b"\x90", id="no message"),
        pytest.param(b"\xdc\x01\x01" + encode(Have(0, bytes(32))) * 257, id="too many"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="four billion announced"),
        pytest.param(b"\x91" * 60_000, id="nested"),
        pytest.param(b"\x91\x93\x09\x00\xc4\x20" + bytes(32), id="unknown kind"),
        pytest.param(b"\x91\x94\x04\x00\xc4\x20" + bytes(32) + b"\x00", id="surplus element"),
        pytest.param(b"\x91\x93\x04\xff\xc4\x20" + bytes(32), id="negative round"),
        pytest.param(b"\x91\x93\x04\x00\xc4\x1f" + bytes(31), id="short digest"),
        pytest.param(b"\x91\x93\x04\x00\xd9\x20" + b"\xff" * 32, id="text that is not UTF-8"),
        pytest.param(join_frame([encode(Have(0, bytes(32)))]) + b"\x00", id="trailing byte"),
    ],
)
def test_frame_is_refused_with_a_reason(frame: bytes) -> None:
    with pytest.raises(BadMessage, match="frame"):
        decode(frame)


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (Have(7, b"\xab" * 32), "93" + "04" + "07" + "c420" + "ab" * 32),
        (DialBack(b"\xcd" * 32), "92" + "07" + "c420" + "cd" * 32),
        (DialledBack(b"\xcd" * 32, True, False), "94" + "08" + "c420" + "cd" * 32 + "c3" + "c2"),
    ],
    ids=["have", "dial back", "dialled back"],
)
def test_frame_on_the_wire_is_as_written_here(message: Message, wire: str) -> None:
    assert join_frame([encode(message)]).hex() == "dc0001" + wire


def test_largest_answer_fits_into_a_frame() -> None:
    announcement = Announcement(2**63 - 1, bytes(20), bytes(32), bytes(65))
    answer = encode(PullAnswer(2**63 - 1, [announcement] * 256, [bytes(32)] * 256))
    assert count_for_frame([answer, answer]) == 1
    assert len(join_frame([answer])) <= FRAME_BYTES
    assert count_for_frame([b"x"] * 300) == 256


def test_announcement_is_valid_for_its_author_round_digest_and_network_only() -> None:
    good = sign_announcement(NETWORK, KEY, AUTHOR, 3, b"\x05" * 32)
    check_signature(NETWORK, good)
    assert good.author_address == AUTHOR
    for changed in (
        Announcement(4, good.author, good.digest, good.signature),
        Announcement(3, address_bytes("0x" + "33" * 20), good.digest, good.signature),
        Announcement(3, good.author, b"\x06" * 32, good.signature),
    ):
        with pytest.raises((Forged, BadSignature)):
            check_signature(NETWORK, changed)
    with pytest.raises((Forged, BadSignature)):
        check_signature(Network.of(2, NETWORK.contract), good)
