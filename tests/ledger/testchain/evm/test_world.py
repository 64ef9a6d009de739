"""Our database of the world state is py-evm's own, root by root, whatever is done to it."""

from typing import Any

from eth.constants import BLANK_ROOT_HASH
from eth.db.account import AccountDB
from eth.db.atomic import AtomicDB
from eth_typing import Address
from hypothesis import given
from hypothesis import strategies as st

from ledger.testchain.evm.world import WorldDB

ADDRESSES = st.sampled_from([bytes([number]) * 20 for number in range(1, 6)])
SLOTS, VALUES = st.integers(0, 12), st.integers(0, 3) | st.integers(2**250, 2**250 + 3)
STEPS = st.one_of(
    st.tuples(st.just("set_balance"), ADDRESSES, VALUES),
    st.tuples(st.just("set_storage"), ADDRESSES, SLOTS, VALUES),
    st.tuples(st.just("set_code"), ADDRESSES, st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("delete_storage"), ADDRESSES),
    st.tuples(st.just("delete_account"), ADDRESSES),
    st.tuples(st.sampled_from(["lock_changes", "make_state_root", "persist"])),
)
TRIES = st.lists(st.tuples(st.booleans(), st.lists(STEPS, max_size=12)), max_size=8)


def play(accounts: Any, is_kept: bool, steps: list[Any]) -> None:
    """Take steps between a checkpoint and its commit or revert; what flushes comes after it, as in a block."""
    checkpoint = accounts.record()
    deleted: set[bytes] = set()
    for name, *arguments in steps:
        # py-evm takes back one deletion of an account's storage per transaction, and there can be no more.
        if arguments and not (name.startswith("delete") and arguments[0] in deleted):
            getattr(accounts, name)(*arguments)
        if name.startswith("delete"):
            deleted.add(arguments[0])
    (accounts.commit if is_kept else accounts.discard)(checkpoint)
    for name, *arguments in steps:
        if not arguments:
            getattr(accounts, name)()


@given(TRIES)
def test_any_changes_lead_to_the_same_state(tries: list[Any]) -> None:
    theirs, ours = AccountDB(AtomicDB(), BLANK_ROOT_HASH), WorldDB(AtomicDB(), BLANK_ROOT_HASH)
    for is_kept, steps in tries:
        play(theirs, is_kept, steps)
        play(ours, is_kept, steps)
    for accounts in (theirs, ours):
        accounts.lock_changes()
        accounts.persist()
    assert ours.state_root == theirs.state_root
    for address in (Address(bytes([number]) * 20) for number in range(1, 6)):
        assert ours.get_balance(address) == theirs.get_balance(address)
        assert [ours.get_storage(address, slot) for slot in range(13)] == [
            theirs.get_storage(address, slot) for slot in range(13)
        ]
