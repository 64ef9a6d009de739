# pragma version 0.4.3
"""
@title Refusing a call with a reason
@license Apache-2.0
@notice Every reason reads `module: fact`. The Python ledger has a sentence for each.
"""


@internal
@pure
def _require(holds: bool, reason: String[32]):
    """
    @notice Revert unless something holds.
    @dev One copy of what turns a reason into a revert: each `assert` has its own copy, and a contract may have
         24,576 bytes of code at most (EIP-170). Calls made in every round keep `assert`, which costs no gas where
         it holds.
    @param holds What must hold.
    @param reason What the call reverts with otherwise.
    """
    assert holds, reason
