"""Logs in pieces: whatever an endpoint bears, none is left out and none comes twice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.logs import MalformedLog, RawLog
from ledger.chain.ranges import FIRST_BLOCKS, LogReader
from ledger.chain.rpc import ChainUnreachable, RpcFault

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
REFUSALS = [
    (-32005, "query returned more than 10000 results"),
    (-32602, "Log response size exceeded. this block range should work: [0x0, 0x7f]"),
    (-32000, "exceed maximum block range: 5000"),
    (-32600, "eth_getLogs is limited to a 500 range"),
]


def log_at(block, index=0, **fields):
    known = {
        "address": ADDRESS.lower(),
        "topics": [],
        "data": "0x",
        "blockNumber": hex(block),
        "logIndex": hex(index),
        "blockHash": f"0x{block:064x}",
        "transactionHash": "0x",
    }
    return RawLog(**(known | fields))


class Endpoint:
    """Answers eth_getLogs, if the range spans at most so many blocks and logs."""

    url = "http://endpoint"

    def __init__(self, blocks_with_logs, *, most_blocks=10**9, most_logs=10**9, refusal=REFUSALS[0]):
        self.places = sorted(set(blocks_with_logs))
        self.most_blocks, self.most_logs, self.refusal = most_blocks, most_logs, refusal
        self.head = max([*self.places, 0])
        self.asked = []

    def request(self, method, parameters, kind):
        (query,) = parameters
        first = int(query["fromBlock"], 16)
        last = self.head if query["toBlock"] == "latest" else int(query["toBlock"], 16)
        self.asked.append((first, last))
        found = [place for place in self.places if first <= place <= last]
        if last - first + 1 > self.most_blocks or len(found) > self.most_logs:
            raise RpcFault(self.url, method, *self.refusal, None)
        # In no particular order.
        return [log_at(place, index) for index, place in reversed(list(enumerate(found)))]

    def number(self, method, *parameters):
        return self.head


@settings(max_examples=50)
@given(
    places=st.lists(st.integers(0, 5_000), unique=True, max_size=60),
    most_blocks=st.integers(60, 8_000),
    most_logs=st.integers(1, 60),
    refusal=st.sampled_from(REFUSALS),
    first=st.integers(0, 5_000),
)
def test_every_log_is_read_once_and_in_order_whatever_the_limits(places, most_blocks, most_logs, refusal, first):
    endpoint = Endpoint([*places, 5_000], most_blocks=most_blocks, most_logs=most_logs, refusal=refusal)
    wanted = sorted({place for place in [*places, 5_000] if place >= first})
    for read in (
        lambda: LogReader(endpoint, ADDRESS).read(first, 5_000),
        lambda: LogReader(endpoint, ADDRESS).read_to_head(first),
    ):
        assert [log.position[0] for log in read()] == wanted


def test_the_pieces_shrink_to_what_is_borne_and_grow_again():
    endpoint = Endpoint([100_000], most_blocks=300)
    reader = LogReader(endpoint, ADDRESS)
    reader.read(0, 20_000)
    refused = [last - first + 1 for first, last in endpoint.asked if last - first + 1 > 300]
    assert refused[0] == FIRST_BLOCKS
    assert len(refused) < len(endpoint.asked) / 2
    endpoint.most_blocks = 10**9
    endpoint.asked.clear()
    reader.read(0, 10**6)
    sizes = [last - first + 1 for first, last in endpoint.asked]
    assert max(sizes) > 10_000


def test_what_even_a_single_block_is_refused_for_is_raised():
    with pytest.raises(RpcFault, match="more than 10000 results"):
        LogReader(Endpoint([5, 6], most_blocks=0), ADDRESS).read(0, 10)


def test_an_endpoint_without_the_method_is_asked_once():
    endpoint = Endpoint([5], most_blocks=1, refusal=(-32601, "the method does not exist"))
    with pytest.raises(RpcFault, match="does not exist"):
        LogReader(endpoint, ADDRESS).read(0, 10_000)
    assert len(endpoint.asked) == 1


def test_an_answer_that_never_came_whole_makes_the_next_question_smaller():
    endpoint = Endpoint([5])
    endpoint.request = lambda *_: (_ for _ in ()).throw(ChainUnreachable("more than 64 MiB"))
    reader = LogReader(endpoint, ADDRESS)
    for _ in range(3):
        with pytest.raises(ChainUnreachable):
            reader.read(0, 100_000)
    del endpoint.request
    reader.read(0, FIRST_BLOCKS)
    assert endpoint.asked[0] == (0, FIRST_BLOCKS // 8 - 1)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ([log_at(5, 1), log_at(5, 1)], "twice"),
        ([log_at(5), log_at(11)], "of block 11 for blocks 0 to 10"),
        ([log_at(5, address="0x" + "11" * 20)], "log of '0x1111"),
        ([log_at(5, removed=True)], "removed"),
        ([log_at(5, blockNumber="five")], "has no place"),
        ([log_at(5, blockNumber="-0x5")], "of block -5"),
    ],
)
def test_what_was_not_asked_for_is_refused(answer, complaint):
    endpoint = Endpoint([])
    endpoint.request = lambda *_: answer
    with pytest.raises(MalformedLog, match=complaint):
        LogReader(endpoint, ADDRESS).read(0, 10)


def test_more_logs_at_once_than_can_be_are_asked_for_in_pieces(monkeypatch):
    monkeypatch.setattr("ledger.chain.ranges.MOST_LOGS", 10)
    endpoint = Endpoint(range(100))
    assert len(LogReader(endpoint, ADDRESS).read(0, 99)) == 100
    assert len(endpoint.asked) > 10
