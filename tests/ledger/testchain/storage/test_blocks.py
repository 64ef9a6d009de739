"""One transaction read by itself is the one of its whole block."""

from collections.abc import Callable
from pathlib import Path

from eth_utils.address import to_checksum_address

from ledger.testchain.mining.engine import Engine
from ledger.testchain.rpc.views import receipt_view, receipt_views, transaction_view
from ledger.testchain.storage.blocks import BlockReader, take_transaction

# As many logs as its calldata's first byte says: while (n) { n -= 1; log0(0, 0) }
CODE = "60003560001a5b80156018576001900360006000a06006565b00"
DEPLOY = "601a600c600039601a6000f3" + CODE
Signed = Callable[..., bytes]


def test_a_transaction_read_alone_is_that_of_its_block(tmp_path: Path, signed: Signed) -> None:
    engine = Engine(tmp_path, 1337, None)
    engine.submit(signed(0, 0, to=b"", data=bytes.fromhex(DEPLOY), gas=200_000))
    to = to_checksum_address(receipt_view(take_transaction(engine.mine(), 0))["contractAddress"])
    for author, logs in enumerate((0, 2, 1, 0, 3)):
        engine.submit(signed(author + 1, 0, to=to, data=bytes([logs]), gas=60_000))
    record = engine.mine()
    whole = receipt_views(record)
    assert [len(receipt["logs"]) for receipt in whole] == [0, 2, 1, 0, 3]
    for position, transaction in enumerate(record.transactions):
        alone = BlockReader(engine.store).read_transaction(record.header, position)
        assert receipt_view(alone) == receipt_view(take_transaction(record, position)) == whole[position]
        assert transaction_view(alone) == transaction_view(take_transaction(record, position))
        found = engine.chain.read_transaction(transaction.hash)
        assert found is not None
        assert receipt_view(found) == whole[position]
    assert engine.chain.read_transaction(bytes(32)) is None
    engine.close()
