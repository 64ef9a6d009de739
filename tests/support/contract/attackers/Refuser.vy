# pragma version 0.4.3
"""
@title A cold key that takes no coin
"""


@external
def act(circle: address, data: Bytes[1024]):
    raw_call(circle, data)


@external
@payable
def __default__():
    raise "refuser: no coin"
