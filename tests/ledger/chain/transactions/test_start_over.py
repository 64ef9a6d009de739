"""After a reorganisation nothing of the past is sent again, and what a pool still holds of it does nothing."""

import pytest

from ledger.chain.transactions.pending import Call as Call_
from ledger.chain.transactions.sender import NoReceipt
from tests.support.chains.fault_proxy import fault_proxy
from tests.support.chains.kinds import ChainProcess
from tests.support.chains.senders import PAYEE, count, hold, paid, sender_on

SEND = "eth_sendRawTransaction"


def test_what_waits_in_the_pool_is_replaced_by_nothing(chain: ChainProcess) -> None:
    hold(chain)
    sender = sender_on(chain)
    with pytest.raises(NoReceipt):
        sender.transfer(PAYEE, 5, timeout_s=0.3)
    sender.note_reorganisation()
    chain.rpc("evm_mine")
    assert count(chain, sender) == 1
    assert paid(chain) == 0
    chain.rpc("evm_setAutomine", True)
    sender.transfer(PAYEE, 7)
    assert paid(chain) == 7
    assert count(chain, sender) == 2


def test_what_vanished_is_not_sent_again_to_fill_its_nonce(chain: ChainProcess) -> None:
    sender = sender_on(chain)
    sender.transfer(PAYEE, 5)
    chain.rpc("anvil_reorg", 1, [])
    assert paid(chain) == 0
    sender.note_reorganisation()
    sender.transfer(PAYEE, 7)
    assert paid(chain) == 7
    assert count(chain, sender) == 1


def test_none_of_several_is_sent_again_where_the_endpoint_is_silent_at_the_reorganisation(
    chain: ChainProcess,
) -> None:
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        proxy.lose_requests[SEND] = 10**6
        for value in (5, 7):
            with pytest.raises(NoReceipt):
                sender.transfer(PAYEE, value, timeout_s=0.0)
        sender.note_reorganisation()
        proxy.lose_requests.clear()
        sender.transfer(PAYEE, 11)
    assert (paid(chain), count(chain, sender)) == (11, 3)


def test_trouble_is_told_before_anything_is_sent_again(chain: ChainProcess) -> None:
    class Enough(Exception):
        pass

    def stop() -> None:
        raise Enough

    hold(chain)
    sender = sender_on(chain)
    with pytest.raises(Enough):
        sender._delivery.wait(sender._delivery.submit(call()), 30.0, stop)


def call() -> Call_:
    from ledger.chain.transactions.gas_limits import TRANSFER_GAS
    from ledger.chain.transactions.pending import Call

    return Call("transfer", PAYEE, b"", 1, TRANSFER_GAS)
