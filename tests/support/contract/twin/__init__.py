"""The contract's twin in Python: docs/protocol.md once more, without a look at the contract."""
