"""Live one circle with a liar, from its deployment to the last bond's payment, on chains of different makers.

Usage: python -m scripts.chains.live [folkmoot] [anvil] [hardhat-2] [hardhat-3]     (all where none is named)
Real processes: five honest peers and one that turns all its verdicts about one seat. They must dispute and convict it
by themselves; every account's coin is reckoned to the wei; the audit must name the liar and nobody else. Exit status 1
where it is otherwise on one of the chains. `dev` extra; Anvil and Hardhat come from npm.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from ledger.circle.events import Outcome
from node.cli.main import main as folkmoot
from tests.support.chains.hardhat import hardhat
from tests.support.chains.kinds import ChainProcess, anvil, our_chain
from tests.support.network.local_run import LocalRun

CHAINS: dict[str, Callable[[], AbstractContextManager[ChainProcess]]] = {
    "folkmoot": our_chain,
    "anvil": anvil,
    "hardhat-2": lambda: hardhat("2"),
    "hardhat-3": lambda: hardhat("3"),
}
HONEST, LIAR, VICTIM, ROUNDS = range(5), 5, 0, 3
PEERS = (*HONEST, LIAR)
BOND, DISPUTE_BOND, FUNDS, UNBONDING_S = 10**18, 5 * 10**16, 10**19, 960
TERMS = ("--bond", "1", "--dispute-bond", "0.05", "--dispute-window", "120", "--unbonding", str(UNBONDING_S))
WINDOWS = ("--commit-window", "60", "--attest-window", "60", "--confirmations", "0", "--jury-seats", "3")
WAIT_S = 400.0


def live(chain: ChainProcess, folder: Path) -> None:
    """Raises AssertionError where something is not as it must be."""
    run = LocalRun(folder)
    with run.network:
        run.start_chain(chain.url)
        run.found(*["honest"] * len(HONEST), "false-verdict", rounds=ROUNDS, options=(*TERMS, *WINDOWS))
        for index in PEERS:
            lies = ("--attack-parameter", f"victim={VICTIM}") if index == LIAR else ()
            run.start_peer(index, "--seat", str(index), "--watch-share", "0.5", *lies)
        run.wait_for(lambda: _is_over(run), "conviction", WAIT_S)
        _check_disputes(run)
        _print_commands(run)
        assert {found["seat"] for found in run.findings()} == {LIAR}
        _pay_out(run, chain)
        _check_coin(run, chain)


def _is_over(run: LocalRun) -> bool:
    """The circle is finished, a claim was upheld and none is open."""
    finished = all(run.events(index, "finished") for index in HONEST)
    outcomes = [one.outcome for one in run.history().disputes] if finished else []
    return finished and Outcome.UPHELD in outcomes and None not in outcomes


def _check_disputes(run: LocalRun) -> None:
    history = run.history()
    for one in history.disputes:
        print(f"  dispute {one.number}: claim {one.claimed}, {one.outcome}")
        assert one.claimed[1] == LIAR, "nobody else is accused"
    assert history.seats[LIAR].convictions >= 1
    assert history.seats[LIAR].bond <= BOND // 2
    assert all(history.seats[seat].bond == BOND and not history.seats[seat].convictions for seat in HONEST)


def _print_commands(run: LocalRun) -> None:
    for command in ("disputes", "status", "audit"):
        print(f"  $ folkmoot {command}", flush=True)
        status = folkmoot([command, "--circle", str(run.network.circle_file)])
        assert status == (command == "audit"), f"{command} ended with {status}"


def _pay_out(run: LocalRun, chain: ChainProcess) -> None:
    """All leave while their nodes run, time passes, all are released and take what they are owed."""
    for index in PEERS:
        run.expect_death(index)
        if run.history().seats[index].is_held:
            run.command("seat", "leave", str(index), key=run.key(index))
    run.wait_for(lambda: all(one.outcome is not None for one in run.history().disputes), "end of disputes", WAIT_S)
    chain.rpc("evm_increaseTime", UNBONDING_S + 1)
    chain.rpc("evm_mine")
    # The nodes would do it as a chore, by a clock that did not jump.
    for index in PEERS:
        if not run.history().seats[index].is_released:
            run.command("seat", "release", str(index), key=run.key(0))
    run.network.close()
    for index in PEERS:
        if run.history().owed.get(run.key(index).address):
            run.command("seat", "withdraw", key=run.key(index))


def _check_coin(run: LocalRun, chain: ChainProcess) -> None:
    """Every honest account holds what it was given, less gas, and what convictions paid it. Nothing stays behind."""
    fees, rewards = _fees(chain), Counter[str]()
    for one in run.history().disputes:
        if one.outcome == Outcome.UPHELD:
            rewards[one.claim.challenger] += one.fine // 4
    for index in PEERS:
        address = run.key(index).address
        gained = int(chain.rpc("eth_getBalance", address, "latest"), 16) - FUNDS + fees[address.lower()]
        print(f"  peer {index}: {fees[address.lower()]:,} wei of gas, besides it gained {gained:,} wei")
        assert index == LIAR or gained == rewards[address], (gained, rewards[address])
        assert index != LIAR or gained <= -BOND // 2
    assert int(chain.rpc("eth_getBalance", run.contract, "latest"), 16) == 0, "the contract keeps nothing"


def _fees(chain: ChainProcess) -> Counter[str]:
    """Account, lower case → wei that its transactions cost, over the whole chain."""
    fees = Counter[str]()
    for number in range(int(chain.rpc("eth_blockNumber"), 16) + 1):
        for hash_ in chain.rpc("eth_getBlockByNumber", hex(number), False)["transactions"]:
            receipt = chain.rpc("eth_getTransactionReceipt", hash_)
            fees[receipt["from"].lower()] += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    return fees


def main() -> int:
    """Check each chain named."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("chains", nargs="*", metavar="CHAIN", help=f"of {', '.join(CHAINS)} (default: all)")
    named = parser.parse_args().chains
    if unknown := [name for name in named if name not in CHAINS]:
        parser.error(f"no such chain: {', '.join(unknown)}; choose of {', '.join(CHAINS)}")
    failed = []
    for name in named or CHAINS:
        print(name, flush=True)
        started = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder, CHAINS[name]() as chain:
                live(chain, Path(folder, "run"))
        except (AssertionError, OSError) as error:
            failed.append(name)
            print(f"  FAILED: {error}")
        print(f"  {name}: {time.monotonic() - started:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
