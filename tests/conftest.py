"""What all tests share."""

import warnings

with warnings.catch_warnings():
    # web3 still imports this module of websockets; nothing here uses it. Once imported, it warns no more.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import websockets.legacy  # noqa: F401
