"""Taking blocks off the end of the chain: every trace of them that a reader could meet goes.

What stays are trie nodes and code, which only a block's header leads to.
"""

from typing import Any

import rlp
from eth.db.schema import SchemaV1
from eth.rlp.sedes import chain_gaps

from ledger.testchain.evm.vm import Header
from ledger.testchain.storage.store import ChainStore


def take_off(store: ChainStore, chaindb: Any, header: Header) -> None:
    """Remove the head block's header, its transactions' places and its logs; inside the caller's `block()`.

    The parent is the head afterwards. chaindb: py-evm's, on the same store.
    """
    for transaction_hash in chaindb.get_block_transaction_hashes(header):
        del store[SchemaV1.make_transaction_hash_to_block_lookup_key(transaction_hash)]
    store.drop_logs(header.block_number)
    del store[SchemaV1.make_block_number_to_hash_lookup_key(header.block_number)]
    del store[SchemaV1.make_block_hash_to_score_lookup_key(header.hash)]
    del store[header.hash]
    store[SchemaV1.make_canonical_head_hash_lookup_key()] = header.parent_hash
    # py-evm notes which numbers it has ever stored: the next one it expects is this block's again.
    gaps = rlp.encode(((), header.block_number), sedes=chain_gaps)
    store[SchemaV1.make_header_chain_gaps_lookup_key()] = gaps
    store[SchemaV1.make_chain_gaps_lookup_key()] = gaps
