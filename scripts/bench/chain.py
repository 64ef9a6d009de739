"""How fast the test chain is, and whether it stays so as it grows: side by side with Anvil.

Transactions the size of a peer's commit (one word stored, one log, about 32,000 gas) are signed beforehand by many
accounts and sent over HTTP, one by one and in batches, to a chain that makes a block each 0.5 s. At each size of the
chain the time to get a receipt and to search logs is taken. `--full` goes to 50,000 transactions: run it on a quiet
machine; without it the chain ends at 2,000. CPU time is that of the chain's process, so it also means something on a
busy one.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import rlp
from coincurve import PrivateKey
from eth_hash.auto import keccak

CHAIN_ID = 31337
GWEI = 10**9
BLOCK_TIME_S = 0.5
BATCH = 50
CONNECTIONS = 8
# More than a block's worth, less than a pool holds.
IN_FLIGHT = 1500
# sstore(caller, calldata[0]); log2(0x2a, caller, data = calldata[0])
CODE = bytes.fromhex("6012600c60003960126000f360003580335560005233602a60206000a200")
ASKED = 40
LOG_BLOCKS = 20
SMALL, FULL = (500, 2_000), (1_000, 10_000, 50_000)


@dataclass
class Growth:
    """Figures of one chain at one size. Times are medians in milliseconds."""

    transactions: int
    """Mined by then."""
    blocks: int
    """Mined by then."""
    receipt_ms: float
    """Of one transaction's receipt."""
    old_logs_ms: float
    """Of the logs of the chain's first LOG_BLOCKS blocks."""
    new_logs_ms: float
    """Of the logs of its latest LOG_BLOCKS blocks."""
    rare_log_ms: float
    """Of one log, looked for in all blocks."""
    memory_mib: float
    """Resident then."""


@dataclass
class Figures:
    """Of one chain. CPU time is the chain's, in milliseconds a transaction, sending included."""

    name: str
    """The chain's."""
    single_per_s: float = 0.0
    """Transactions a second, sent one by one."""
    single_cpu_ms: float = 0.0
    """CPU time of those."""
    batch_per_s: float = 0.0
    """Transactions a second, in batches of BATCH."""
    batch_cpu_ms: float = 0.0
    """CPU time of those."""
    peak_memory_mib: float = 0.0
    """The most that was resident."""
    growth: list[Growth] = field(default_factory=list)
    """Reading at each size."""


