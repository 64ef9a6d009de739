"""The two chains the tests run against, behind one handle: ours (`folkmoot chain`, as a process) and Anvil."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ledger.testchain.accounts import DEV_ACCOUNTS
from node.demo.nursery_server import PROGRAM
from tests.support.chains.anvil import anvil
from tests.support.chains.process import ChainProcess, RpcFailure

__all__ = ["CHAINS", "ChainProcess", "RpcFailure", "anvil", "our_chain"]


@contextmanager
def our_chain(
    block_time_s: float | None = None, chain_id: int = 31337, seed: int | None = None, data: Path | None = None
) -> Iterator[ChainProcess]:
    """Run `folkmoot chain` while the body runs.

    block_time_s: None mines at once when transactions wait. seed: of the randomness in blocks. data: the chain's
    folder, by default one that goes with the chain. Killed or stopped, it finds its chain again on `restart`.
    """
    with tempfile.TemporaryDirectory(prefix="folkmoot-chain-") as folder:

        def command(port: int) -> list[str]:
            interval = 0.0 if block_time_s is None else block_time_s
            seeded = [] if seed is None else ["--seed", str(seed)]
            return [
                *(PROGRAM, "chain", "--folder", str(data or Path(folder, "chain"))),
                *("--port", str(port), "--chain-id", str(chain_id), "--block-time", str(interval)),
                *seeded,
            ]

        keys = [account.key for account in DEV_ACCOUNTS]
        chain = ChainProcess("folkmoot", command, keys, chain_id, Path(folder), is_warm=True)
        try:
            yield chain
        finally:
            chain.kill()


CHAINS: dict[str, Callable[..., AbstractContextManager[ChainProcess]]] = {"folkmoot": our_chain, "anvil": anvil}
