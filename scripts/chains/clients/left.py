"""How much each client tries, and what of it our chain does not offer. A test runs them and compares."""

LEFT: dict[str, tuple[int, list[str]]] = {
    "ethers": (49, ["trace", "transaction of type 4"]),
    "viem": (43, ["test node: somebody else's transaction", "transaction, eip7702", "transaction, eip4844"]),
    "web3.py": (30, ["a trace", "transaction of type 4"]),
}
