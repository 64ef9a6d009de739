"""Two threads on one chain: never both at once, and neither keeps the other out."""

import threading
from collections.abc import Callable

import pytest

from ledger.testchain.evm.messages import ExecutionFailed
from ledger.testchain.mining.turns import Turns

WAIT_S = 60


def run_both(*bodies: Callable[[], None]) -> None:
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


def test_turns_never_overlap_and_alternate() -> None:
    turns, inside, orders = Turns(), [0], list[str]()

    def note(who: str) -> None:
        inside[0] += 1
        assert inside[0] == 1
        orders.append(who)
        inside[0] -= 1

    def chain() -> None:
        for _ in range(500):
            with turns.chain():
                note("chain")

    def simulation() -> None:
        with turns.simulation():
            for _ in range(500):
                note("simulation")
                turns.give_way()

    run_both(chain, simulation)
    assert orders.count("chain") == orders.count("simulation") == 500


def test_the_chain_goes_in_the_middle_of_a_simulation_and_beside_what_is_aside() -> None:
    turns, went = Turns(), [threading.Event(), threading.Event()]

    def chain() -> None:
        for event in went:
            with turns.chain():
                event.set()

    with turns.simulation():
        thread = threading.Thread(target=chain)
        thread.start()
        while not went[0].is_set():
            turns.give_way()
        with turns.aside():
            assert went[1].wait(WAIT_S)
    thread.join(WAIT_S)


def test_what_is_stopped_ends_and_the_chain_goes_on() -> None:
    turns = Turns()
    with turns.simulation():
        turns.stop()
        with pytest.raises(ExecutionFailed, match="stopping"):
            turns.give_way()
    with pytest.raises(ExecutionFailed, match="stopping"), turns.simulation():
        pytest.fail("none begins any more")
    with turns.chain():
        pass
