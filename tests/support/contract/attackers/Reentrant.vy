# pragma version 0.4.3
"""
@title A cold key that asks for its coin again while it is being paid
"""

interface Circle:
    def withdraw() -> uint256: nonpayable
    def release(seat: uint256): nonpayable

circle: Circle
seat: uint256
data: Bytes[1024]
reentered: public(uint256)


@external
def aim(circle: address, data: Bytes[1024]):
    """
    @param data A call of the circle to make while being paid.
    """
    self.circle = Circle(circle)
    self.data = data


@external
@payable
def act(data: Bytes[1024]):
    raw_call(self.circle.address, data, value=msg.value)


@external
@payable
def __default__():
    success: bool = raw_call(self.circle.address, self.data, revert_on_failure=False)
    if success:
        self.reentered += 1
