"""A chain in memory with one key's pool and blocks: what happens to its transactions happens at a named request."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_hash.auto import keccak
from hexbytes import HexBytes

from ledger.chain.rpc.client import Rpc
from ledger.chain.transactions.sender import DeliveryPace, Sender
from tests.support.stand_ins import as_any

KEY = b"\x11" * 32
ADDRESS = Account.from_key(KEY).address
CHAIN_ID = 1337
GWEI = 10**9
AT_ONCE = DeliveryPace(poll_s=0.0, slow_poll_s=0.0, look_s=0.0, lost_s=0.2, taken_s=0.0)
POLL = "eth_getTransactionReceipt"
SEND = "eth_sendRawTransaction"
LOOK = "eth_getTransactionByHash"


class Refused(Exception):
    """The chain's answer is this error."""


class PoolChain:
    """at: (method, how many of them) → what happens just before that one is answered, counted from 1. mine_every:
    so many looks for a receipt make a block. lost: the answers to these (method, how many) never arrive. hidden: of
    these the endpoint says that it does not know. blocks: lists of (nonce, to, value, hash)."""

    def __init__(self, mine_every: int = 0) -> None:
        self.blocks: list[list[tuple[int, str, int, str]]] = [[]]
        self.pool: dict[int, tuple[str, Any]] = {}
        self.at: dict[tuple[str, int], Callable[[], object]] = {}
        self.lost: set[tuple[str, int]] = set()
        self.hidden: set[tuple[str, int]] = set()
        self.seen: Counter[str] = Counter()
        self.sent: list[str] = []
        self.base_fee_wei, self.mine_every, self.forks = GWEI, mine_every, 0

    def sender(self, **options: Any) -> Sender:
        return Sender(self.rpc(), KEY, CHAIN_ID, **{"pace": AT_ONCE, **options})

    def rpc(self) -> Rpc:
        return Rpc("http://pool", provider=as_any(self))

    # ---- what happens to it

    def mine(self, blocks: int = 1) -> None:
        """Blocks with whatever the pool can give: nonces without a gap, fees that pay."""
        for _ in range(blocks):
            taken, nonce = [], self.used
            while nonce in self.pool and self.pool[nonce][1]["maxFeePerGas"] >= self.base_fee_wei:
                digest, fields = self.pool.pop(nonce)
                taken.append((nonce, HexBytes(fields["to"]).to_0x_hex(), fields["value"], digest))
                nonce += 1
            self.blocks.append(taken)

    def stranger(self, nonce: int) -> None:
        """Another program with the same key has this nonce in a block."""
        self.pool.pop(nonce, None)
        self.blocks.append([(nonce, "0x" + "99" * 20, 0, f"0x{nonce:064x}")])

    def drop(self) -> None:
        """The pool forgets everything."""
        self.pool.clear()

    def take_back(self, blocks: int = 1) -> None:
        """The newest blocks were never there; their transactions are nowhere."""
        del self.blocks[-blocks:]
        self.forks += 1

    @property
    def used(self) -> int:
        return sum(len(block) for block in self.blocks)

    @property
    def mined(self) -> list[tuple[int, str, int]]:
        """(nonce, to, value) of all in blocks."""
        return [entry[:3] for block in self.blocks for entry in block]

    # ---- what it answers

    def make_request(self, method: str, parameters: list[Any]) -> dict[str, Any]:
        self.seen[method] += 1
        place = (method, self.seen[method])
        if place in self.at:
            self.at[place]()
        if method == POLL and self.mine_every and self.seen[POLL] % self.mine_every == 0:
            self.mine()
        try:
            result = getattr(self, f"_{method}")(*parameters)
        except Refused as error:
            return {"error": {"code": -32000, "message": str(error)}}
        if place in self.lost:
            raise OSError("the answer was lost")
        return {"result": None if place in self.hidden else result}

    def _eth_blockNumber(self) -> str:  # noqa: N802
        return hex(len(self.blocks) - 1)

    def _eth_feeHistory(self, *_: object) -> dict[str, Any]:  # noqa: N802
        return {"oldestBlock": hex(len(self.blocks) - 1), "baseFeePerGas": [hex(self.base_fee_wei)] * 2}

    def _eth_maxPriorityFeePerGas(self) -> str:  # noqa: N802
        return hex(GWEI)

    def _eth_getTransactionCount(self, _address: str, block: str) -> str:  # noqa: N802
        if block not in ("latest", "pending"):
            return hex(sum(len(one) for one in self.blocks[: int(block, 16) + 1]))
        nonce = self.used
        while block == "pending" and nonce in self.pool:
            nonce += 1
        return hex(nonce)

    def _eth_sendRawTransaction(self, raw: str) -> str:  # noqa: N802
        fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        digest, nonce = "0x" + keccak(bytes.fromhex(raw[2:])).hex(), fields["nonce"]
        self.sent.append(digest)
        if nonce < self.used:
            raise Refused("nonce too low")
        if fields["maxFeePerGas"] < self.base_fee_wei:
            raise Refused("max fee per gas less than block base fee")
        held, offers = self.pool.get(nonce), ("maxFeePerGas", "maxPriorityFeePerGas")
        if held is not None and held[0] == digest:
            raise Refused("already known")
        if held is not None and any(10 * fields[name] < 11 * held[1][name] for name in offers):
            raise Refused("replacement transaction underpriced")
        self.pool[nonce] = digest, fields
        return digest

    def _eth_getTransactionByHash(self, digest: str) -> dict[str, Any] | None:  # noqa: N802
        known = [entry[0] for entry in self.pool.values()] + [entry[3] for block in self.blocks for entry in block]
        return {"hash": digest} if digest in known else None

    def _eth_getTransactionReceipt(self, digest: str) -> dict[str, Any] | None:  # noqa: N802
        for number, block in enumerate(self.blocks):
            if digest in [entry[3] for entry in block]:
                return {
                    "transactionHash": digest,
                    "blockHash": f"0x{self.forks:032x}{number:032x}",
                    "blockNumber": hex(number),
                    "gasUsed": hex(21_000),
                    "status": "0x1",
                }
        return None
