"""What web3.py can do here: filters that are polled, overrides, access lists, simulations, and the everyday."""

from collections.abc import Callable, Iterator
from typing import Any

from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError, ContractPanicError, Web3Exception
from web3.middleware import SignAndSendRawMiddlewareBuilder
from web3.types import RPCEndpoint

NOBODY = Web3.to_checksum_address("0xc1cada" + "ff" * 17)
Attempt = tuple[str, Callable[[], Any]]


def attempt_all(url: str, key: str, compiled: dict[str, Any]) -> list[dict[str, Any]]:
    """What was tried, whether it went well, and what was said."""
    found = []
    for name, ask in attempts(url, key, compiled):
        try:
            found.append({"name": name, "ok": True, "said": str(ask())[:100]})
        except (Web3Exception, AssertionError, ValueError, TypeError, OSError) as error:
            found.append({"name": name, "ok": False, "said": f"{type(error).__name__}: {error}"[:160]})
    return found


def attempts(url: str, key: str, compiled: dict[str, Any]) -> Iterator[Attempt]:
    """Each with a name, in order: later ones build on earlier ones."""
    w3: Any = Web3(HTTPProvider(url))
    account = w3.eth.account.from_key(key)
    signing = SignAndSendRawMiddlewareBuilder.build(account)
    w3.middleware_onion.inject(signing, layer=0)
    w3.eth.default_account = account.address
    made: dict[str, Any] = {}

    def wait(sent: Any) -> Any:
        return w3.eth.wait_for_transaction_receipt(sent, timeout=20, poll_latency=0.02)

    def deploy() -> Any:
        receipt = wait(w3.eth.contract(**compiled).constructor().transact())
        made["contract"] = w3.eth.contract(receipt["contractAddress"], abi=compiled["abi"])
        return receipt["contractAddress"]

    def note(number: int = 7, text: str = "text", **more: Any) -> Any:
        return wait(made["contract"].functions.note(number, text).transact(more))

    def pay(**more: Any) -> Any:
        fields: Any = {"to": NOBODY, "value": 1, **more}
        return wait(w3.eth.send_transaction(fields))

    def polled(kind: str, count: int) -> Any:
        known: Any = w3.eth.filter(kind)
        pay()
        found = known.get_new_entries()
        assert len(found) == count, found
        return found

    def changes() -> Any:
        known = made["contract"].events.Noted.create_filter(from_block="latest")
        note()
        assert len(known.get_new_entries()) == 1
        assert not known.get_new_entries()
        return w3.eth.uninstall_filter(known.filter_id)

    def reverts(call: Callable[[], Any], kind: type[Exception], word: str) -> str:
        try:
            said = f"no revert: {call()}"
        except kind as error:
            said = str(error)
        assert word in said, said
        return said

    def number(**more: Any) -> int:
        return int(made["contract"].functions.number().call(**more))

    def simulate() -> Any:
        plan: Any = {"blockStateCalls": [{"calls": [{"from": account.address, "to": NOBODY, "value": 1}]}]}
        return w3.eth.simulate_v1(plan, "latest")

    def trace() -> Any:
        return w3.manager.request_blocking(RPCEndpoint("debug_traceTransaction"), [first(), {}])

    def first() -> Any:
        return w3.eth.get_block(1)["transactions"][0]

    def equal(left: Any, right: Any) -> Any:
        assert left == right, (left, right)
        return left

    yield "connects", w3.is_connected
    yield "deploys a contract", deploy
    contract = made["contract"]
    override = {contract.address: {"stateDiff": {"0x" + "00" * 32: "0x" + "00" * 31 + "4d"}}}
    message: Any = {"from": account.address, "to": contract.address, "data": contract.encode_abi("number")}
    yield "a transaction", lambda: equal(note()["status"], 1)
    yield "a legacy transaction", lambda: equal(note(gasPrice=3 * 10**9)["type"], 0)
    yield "a transaction with an access list", lambda: pay(gasPrice=3 * 10**9, accessList=[], gas=30_000)["status"]
    yield "a payment", pay
    yield "reads", lambda: equal(number(), 7)
    yield "reads the past", lambda: equal(number(block_identifier=1), 1)
    yield "reads what is pending", lambda: number(block_identifier="pending")
    yield "estimates", lambda: contract.functions.note(9, "x").estimate_gas()
    yield (
        "a revert's reason",
        lambda: reverts(contract.functions.note(0, "x").call, ContractLogicError, "number is zero"),
    )
    yield (
        "a panic's code",
        lambda: reverts(contract.functions.fail_panic().call, ContractPanicError, "overflow"),
    )
    yield "blocks", lambda: [w3.eth.get_block(tag)["number"] for tag in ("latest", "safe", "finalized", "pending")]
    yield "a block with its transactions", lambda: w3.eth.get_block(1, full_transactions=True)["transactions"]
    yield "a block's receipts", lambda: w3.eth.get_block_receipts(1)
    yield "fee history", lambda: w3.eth.fee_history(2, "latest", [50])
    yield "logs", lambda: contract.events.Noted.get_logs(from_block=0)
    yield "a proof", lambda: w3.eth.get_proof(contract.address, [0], "latest")
    yield (
        "code and storage",
        lambda: (w3.eth.get_code(contract.address), w3.eth.get_storage_at(contract.address, 0)),
    )
    yield "a raw transaction", lambda: w3.eth.get_raw_transaction(first())
    yield "event filter, all", lambda: contract.events.Noted.create_filter(from_block=0).get_all_entries()
    yield "event filter, new", changes
    yield "block filter", lambda: polled("latest", 1)
    yield "pending filter", lambda: polled("pending", 1)
    yield "state override", lambda: equal(number(state_override=override), 77)
    yield "access list", lambda: w3.eth.create_access_list(message)
    yield "simulation", simulate
    yield "the pool", lambda: (w3.geth.txpool.status(), w3.geth.txpool.content(), w3.geth.txpool.inspect())
    yield "a trace", trace
    yield (
        "transaction of type 4",
        lambda: pay(
            gas=100_000,
            authorizationList=[
                account.sign_authorization(
                    {
                        "chainId": w3.eth.chain_id,
                        "address": contract.address,
                        "nonce": w3.eth.get_transaction_count(account.address) + 1,
                    }
                )
            ],
        ),
    )
