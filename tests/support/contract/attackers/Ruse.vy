# pragma version 0.4.3
"""
@title A challenger that settles a round and disputes a verdict of it in one transaction
"""

interface Circle:
    def settle(round: uint256): nonpayable
    def dispute(round: uint256, judge: uint256, target: uint256, evidence: bytes32) -> uint256: payable


@external
@payable
def settle_and_dispute(circle: address, round: uint256, judge: uint256, target: uint256):
    extcall Circle(circle).settle(round)
    evidence: bytes32 = 0xd1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1
    extcall Circle(circle).dispute(round, judge, target, evidence, value=msg.value)
