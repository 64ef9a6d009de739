"""Cases of eth_getLogs: ranges, addresses, topics."""

from collections.abc import Callable

from eth_utils import event_signature_to_log_topic

from scripts.chains.conformance.case import Case, block, case, notebook
from scripts.chains.conformance.scene import NOBODY, NOWHERE, Scene

NOTED = "0x" + event_signature_to_log_topic("Noted(address,uint256,string)").hex()
CLOSED = "0x" + event_signature_to_log_topic("Closed()").hex()
SEVEN, EIGHT, NINE = (f"0x{number:064x}" for number in (7, 8, 9))
ALL = {"fromBlock": "0x0", "toBlock": "latest"}


def author(index: int) -> Callable[[Scene], str]:
    """A topic: an account's address as a word."""
    return lambda scene: "0x" + "00" * 12 + scene.address(index)[2:].lower()


def _logs(name: str, **changes: object) -> Case:
    return case("eth_getLogs", name, {**ALL, **changes})


CASES = [
    _logs("everything"),
    _logs("by address", address=notebook),
    _logs("by one of two addresses", address=[NOBODY, notebook]),
    _logs("an empty list of addresses", address=[]),
    _logs("nobody's", address=NOBODY),
    _logs("null address", address=None),
    _logs("one topic", topics=[NOTED]),
    _logs("one topic in a list", topics=[[NOTED]]),
    _logs("this topic or that", topics=[[NOTED, CLOSED]]),
    _logs("anything, then a topic", topics=[None, author(3)]),
    _logs("anything twice, then a topic", topics=[None, None, SEVEN]),
    _logs("three positions", topics=[NOTED, author(2), SEVEN]),
    _logs("two choices in the third position", topics=[NOTED, None, [EIGHT, SEVEN]]),
    _logs("no choice in a position", topics=[[], author(3)]),
    _logs("more positions than the log has topics", topics=[CLOSED, None]),
    _logs("anything in each of three positions", topics=[None, None, None]),
    _logs("null among the choices", topics=[[CLOSED, None]]),
    _logs("nothing matches", topics=[NOTED, None, NINE]),
    _logs("no topics at all", topics=[]),
    _logs("null topics", topics=None),
    _logs("address and topic", address=notebook, topics=[CLOSED]),
    case("eth_getLogs", "one block", {"fromBlock": "0x2", "toBlock": "0x2"}),
    case("eth_getLogs", "a range", {"fromBlock": "0x3", "toBlock": "0x5"}),
    case("eth_getLogs", "from a block to the latest", {"fromBlock": "0x3"}),
    case("eth_getLogs", "without a range: the latest", {"address": notebook}),
    case("eth_getLogs", "up to a block", {"toBlock": "0x8"}),
    case("eth_getLogs", "earliest to pending", {"fromBlock": "earliest", "toBlock": "pending"}),
    case("eth_getLogs", "earliest to finalized", {"fromBlock": "earliest", "toBlock": "finalized"}),
    case("eth_getLogs", "a block's hash", {"blockHash": block(2)}),
    case("eth_getLogs", "a block's hash and a topic", {"blockHash": block(2), "topics": [None, author(3)]}),
    case("eth_getLogs", "an unknown hash", {"blockHash": NOWHERE}),
    case("eth_getLogs", "hash and range", {"blockHash": block(2), "fromBlock": "0x1", "toBlock": "0x2"}),
    case("eth_getLogs", "from above to", {"fromBlock": "0x5", "toBlock": "0x2"}),
    case("eth_getLogs", "to beyond the head", {"fromBlock": "0x2", "toBlock": "0x3e8"}),
    case("eth_getLogs", "wholly beyond the head", {"fromBlock": "0x3e8", "toBlock": "0x3e9"}),
    case("eth_getLogs", "a topic of 20 bytes", {**ALL, "topics": [NOBODY]}),
    case("eth_getLogs", "five topic positions", {**ALL, "topics": [None] * 5}),
    case("eth_getLogs", "an address too short", {**ALL, "address": "0x1234"}),
    case("eth_getLogs", "no filter", "latest"),
]
