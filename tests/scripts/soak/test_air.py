"""Between two places: a rate and a bounded queue at each end, latency and loss between, and sides."""

import random

from scripts.soak.air import Air, Climate

A, B, C = 1, 2, 3


def make_air(loss: float = 0.0, rate: float = 1000.0) -> Air:
    return Air(Climate(0.05, loss, rate, queue_bytes=5000), random.Random(1))


def test_a_packet_takes_its_bytes_at_both_ends_and_the_latency_between() -> None:
    assert make_air().carry(A, B, 100, 10.0) == 10.0 + 0.1 + 0.05 + 0.1


def test_packets_wait_for_each_other_and_what_is_too_much_is_dropped() -> None:
    air = make_air()
    arrivals = [air.carry(A, B, 1000, 0.0) for _ in range(10)]
    assert arrivals[:2] == [1.0 + 0.05 + 1.0, 2.0 + 0.05 + 1.0]
    assert arrivals[6:] == [None] * 4
    assert (air.up[A].packets, air.up[A].dropped) == (6, 4)


def test_many_senders_share_the_receivers_line() -> None:
    air = make_air()
    first, second = air.carry(A, C, 1000, 0.0), air.carry(B, C, 1000, 0.0)
    assert first is not None
    assert second == first + 1.0


def test_as_many_are_lost_as_is_said() -> None:
    air = make_air(loss=0.01, rate=1e9)
    lost = sum(air.carry(A, B, 100, 0.001 * number) is None for number in range(20_000))
    assert lost == air.lost
    assert 150 < lost < 250


def test_sides_do_not_hear_each_other_and_who_is_on_none_hears_all() -> None:
    air = make_air()
    air.side = {A: 0, B: 1}
    assert air.carry(A, B, 1, 0.0) is None
    assert air.carry(A, C, 1, 0.0) is not None
    assert air.carry(C, B, 1, 0.0) is not None
    assert air.parted == 1
