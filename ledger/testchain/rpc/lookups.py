"""The methods that look up what the chain holds: blocks, transactions, receipts and logs."""

from collections.abc import Callable
from typing import Any

from ledger.testchain.evm.vm import Header
from ledger.testchain.mining.engine import Engine
from ledger.testchain.rpc import params, views
from ledger.testchain.rpc.errors import LIMIT_EXCEEDED, SERVER_ERROR, RpcError
from ledger.testchain.storage.blocks import BlockRecord, take_transaction
from ledger.testchain.storage.logs import LogFilter

MAX_LOGS = 20_000


class Lookups:
    """Answers from one engine's chain and pool."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._chain, self._pool = engine, engine.chain, engine.pool

    def methods(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockTransactionCountByNumber": self._count_by_number,
            "eth_getBlockTransactionCountByHash": self._count_by_hash,
            "eth_getUncleCountByBlockNumber": lambda block: self._no_uncles(self.find_header(block)),
            "eth_getUncleCountByBlockHash": lambda block_hash: self._no_uncles(self._by_hash(block_hash)),
            "eth_getUncleByBlockNumberAndIndex": lambda block, index: self._no_uncle(
                self.find_header(block), index
            ),
            "eth_getUncleByBlockHashAndIndex": lambda block, index: self._no_uncle(self._by_hash(block), index),
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getTransactionByHash": lambda wanted: self.find_transaction(params.parse_hash32(wanted)),
            "eth_getTransactionByBlockNumberAndIndex": lambda block, index: self._at(
                self.find_header(block), index
            ),
            "eth_getTransactionByBlockHashAndIndex": lambda block, index: self._at(self._by_hash(block), index),
            "eth_getRawTransactionByHash": self._raw_transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getLogs": self.search_logs,
        }

    # --- which block

    def header(self, block: Any) -> Header:
        """The header a block parameter names; the pending one is the latest. Raises RpcError if there is none."""
        header = self.find_header(block)
        if header is None:
            raise RpcError(SERVER_ERROR, "header not found")
        return header

    def find_header(self, block: Any) -> Header | None:
        """Like `header`, or None."""
        name = params.parse_block_id(block)
        if isinstance(name, bytes):
            return self._chain.header_by_hash(name)
        if isinstance(name, int):
            return self._chain.header_by_number(name)
        # Only tests take blocks back (evm_revert, anvil_reorg), so the latest is as safe and final as any.
        return self._chain.header_by_number(0) if name == "earliest" else self._engine.head

    def _by_hash(self, block_hash: Any) -> Header | None:
        return self._chain.header_by_hash(params.parse_hash32(block_hash))

    def _find_record(self, block: Any) -> BlockRecord | None:
        header = self.find_header(block)
        return None if header is None else self._chain.read_record(header)

    # --- blocks

    def _block_by_number(self, block: Any, full: Any = False) -> Any:
        whole = params.parse_flag(full, "full transactions")
        if params.parse_block_id(block) == "pending":
            return views.pending_block_view(self._engine.pending_header(), self._engine.pending(), whole)
        record = self._find_record(block)
        return None if record is None else views.block_view(record, whole)

    def _block_by_hash(self, block_hash: Any, full: Any = False) -> Any:
        whole, header = params.parse_flag(full, "full transactions"), self._by_hash(block_hash)
        return None if header is None else views.block_view(self._chain.read_record(header), whole)

    def _count_by_number(self, block: Any) -> str | None:
        if params.parse_block_id(block) == "pending":
            return hex(len(self._engine.pending()))
        record = self._find_record(block)
        return None if record is None else hex(len(record.transactions))

    def _count_by_hash(self, block_hash: Any) -> str | None:
        header = self._by_hash(block_hash)
        return None if header is None else hex(len(self._chain.read_record(header).transactions))

    def _block_receipts(self, block: Any) -> Any:
        record = self._find_record(block)
        return None if record is None else views.receipt_views(record)

    def _no_uncles(self, header: Header | None) -> str | None:
        return None if header is None else "0x0"

    def _no_uncle(self, _header: Header | None, index: Any) -> None:
        params.parse_quantity(index, "index")

    # --- transactions

    def find_transaction(self, wanted: bytes) -> Any:
        """One that was mined or is pooled, or None. wanted: its hash, 32 bytes."""
        if (place := self._chain.read_transaction(wanted)) is not None:
            return views.transaction_view(place)
        pooled = self._pool.get(wanted)
        return None if pooled is None else views.pending_view(pooled)

    def _at(self, header: Header | None, index: Any) -> Any:
        wanted = params.parse_quantity(index, "index")
        record = None if header is None else self._chain.read_record(header)
        if record is None or wanted >= len(record.transactions):
            return None
        return views.transaction_view(take_transaction(record, wanted))

    def _raw_transaction(self, transaction_hash: Any) -> str | None:
        wanted = params.parse_hash32(transaction_hash)
        if (place := self._chain.read_transaction(wanted)) is not None:
            return views.hex_data(place.transaction.encode())
        pooled = self._pool.get(wanted)
        return None if pooled is None else views.hex_data(pooled.encode())

    def _receipt(self, transaction_hash: Any) -> Any:
        place = self._chain.read_transaction(params.parse_hash32(transaction_hash))
        return None if place is None else views.receipt_view(place)

    # --- logs

    def search_logs(self, filter_object: Any) -> list[Any]:
        """eth_getLogs."""
        return self.find_logs(*params.parse_log_filter(filter_object))

    def find_logs(self, wanted: LogFilter, fields: dict[str, Any]) -> list[Any]:
        """The same of a filter that is parsed. fields: of which those matter that name blocks."""
        first, last = self.log_range(fields)
        found = []
        for log in self._chain.search_logs(wanted, first, last):
            found.append(views.log_view(log))
            if len(found) > MAX_LOGS:
                raise RpcError(LIMIT_EXCEEDED, f"query returned more than {MAX_LOGS} results")
        return found

    def log_range(self, fields: dict[str, Any]) -> tuple[int, int]:
        """Numbers of the first and last block that a filter names."""
        if fields.get("blockHash") is not None:
            if fields.get("fromBlock") is not None or fields.get("toBlock") is not None:
                raise params.InvalidParams("cannot specify both blockHash and fromBlock/toBlock, choose one")
            header = self._by_hash(fields["blockHash"])
            if header is None:
                raise RpcError(SERVER_ERROR, "unknown block")
            return header.block_number, header.block_number
        first, last = (params.parse_block_id(fields.get(name) or "latest") for name in ("fromBlock", "toBlock"))
        if isinstance(first, int) and isinstance(last, int) and first > last:
            raise params.InvalidParams("invalid block range params")
        return self._log_bound(first), self._log_bound(last)

    def _log_bound(self, name: str | int | bytes) -> int:
        """Numbers beyond the head stand for the block after it, so such a range is empty and not an error."""
        if isinstance(name, int):
            return int(min(name, self._engine.head.block_number + 1))
        if isinstance(name, bytes):
            raise params.InvalidParams("invalid block range params: use blockHash for a hash")
        return 0 if name == "earliest" else int(self._engine.head.block_number)