class Signer:
    """Signs type-2 transactions of one account in nonce order, quickly."""

    def __init__(self, key: bytes, nonce: int = 0) -> None:
        self._key, self._nonce = PrivateKey(key), nonce
        self.address = keccak(self._key.public_key.format(compressed=False)[1:])[-20:]

    def sign(self, to: bytes, value: int, data: bytes, gas: int) -> str:
        """0x-prefixed."""
        fields = [CHAIN_ID, self._nonce, GWEI, 20 * GWEI, gas, to, value, data, []]
        self._nonce += 1
        signature = self._key.sign_recoverable(keccak(b"\2" + rlp.encode(fields)), hasher=None)
        parts = [signature[64], int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")]
        return "0x02" + bytes(rlp.encode(fields + parts)).hex()


class Client:
    """JSON-RPC over a few kept connections."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def call(self, method: str, *params: Any) -> Any:
        """One call's result."""
        return (await self.batch([(method, params)]))[0]

    async def batch(self, calls: list[tuple[str, Any]]) -> list[Any]:
        """The results of several calls in one request; a batch of one goes as a single call."""
        bodies = [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
            for index, (method, params) in enumerate(calls)
        ]
        body = json.dumps(bodies if len(bodies) > 1 else bodies[0]).encode()
        async with self._session.post(
            self._url, data=body, headers={"Content-Type": "application/json"}
        ) as response:
            answers = await response.json()
        if isinstance(answers, dict):
            answers = [answers]
        if wrong := [answer["error"] for answer in answers if "error" in answer]:
            raise RuntimeError(f"the chain refused: {wrong[0]}")
        return [answer["result"] for answer in sorted(answers, key=lambda answer: answer["id"])]


class Load:
    """Feeds signed transactions to one chain and takes the figures."""

    def __init__(self, client: Client, pid: int) -> None:
        self._client, self._pid = client, pid
        self._mined, self._next_block, self._sent = 0, 0, 0
        self._progress = asyncio.Event()

    async def send(self, raws: list[str], batch: int) -> tuple[float, float]:
        """Send all and wait until all are mined. Returns transactions per second, CPU milliseconds for each."""
        await self._count()
        wanted = self._mined + len(raws)
        self._sent = self._mined
        started, cpu = time.perf_counter(), cpu_s(self._pid)
        queue = iter([raws[start : start + batch] for start in range(0, len(raws), batch)])
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._feed(queue))
            group.create_task(self._watch(wanted))
        seconds = time.perf_counter() - started
        return len(raws) / seconds, (cpu_s(self._pid) - cpu) * 1000 / len(raws)

    async def _feed(self, queue: Iterator[list[str]]) -> None:
        for raws in queue:
            while self._sent - self._mined > IN_FLIGHT:
                self._progress.clear()
                await self._progress.wait()
            self._sent += len(raws)
            await self._client.batch([("eth_sendRawTransaction", [raw]) for raw in raws])

    async def _watch(self, wanted: int) -> None:
        while self._mined < wanted:
            await asyncio.sleep(0.05)
            await self._count()

    async def _count(self) -> None:
        head = int(await self._client.call("eth_blockNumber"), 16)
        while self._next_block <= head:
            count = await self._client.call("eth_getBlockTransactionCountByNumber", hex(self._next_block))
            self._mined, self._next_block = self._mined + int(count, 16), self._next_block + 1
        self._progress.set()

    async def grown(self, mined: list[str], address: str, rare: str, usual: str) -> Growth:
        """Take the figures of reading. rare, usual: topics of one log early in the chain, of some in every block."""
        await self._count()
        head = self._next_block - 1

        def logs(first: int, last: int, topics: list[Any]) -> Callable[[], Any]:
            wanted = {"fromBlock": hex(first), "toBlock": hex(last), "address": address, "topics": topics}
            return lambda: self._client.call("eth_getLogs", wanted)

        return Growth(
            transactions=self._mined,
            blocks=head,
            receipt_ms=await _median_ms(
                lambda: self._client.call("eth_getTransactionReceipt", random.choice(mined)), ASKED
            ),
            old_logs_ms=await _median_ms(logs(0, LOG_BLOCKS, [None, [rare, usual]]), ASKED),
            new_logs_ms=await _median_ms(logs(max(0, head - LOG_BLOCKS), head, [None, usual]), ASKED),
            rare_log_ms=await _median_ms(logs(0, head, [None, rare]), ASKED),
            memory_mib=_memory_mib(self._pid, "VmRSS"),
        )


