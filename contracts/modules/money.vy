# pragma version 0.4.3
"""
@title Coin inside a circle: pledged, owed or burned
@license Apache-2.0
@notice All coin that comes in is pledged. It becomes owed to an account, or is burned; `Circle.withdraw` pays out
        what is owed. Balance = pledged + owing.
"""

from contracts.modules import store     # all storage

uses: store

# @dev Coin sent here is gone; the address has no code, so sending cannot fail.
BURNED: constant(address) = 0x000000000000000000000000000000000000dEaD


@internal
def _owe(account: address, amount: uint256):
    """
    @notice Owe an account some of what is pledged.
    @param account Who may withdraw it.
    @param amount Wei; 0: nothing happens.
    """
    if amount > 0:
        store.pledged -= amount
        store.owing += amount
        store.owed[account] += amount


@internal
def _burn(amount: uint256):
    """
    @notice Burn some of what is pledged.
    @param amount Wei; 0: nothing happens.
    """
    if amount > 0:
        store.pledged -= amount
        send(BURNED, amount)
