"""The same short history on any chain: one contract, eight blocks, two pooled transactions.

Both chains know the same accounts and get the same signed bytes in the same order, so transaction hashes, contract
addresses, gas, fees and state roots must agree to the bit.
"""

from functools import cache
from typing import Any

from eth_abi import encode
from eth_account import Account
from eth_utils import function_signature_to_4byte_selector, to_checksum_address

from tests.support.chains.process import ChainProcess, RpcFailure

GWEI = 10**9
CHAIN_ID = 31337
# Blocks come only when `evm_mine` asks for them.
BLOCK_TIME_S = 3600.0
NOBODY = to_checksum_address("0x" + "c1cada" + "ff" * 17)
NOWHERE = "0x" + "00" * 28 + "deadbeef"
NOTEBOOK = """
# pragma version 0.4.3
# pragma evm-version prague

event Noted:
    author: indexed(address)
    number: indexed(uint256)
    text: String[32]

event Closed:
    pass

number: public(uint256)
notes: public(HashMap[uint256, uint256])

@deploy
@payable
def __init__():
    self.number = 1

@external
def note(number: uint256, text: String[32]):
    assert number > 0, "notebook: number is zero"
    self.number = number
    self.notes[number] += 1
    log Noted(author=msg.sender, number=number, text=text)

@external
def close():
    log Closed()

@external
@payable
def deposit() -> uint256:
    return msg.value

@external
def fail_bare():
    raise

@external
def fail_data():
    raw_revert(x"0102030405")

@external
def fail_panic():
    raw_revert(abi_encode(convert(17, uint256), method_id=method_id("Panic(uint256)")))

@external
def fail_unreachable():
    raise UNREACHABLE

@external
def exhaust():
    for i: uint256 in range(1000000):
        self.notes[i] = 1

@view
@external
def environment() -> (uint256, uint256, address, address, uint256, uint256, address):
    return block.number, block.basefee, msg.sender, tx.origin, chain.id, block.gaslimit, block.coinbase

@view
@external
def price() -> uint256:
    return tx.gasprice
"""


@cache
def notebook_code() -> str:
    """0x-prefixed creation code of the contract."""
    import vyper

    return str(vyper.compile_code(NOTEBOOK, output_formats=["bytecode"])["bytecode"])


def calldata(signature: str, *arguments: Any) -> str:
    """0x-prefixed call of a function by its signature."""
    kinds = signature[signature.index("(") + 1 : -1]
    encoded = encode(kinds.split(","), arguments) if kinds else b""
    return "0x" + (function_signature_to_4byte_selector(signature) + encoded).hex()


class Scene:
    """A chain with the history played, and words for what is in it.

    mined: transaction hashes by name. blocks: block hashes by number. notebook: the contract's address.
    """

    def __init__(self, chain: ChainProcess) -> None:
        self.chain = chain
        self.accounts = [Account.from_key(key) for key in chain.keys]
        self.mined: dict[str, str] = {}
        self.raw: dict[str, str] = {}
        if chain.name == "anvil":
            # By EIP-1559 the block after an empty genesis is an eighth cheaper; Anvil lets that one keep its price.
            chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(7 * GWEI // 8))
        self._play()
        self.head = int(chain.rpc("eth_blockNumber"), 16)
        self.blocks = [
            chain.rpc("eth_getBlockByNumber", hex(number), False)["hash"] for number in range(self.head + 1)
        ]

    def address(self, index: int) -> str:
        """Of a development account."""
        return str(self.accounts[index].address)

    def call(self, method: str, *params: Any) -> dict[str, Any]:
        """The answer of one call: {"result": …} or {"error": {"code", "message", "data"}}."""
        try:
            return {"result": self.chain.rpc(method, *params)}
        except RpcFailure as failure:
            return {"error": {"code": failure.code, "message": str(failure), "data": failure.data}}

    def sign(self, sender: int, nonce: int, **changes: Any) -> str:
        """A signed payment of 1 wei, 0x-prefixed; None removes a field, a gasPrice replaces both fees."""
        fields: dict[str, Any] = {
            "chainId": CHAIN_ID,
            "nonce": nonce,
            "to": self.address(9),
            "value": 1,
            "gas": 21_000,
        }
        fields |= {"maxFeePerGas": 10 * GWEI, "maxPriorityFeePerGas": GWEI, **changes}
        if "gasPrice" in fields:
            del fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]
        fields = {name: value for name, value in fields.items() if value is not None}
        return str(self.accounts[sender].sign_transaction(fields).raw_transaction.to_0x_hex())

    def send(self, name: str, sender: int, nonce: int, **changes: Any) -> None:
        """Sign, send and remember under a name."""
        self.raw[name] = self.sign(sender, nonce, **changes)
        self.mined[name] = self.chain.rpc("eth_sendRawTransaction", self.raw[name])

    def mine(self) -> None:
        """Make a block of what is pooled."""
        self.chain.rpc("evm_mine")

    def _play(self) -> None:
        self.send("deploy", 0, 0, to=None, value=5, data=notebook_code(), gas=2_000_000)
        self.mine()
        receipt = self.chain.rpc("eth_getTransactionReceipt", self.mined["deploy"])
        self.notebook = to_checksum_address(receipt["contractAddress"])
        note, to = "note(uint256,string)", self.notebook
        # Falling prices, falling tips: every pool takes them in this order.
        self.send("legacy", 1, 0, gasPrice=9 * GWEI)
        access = {"accessList": [{"address": to, "storageKeys": ["0x" + "00" * 32]}]}
        self.send("listed", 2, 0, type=1, gasPrice=8 * GWEI, **self._work(note, 7, "seven"), **access)
        self.send("noted", 3, 0, **self._work(note, 8, "eight"), **fees(3))
        self.mine()
        self.send("reverted", 1, 1, **self._work(note, 0, "zero"), **fees(2))
        self.send("exhausted", 2, 1, **self._work("exhaust()"), **fees(1))
        self.mine()
        self.mine()
        self.send("closed", 3, 1, **self._work("close()"), **fees(2))
        self.send("again", 4, 0, **self._work(note, 7, "again"), **fees(1))
        self.mine()
        self.send("created", 5, 0, gasPrice=5 * GWEI, to=None, value=0, data="0x600160005560006000f3", gas=100_000)
        self.mine()
        self.send("paid", 6, 0, **self._work("deposit()") | {"value": 10**18})
        self.mine()
        self.mine()
        self.send("waiting", 7, 0, value=3)
        self.send("early", 8, 2, value=4)

    def _work(self, signature: str, *arguments: Any) -> dict[str, Any]:
        """The fields of a transaction that calls the contract."""
        return {"to": self.notebook, "value": 0, "gas": 120_000, "data": calldata(signature, *arguments)}


def fees(tip_gwei: int) -> dict[str, int]:
    """Both fees of a transaction."""
    return {"maxPriorityFeePerGas": tip_gwei * GWEI, "maxFeePerGas": (tip_gwei + 3) * GWEI}
