# pragma version 0.4.3
"""
@title Whoever closes a commit phase and takes that back unless it likes who judges whom
"""

interface Circle:
    def commit(round: uint256, digest: bytes32): nonpayable
    def advance(): nonpayable
    def state() -> (uint256, uint256, uint256, uint256, uint256, uint256, uint256, bytes32, bytes24): view


@external
def commit_if(circle: address, round: uint256, digest: bytes32, modulus: uint256, wanted: uint256):
    extcall Circle(circle).commit(round, digest)
    self._check(circle, modulus, wanted)


@external
def advance_if(circle: address, modulus: uint256, wanted: uint256):
    extcall Circle(circle).advance()
    self._check(circle, modulus, wanted)


@internal
@view
def _check(circle: address, modulus: uint256, wanted: uint256):
    seed: bytes32 = (staticcall Circle(circle).state())[7]
    assert seed != empty(bytes32) and convert(seed, uint256) % modulus == wanted, "grinder: not this draw"
