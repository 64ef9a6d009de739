"""One name for each kind of what may go wrong: whoever catches it misses none of them."""

import pytest

from ledger.chain.rpc.client import BadAnswer, ChainTrouble, ChainUnreachable, RpcFault
from ledger.chain.transactions.receipts import CallNotDone, FeeLimitReached, NoReceipt, Refused, Reverted
from ledger.errors import Foreseen, NotYet, PeerFault, SetupError, UsageError
from node.cli.main import SET_UP, USAGE, describe_ending
from node.follower import Doubtful, Overtaken


@pytest.mark.parametrize("kind", [ChainUnreachable, Doubtful, RpcFault, BadAnswer])
def test_the_chain_does_not_say(kind: type[Exception]) -> None:
    assert issubclass(kind, ChainTrouble)


@pytest.mark.parametrize("kind", [Reverted, NoReceipt, FeeLimitReached, Overtaken])
def test_a_call_is_not_done(kind: type[Exception]) -> None:
    assert issubclass(kind, CallNotDone)
    assert not issubclass(kind, ChainTrouble)


def test_what_an_endpoint_says_of_a_call_ends_a_command_and_is_no_call_undone() -> None:
    assert issubclass(Refused, SetupError)
    assert not issubclass(Refused, CallNotDone)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("u"), USAGE),
        (SetupError("s"), SET_UP),
        (PeerFault("p"), SET_UP),
        (NotYet("n"), SET_UP),
        (ChainUnreachable("c"), SET_UP),
        (Overtaken("o"), SET_UP),
    ],
)
def test_what_is_foreseen_ends_a_command_with_its_own_sentence(error: Foreseen, status: int) -> None:
    assert describe_ending(error) == (str(error), status)
