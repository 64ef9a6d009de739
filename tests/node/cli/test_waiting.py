"""A node waits for a chain that is not up yet as long as it was told to, and for nothing else."""

import argparse

import pytest

from ledger.chain.rpc.client import ChainUnreachable
from ledger.errors import SetupError, UsageError
from node.cli.waiting import await_chain, check_wait


class Chain:
    """Answers at the call with this number."""

    def __init__(self, answers_at: int) -> None:
        self._answers_at, self.now_s, self.calls = answers_at, 0.0, 0

    def open(self) -> str:
        self.calls += 1
        if self.calls < self._answers_at:
            raise ChainUnreachable("nobody answers")
        return "circle"

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def wait(self, seconds: float) -> str:
        return await_chain(self.open, seconds, lambda: self.now_s, self.sleep)


def test_a_chain_that_comes_up_in_time_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    chain = Chain(4)
    assert chain.wait(60) == "circle"
    assert chain.now_s == 30
    assert capsys.readouterr().err == "folkmoot: caution: nobody answers; asking again for up to 60 s\n"


def test_it_is_not_waited_for_longer_than_said_nor_without_being_asked() -> None:
    late, unasked = Chain(5), Chain(2)
    with pytest.raises(ChainUnreachable):
        late.wait(25)
    assert (late.now_s, late.calls) == (25, 4)
    with pytest.raises(ChainUnreachable):
        unasked.wait(0)
    assert unasked.calls == 1


def test_what_waiting_does_not_mend_is_raised_at_once() -> None:
    def open_() -> str:
        raise SetupError("another circle")

    with pytest.raises(SetupError, match="another circle"):
        await_chain(open_, 1e9, lambda: 0.0, lambda _: pytest.fail("it waited"))
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="--wait-for-chain is 0 to"):
            check_wait(argparse.Namespace(wait_for_chain=seconds))
