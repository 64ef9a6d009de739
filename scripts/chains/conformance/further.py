"""Cases of what clients ask now and then: sending and waiting, the pool in words, and what ours does not offer."""

from scripts.chains.conformance.case import account, case, mined
from scripts.chains.conformance.scene import CHAIN_ID, NOBODY, Scene
from scripts.chains.conformance.sending import sending

SYNC = "eth_sendRawTransactionSync"


def _with_blobs(scene: Scene) -> str:
    """The type's number is all that it takes; a whole one costs Anvil ten seconds."""
    return "0x03" + scene.sign(4, 115)[4:]


READING = [
    case("txpool_inspect", "a payment and one behind a gap"),
    case("txpool_status", "a payment and one behind a gap"),
    case("debug_traceTransaction", "a note", mined("noted"), {"tracer": "callTracer"}),
    case("debug_traceTransaction", "a transaction nobody sent", "0x" + "00" * 32, {}),
    case("debug_traceCall", "a payment", {"from": account(0), "to": NOBODY, "value": "0x1"}, "latest", {}),
    case("eth_sign", "a text", account(9), "0x74657874"),
    case("eth_signTransaction", "a payment", {"from": account(9), "to": NOBODY, "value": "0x1", "gas": "0x5208",
         "gasPrice": "0x77359400", "nonce": "0x0", "chainId": hex(CHAIN_ID)}),
    case("anvil_impersonateAccount", "nobody", NOBODY),
]  # fmt: skip
SENDING = [
    sending("carries blobs (type 3)", _with_blobs),
    case(SYNC, "no transaction", "0xdeadbeef"),
    case(SYNC, "an object", {}),
    case(SYNC, "no block in time", lambda scene: scene.sign(5, 1001), 1),
]
