"""Logs in pieces: whatever an endpoint bears, none is left out and none comes twice."""

from collections.abc import Callable, Collection
from typing import Any

import msgspec
import pytest
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.log_ranges import FIRST_BLOCKS, MOST_SPAN, LogReader
from ledger.chain.logs import LogDecoder, RawLog
from ledger.chain.rpc.client import AnswerLost, BadAnswer, Rpc, RpcFault
from ledger.circle.events import Drawn, Moved
from tests.support.chains.raw_logs import ADDRESS, log_at, raw_log

MOVED = Moved(0, "wss://127.0.0.1:1 http://127.0.0.1:2")
DECODER = LogDecoder(load_circle_artifact())
REFUSALS = [
    (-32005, "query returned more than 10000 results"),
    (-32602, "Log response size exceeded. this block range should work: [0x0, 0x7f]"),
    (-32000, "exceed maximum block range: 5000"),
    (-32600, "eth_getLogs is limited to a 500 range"),
]


def reader_of(endpoint: "Endpoint") -> LogReader:
    return LogReader(endpoint, ADDRESS, DECODER)


class Endpoint(Rpc):
    """Answers eth_getLogs, if the range spans at most so many blocks and logs. tells: instead of that."""

    tells: Callable[[], Any] | None = None

    def __init__(
        self,
        blocks_with_logs: Collection[int],
        *,
        most_blocks: int = 10**9,
        most_logs: int = 10**9,
        refusal: tuple[int, str] = REFUSALS[0],
    ) -> None:
        super().__init__("http://endpoint")
        self.places = sorted(set(blocks_with_logs))
        self.most_blocks, self.most_logs, self.refusal = most_blocks, most_logs, refusal
        self.newest = max([*self.places, 0])
        self.asked: list[Any] = []

    def _ask(self, method: str, parameters: list[dict[str, str]]) -> Any:
        if self.tells is not None:
            return self.tells()
        (query,) = parameters
        first = int(query["fromBlock"], 16)
        last = self.newest if query["toBlock"] == "latest" else int(query["toBlock"], 16)
        self.asked.append((first, last))
        found = [place for place in self.places if first <= place <= last]
        if last - first + 1 > self.most_blocks or len(found) > self.most_logs:
            raise RpcFault(self.url, method, *self.refusal, None)
        # In no particular order.
        return [log_at(place, index) for index, place in reversed(list(enumerate(found)))]

    def fetch_head(self) -> int:
        return self.newest


@settings(max_examples=50)
@given(
    places=st.lists(st.integers(0, 5_000), unique=True, max_size=60),
    most_blocks=st.integers(60, 8_000),
    most_logs=st.integers(1, 60),
    refusal=st.sampled_from(REFUSALS),
    first=st.integers(0, 5_000),
)
def test_every_log_is_read_once_and_in_order_whatever_the_limits(
    places: list[int], most_blocks: int, most_logs: int, refusal: tuple[int, str], first: int
) -> None:
    endpoint = Endpoint([*places, 5_000], most_blocks=most_blocks, most_logs=most_logs, refusal=refusal)
    wanted = sorted({place for place in [*places, 5_000] if place >= first})
    for logs in (reader_of(endpoint).read(first, 5_000), reader_of(endpoint).read_to_head(first)):
        assert [log.position[0] for log in logs] == wanted


def test_the_pieces_shrink_to_what_is_borne_and_grow_again() -> None:
    endpoint = Endpoint([100_000], most_blocks=300)
    reader = reader_of(endpoint)
    reader.read(0, 20_000)
    refused = [last - first + 1 for first, last in endpoint.asked if last - first + 1 > 300]
    assert refused[0] == FIRST_BLOCKS
    assert len(refused) < len(endpoint.asked) / 2
    endpoint.most_blocks = 10**9
    endpoint.asked.clear()
    reader.read(0, 10**6)
    sizes = [last - first + 1 for first, last in endpoint.asked]
    assert max(sizes) > 10_000


def test_what_even_a_single_block_is_refused_for_is_raised() -> None:
    with pytest.raises(RpcFault, match="more than 10000 results"):
        reader_of(Endpoint([5, 6], most_blocks=0)).read(0, 10)


