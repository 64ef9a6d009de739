"""The chain takes blocks back under running peers: they go back with it, and nothing of it shows in the audit."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from ledger.circle.history import History, Phase
from tests.support.chains.kinds import CHAINS, ChainProcess
from tests.support.network.local_run import LocalRun

BLOCK_S = 1
DEPTH = 3
HONEST = ("honest",) * 4
# Windows so long that no deadline passes: what ends a phase is that all are there again.
OPTIONS = ("--degree", "2", "--commit-window", "600", "--attest-window", "600")


@pytest.fixture(params=list(CHAINS))
def chain(request: pytest.FixtureRequest) -> Iterator[ChainProcess]:
    start: Callable[..., AbstractContextManager[ChainProcess]] = CHAINS[request.param]
    with start(block_time_s=BLOCK_S) as process:
        yield process


def reorganise(run: LocalRun, chain: ChainProcess, what: str, is_time: Callable[[History], bool]) -> History:
    """Take DEPTH blocks back at a moment of the circle's life. Returns the history as it was before."""
    seen: list[History] = []

    def look() -> bool:
        seen[:] = [run.history()]
        return is_time(seen[0])

    run.wait_for(look, what)
    chain.rpc("anvil_reorg", DEPTH, [])
    return seen[0]


def wait_blocks(run: LocalRun, chain: ChainProcess, count: int) -> None:
    """Until so many more blocks are there than now."""
    start = int(chain.rpc("eth_blockNumber"), 16)
    run.wait_for(lambda: int(chain.rpc("eth_blockNumber"), 16) >= start + count, f"{count} blocks")


def check_end(run: LocalRun, rounds: int) -> History:
    """All took part in all rounds, each went back at least once, nobody said two things, the audit is clean."""
    run.wait_finished()
    final = run.history()
    assert [len(round_.attestations) for round_ in final.rounds] == [len(HONEST)] * rounds
    for index in range(len(HONEST)):
        assert "chain reorganised" in run.log(index)
        assert "equivocation" not in run.log(index)
        assert set(run.rounds(index)) == set(range(1, rounds + 1))
    assert run.findings() == []
    return final


def test_peers_go_back_with_the_chain_and_the_audit_is_clean(run: LocalRun, chain: ChainProcess) -> None:
    run.start(*HONEST, rounds=3, options=OPTIONS, paced=True, rpc=chain.url)
    run.wait_round(1)
    wait_blocks(run, chain, DEPTH)
    run.open_gates(1)
    drawn = reorganise(run, chain, "seed of round 1", lambda h: h.phase == Phase.ATTEST)
    run.open_gates(2)
    attested = reorganise(
        run, chain, "attestations of round 2", lambda h: len(h.rounds) == 2 and len(h.rounds[1].attestations) >= 2
    )
    # Then what settled round 2, when its successor has begun already.
    reorganise(run, chain, "round 3", lambda h: len(h.rounds) == 3)
    run.open_gates(3)

    final = check_end(run, 3)
    assert drawn.rounds[0].seed != final.rounds[0].seed
    # What was committed before is committed again: nobody trained twice, and nobody published two updates.
    assert drawn.rounds[0].commits == final.rounds[0].commits
    assert attested.rounds[1].commits == final.rounds[1].commits


def test_seats_that_vanish_are_taken_again(run: LocalRun, chain: ChainProcess) -> None:
    run.start(*HONEST, rounds=1, options=OPTIONS, paced=True, rpc=chain.url)
    run.open_gates(1)
    seated = reorganise(run, chain, "round 1", lambda h: len(h.rounds) == 1)
    assert check_end(run, 1).seats.keys() == seated.seats.keys()


def test_who_waits_for_confirmations_never_goes_back(run: LocalRun, chain: ChainProcess) -> None:
    options = ("--confirmations", str(DEPTH))
    run.start(*HONEST, rounds=1, options=OPTIONS, paced=True, rpc=chain.url, node_options=options)
    run.wait_round(1)
    run.open_gates(1)
    drawn = reorganise(run, chain, "seed of round 1", lambda h: h.phase == Phase.ATTEST)
    run.wait_finished()
    assert drawn.rounds[0].commits == run.history().rounds[0].commits
    assert not any("chain reorganised" in run.log(index) for index in range(len(HONEST)))
    assert run.findings() == []
