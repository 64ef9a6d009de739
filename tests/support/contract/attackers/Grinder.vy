# pragma version 0.4.3
"""
@title A challenger that raises a dispute and summons its jury in one transaction
"""

interface Circle:
    def dispute(round: uint256, judge: uint256, target: uint256, evidence: bytes32) -> uint256: payable
    def summon(id: uint256): nonpayable


@external
@payable
def grind(circle: address, round: uint256, judge: uint256, target: uint256):
    id: uint256 = extcall Circle(circle).dispute(round, judge, target, keccak256(b"evidence"), value=msg.value)
    extcall Circle(circle).summon(id)
