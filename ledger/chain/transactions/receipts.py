"""How sending ends: a receipt, or an error that says what to do."""

from typing import Final

from ledger.chain.contract.revert_reasons import SENTENCES, decode_revert_reason
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Receipt
from ledger.chain.rpc.client import Rpc, RpcFault
from ledger.chain.transactions.fees import GWEI
from ledger.chain.transactions.rejections import Rejection
from ledger.errors import NotYet, SetupError

_REVERT_MARKER: Final = "execution reverted"


class CallNotDone(NotYet):
    """A call has not done what it was for. What the chain says next tells whether it still has to be made."""


class Reverted(CallNotDone):
    """The contract refused; reason: its `module: fact` string. Most often another peer was faster."""

    def __init__(self, call: str, reason: str) -> None:
        sentence = SENTENCES.get(reason)
        super().__init__(f"{sentence} ({reason})" if sentence else f"{call} was refused: {reason}")
        self.call, self.reason = call, reason


class Refused(SetupError):
    """What an endpoint says of a call, and nobody can check: a command ends with it, a member asks again later."""


class NoFunds(Refused):
    """The account cannot pay for a transaction."""


class NoReceipt(CallNotDone):
    """A transaction was sent and is not in a block yet; the same call again takes up where this one stopped."""


class FeeLimitReached(NoReceipt):
    """The chain asks more per gas than the operator allows."""

    def __init__(self, call: str, asked_wei: int, limit_wei: int) -> None:
        super().__init__(
            f"`{call}` waits: it needs more than {asked_wei / GWEI:.9g} gwei per gas and the limit is "
            f"{limit_wei / GWEI:.9g}: wait for lower fees or raise the limit"
        )
        self.call, self.asked_wei, self.limit_wei = call, asked_wei, limit_wei


def fetch_receipt(rpc: Rpc, transaction: str) -> Receipt | None:
    """The receipt of a transaction that is in a block. Raises ChainUnreachable, RpcFault."""
    return rpc.request("eth_getTransactionReceipt", [transaction], answers.receipt_parser(transaction))


def read_revert_reason(fault: RpcFault) -> str | None:
    """The contract's reason in an endpoint's error, e.g. `commit: phase is closed`; None if it was no revert."""
    if _REVERT_MARKER not in fault.message:
        return decode_revert_reason(fault.data)
    return fault.message.split(_REVERT_MARKER, 1)[1].lstrip(": ").strip() or "without a reason"


def explain_rejection(
    fault: RpcFault, rejection: Rejection, rpc: Rpc, call: str, address: str, need_wei: int
) -> Exception:
    """A refusal that sending again does not mend, as the error to raise. need_wei: what the call may cost."""
    if rejection is Rejection.NO_FUNDS:
        return NoFunds(
            f"account {address} cannot pay for `{call}` (up to {need_wei / 10**18:.6f} ETH): fund it, "
            f"on a local test chain with `folkmoot keys fund {address}`"
        )
    if (reason := read_revert_reason(fault)) is not None:
        return Reverted(call, reason)
    return Refused(f"the chain at {rpc.url} refused `{call}`: {fault.message}")
