"""A local Ethereum chain in one process: py-evm, one sqlite file, JSON-RPC over HTTP."""
