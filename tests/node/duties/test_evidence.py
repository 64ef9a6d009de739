"""Evidence of an equivocation: kept across restarts, checked before it is believed, and moot once it has worked."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from eth_account import Account

from ledger.circle.events import Equivocated, Event, Left, Released
from ledger.circle.history import History
from ledger.errors import SetupError
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, recover
from node.duties.evidence import Evidence, EvidenceStore, check_evidence, find_convicted_seat, make_evidence
from node.gossip.messages import sign_announcement
from tests.support.histories.moments import history_of
from tests.support.histories.parts import BOND, NOBODY, address, cold

pytestmark = pytest.mark.rule("R25")

NETWORK = Network.of(1337, "0x" + "ab" * 20)
KEY = b"\7" * 32
AUTHOR = str(Account.from_key(KEY).address)
FIRST, SECOND = (sign_announcement(NETWORK, KEY, AUTHOR, 1, bytes([n]) * 32) for n in (1, 2))
EVIDENCE = make_evidence(NETWORK, FIRST, SECOND)


def history_with_author(*events: Event) -> History:
    """Seat 0 is the author's."""
    history = history_of()
    history.seats[0] = replace(history.seats[0], peer=AUTHOR, keys=[AUTHOR])
    for event in events:
        history.apply(event)
    return history


def test_evidence_survives_a_restart(tmp_path: Path) -> None:
    EvidenceStore(tmp_path, NETWORK, NOBODY).add(FIRST, SECOND)
    again = EvidenceStore(tmp_path, NETWORK, NOBODY)
    assert again.list_open(history_with_author()) == [EVIDENCE]


def test_a_peer_does_not_report_its_own_key(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, NETWORK, AUTHOR)
    store.add(FIRST, SECOND)
    assert store.list_open(history_with_author()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_passed_over(tmp_path: Path) -> None:
    EvidenceStore(tmp_path, NETWORK, NOBODY).add(FIRST, SECOND)
    (tmp_path / "0.json").write_text("{")
    (tmp_path / "1.json").write_bytes(b"\xff" * 10_000)
    assert EvidenceStore(tmp_path, NETWORK, NOBODY).list_open(history_with_author()) == [EVIDENCE]


def test_the_arguments_are_what_the_contract_recovers_the_author_from() -> None:
    author, number, first, r, vs, second, *_ = EVIDENCE.call_arguments()
    assert (author, number, first, second) == (AUTHOR, 1, FIRST.digest, SECOND.digest)
    assert isinstance(r, int)
    assert isinstance(vs, int)
    signature = r.to_bytes(32, "big") + (vs & (1 << 255) - 1).to_bytes(32, "big") + bytes([27 + (vs >> 255)])
    assert recover(announcement_hash(NETWORK, 1, AUTHOR, FIRST.digest), signature) == AUTHOR


def test_evidence_counts_while_there_is_something_to_lose() -> None:
    assert find_convicted_seat(history_with_author(), AUTHOR, 1) == 0
    assert find_convicted_seat(history_with_author(), address(9), 1) is None
    left = history_with_author(Left(0, 0, 1000))
    assert find_convicted_seat(left, AUTHOR, 1) == 0
    left.apply(Released(0, BOND))
    assert find_convicted_seat(left, AUTHOR, 1) is None
    reported = history_with_author(Equivocated(0, 1, cold(1), BOND, 1000))
    assert find_convicted_seat(reported, AUTHOR, 1) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"chain_id": 1}, "is about the circle at"),
        ({"contract": "0x" + "cd" * 20}, "is about the circle at"),
        ({"round": 2}, "did not sign both"),
        ({"round": -1}, "did not sign both"),
        ({"author": cold(0)}, "did not sign both"),
        ({"author": "nobody"}, "did not sign both"),
        ({"first": "xyz"}, "did not sign both"),
        ({"first": "00"}, "did not sign both"),
        ({"second_signature": EVIDENCE.first_signature}, "did not sign both"),
        ({"second": EVIDENCE.first, "second_signature": EVIDENCE.first_signature}, "say the same"),
    ],
    ids=str,
)
def test_what_convicts_nobody_is_a_sentence(changed: dict[str, object], said: str) -> None:
    check_evidence(EVIDENCE, NETWORK)
    with pytest.raises(SetupError, match=said):
        check_evidence(msgspec.structs.replace(EVIDENCE, **changed), NETWORK)


def test_a_file_that_is_no_evidence_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("[]")
    with pytest.raises(SetupError, match="is no evidence"):
        Evidence.read(tmp_path / "file")
    with pytest.raises(SetupError, match="cannot be read"):
        Evidence.read(tmp_path / "nowhere")