def test_an_endpoint_without_the_method_is_asked_once() -> None:
    endpoint = Endpoint([5], most_blocks=1, refusal=(-32601, "the method does not exist"))
    with pytest.raises(RpcFault, match="does not exist"):
        reader_of(endpoint).read(0, 10_000)
    assert len(endpoint.asked) == 1


def test_where_an_answer_is_too_large_or_too_late_less_is_asked_for() -> None:
    endpoint = Endpoint([5, 900])
    endpoint.tells = heavy(endpoint, 3)
    assert [placed.position[0] for placed in reader_of(endpoint).read(0, 1_000)] == [5, 900]
    assert endpoint.asked[0] == (0, 1_001 // 4**3 - 1)


def test_what_is_lost_even_of_a_single_block_is_raised() -> None:
    endpoint = Endpoint([5])
    endpoint.tells = heavy(endpoint, 100)
    with pytest.raises(AnswerLost, match="too large"):
        reader_of(endpoint).read(0, 1_000)


def heavy(endpoint: Endpoint, times: int) -> Callable[..., Any]:
    """Loses so many answers."""

    def lose() -> None:
        nonlocal times
        times -= 1
        if times == 0:
            endpoint.tells = None
        raise AnswerLost("too large", is_heavy=True)

    return lose


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ([log_at(5, 1), log_at(5, 1)], "twice"),
        ([log_at(5), log_at(11)], "of block 11 for blocks 0 to 10"),
        ([log_at(5, address="0x" + "11" * 20)], "log of '0x1111"),
        ([log_at(5, removed=True)], "removed"),
        ([log_at(5, blockNumber="five")], "no quantity"),
        ([log_at(5, blockNumber="-0x5")], "no quantity"),
        ([log_at(5, blockNumber=5)], "Expected `str`"),
        ([log_at(5, blockNumber=True)], "Expected `str`"),
        ([log_at(5, blockNumber="0x" + "7" * 30)], "no quantity"),
        ([log_at(5, logIndex="0x")], "no quantity"),
        ([log_at(5, blockHash="0x12")], "no digest"),
        ([log_at(5, transactionHash="0x" + "zz" * 32)], "no data"),
        ([log_at(5), log_at(5, 1, blockHash="0x" + "ab" * 32)], "two hashes"),
        ([log_at(5, topics=[])], "does not decode"),
        ([log_at(5, topics=["0x" + "11" * 32])], "does not decode"),
        ([log_at(5, data="0x12")], "does not decode"),
        ([log_at(5, data="0x1")], "does not decode"),
        ([raw_log(MOVED, 5, data="0x" + "00" * 31 + "20" + "ff" * 32 + "00" * 64)], "does not decode"),
        ([None], "Expected `object`"),
        ({}, "Expected `array`"),
        (None, "Expected `array`"),
        ("0x", "Expected `array`"),
    ],
)
def test_what_no_circle_wrote_is_the_endpoints_fault(answer: Any, complaint: str) -> None:
    endpoint = Endpoint([])
    endpoint.tells = lambda: answer
    with pytest.raises(BadAnswer, match=complaint):
        reader_of(endpoint).read(0, 10)


def test_a_chain_longer_than_can_be_read_is_refused_before_anything_is_asked() -> None:
    endpoint = Endpoint([])
    with pytest.raises(RpcFault, match="more than can be read"):
        reader_of(endpoint).read(0, MOST_SPAN + 1)
    assert endpoint.asked == []


def test_more_logs_at_once_than_can_be_are_asked_for_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.chain.log_ranges.MOST_LOGS", 10)
    endpoint = Endpoint(range(100))
    assert len(reader_of(endpoint).read(0, 99)) == 100
    assert len(endpoint.asked) > 10


@pytest.mark.rule("R3.9")
def test_a_rounds_seed_follows_from_the_block_of_its_log() -> None:
    """It is in no log: nobody knows it in the block that closes the commit phase."""
    log = raw_log(Drawn(7, b"", 0b111), 5)
    block_hash = bytes.fromhex(log["blockHash"][2:])
    words = block_hash + (7).to_bytes(32, "big") + bytes(12) + bytes.fromhex(ADDRESS[2:])
    assert DECODER.decode(msgspec.convert(log, RawLog)) == Drawn(7, keccak(words), 0b111)
