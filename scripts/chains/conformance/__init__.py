"""The same JSON-RPC questions put to our chain and to Anvil."""