async def _median_ms(ask: Callable[[], Any], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def cpu_s(pid: int) -> float:
    """Processor time a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


@contextmanager
def started(name: str) -> Iterator[Any]:
    """One of the two chains, making a block each BLOCK_TIME_S."""
    from tests.support.chains.kinds import CHAINS

    with CHAINS[name](block_time_s=BLOCK_TIME_S, chain_id=CHAIN_ID) as chain:
        yield chain


async def measure(name: str, sizes: tuple[int, ...], accounts: int) -> Figures:
    """Take all figures of one chain."""
    with started(name) as chain:
        timeout = aiohttp.ClientTimeout(total=120)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS + 1)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            return await _measure(name, Client(session, chain.url), chain, sizes, accounts)


async def _measure(name: str, client: Client, chain: Any, sizes: tuple[int, ...], accounts: int) -> Figures:
    figures, load = Figures(name), Load(client, chain.pid)
    bank = Signer(bytes.fromhex(chain.keys[0][2:]))
    members = [Signer(keccak(b"member" + bytes([index // 256, index % 256]))) for index in range(accounts)]
    deploy = bank.sign(b"", 0, CODE, 200_000)
    await load.send([deploy, *(bank.sign(member.address, 10**18, b"", 21_000) for member in members)], BATCH)
    receipt = await client.call("eth_getTransactionReceipt", _hash(deploy))
    contract = bytes.fromhex(receipt["contractAddress"][2:])
    # One log that no other looks like, early in the chain.
    await load.send([bank.sign(contract, 0, bytes(32), 100_000)], 1)
    rare, usual = ("0x" + bytes(12).hex() + signer.address.hex() for signer in (bank, members[0]))
    mined: list[str] = []
    for step, size in enumerate(sizes):
        raws = [
            members[index % accounts].sign(contract, 0, (index + 1).to_bytes(32, "big"), 60_000)
            for index in range(len(mined), size)
        ]
        if step == 0:
            half = len(raws) // 2
            figures.single_per_s, figures.single_cpu_ms = await load.send(raws[:half], 1)
            figures.batch_per_s, figures.batch_cpu_ms = await load.send(raws[half:], BATCH)
        else:
            figures.batch_per_s, figures.batch_cpu_ms = await load.send(raws, BATCH)
        mined += [_hash(raw) for raw in raws]
        figures.growth.append(await load.grown(mined, "0x" + contract.hex(), rare, usual))
    figures.peak_memory_mib = _memory_mib(chain.pid, "VmHWM")
    return figures


def _hash(raw: str) -> str:
    return "0x" + keccak(bytes.fromhex(raw[2:])).hex()


def report(all_figures: list[Figures]) -> str:
    """The figures as text, with what ours is of Anvil's where both were run."""
    lines = [f"{'':28}" + "".join(f"{figures.name:>12}" for figures in all_figures) + f"{'ratio':>10}"]

    def row(name: str, values: list[float]) -> None:
        ratio = f"{values[0] / values[1]:10.2f}" if len(values) == 2 and values[1] else ""
        lines.append(f"{name:28}" + "".join(f"{value:12.2f}" for value in values) + ratio)

    for name, title in (
        ("single_per_s", "tx/s, one by one"),
        ("single_cpu_ms", "CPU ms/tx, one by one"),
        ("batch_per_s", f"tx/s, batches of {BATCH}"),
        ("batch_cpu_ms", "CPU ms/tx, in batches"),
        ("peak_memory_mib", "peak memory, MiB"),
    ):
        row(title, [getattr(figures, name) for figures in all_figures])
    for index, growth in enumerate(all_figures[0].growth):
        lines.append(f"at {growth.transactions} transactions, {growth.blocks} blocks")
        for name, title in (
            ("receipt_ms", "  receipt, ms"),
            ("old_logs_ms", f"  {LOG_BLOCKS} early blocks' logs, ms"),
            ("new_logs_ms", f"  {LOG_BLOCKS} latest blocks' logs, ms"),
            ("rare_log_ms", "  one log in all blocks, ms"),
            ("memory_mib", "  memory, MiB"),
        ):
            row(title, [getattr(figures.growth[index], name) for figures in all_figures])
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="to 50,000 transactions: minutes, on a quiet machine")
    parser.add_argument("--sizes", type=int, nargs="+", help="instead: measure at these numbers of transactions")
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--only", choices=("folkmoot", "anvil"), help="one chain instead of both")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args()
    sizes = tuple(options.sizes or (FULL if options.full else SMALL))
    names = (options.only,) if options.only else ("folkmoot", "anvil")
    all_figures = [asyncio.run(measure(name, sizes, options.accounts)) for name in names]
    print(json.dumps([asdict(figures) for figures in all_figures]) if options.json else report(all_figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
