"""Who judges whom: a pure function of the round's seed, the committed seats and the degree."""

from eth_hash.auto import keccak


def seats_of(mask: int) -> list[int]:
    """The seats whose bits are set, ascending."""
    return [seat for seat in range(mask.bit_length()) if mask >> seat & 1]


def mask_of(seats: "list[int] | set[int] | frozenset[int] | tuple[int, ...]") -> int:
    """The mask with these seats' bits set."""
    return sum(1 << seat for seat in set(seats))


def neighbours(seed: bytes, committed: int, degree: int) -> dict[int, tuple[int, ...]]:
    """Each committed seat's neighbours of the round, ascending.

    A circulant graph over a random permutation: the ring (so it is connected) and further offsets drawn without
    repetition. Every seat has `degree` neighbours; one more where an odd degree meets an odd number of seats, all
    others where the degree reaches them. Degree 1 on an even ring pairs the seats up: no graph of that degree is
    connected. seed: 32 bytes. committed: mask of seats.
    """
    draw = _Draw(seed)
    ring = draw.shuffled(seats_of(committed))
    count = len(ring)
    offsets = _offsets(draw, count, degree)
    found: dict[int, tuple[int, ...]] = {}
    for position, seat in enumerate(ring):
        linked = {ring[(position + step) % count] for step in offsets}
        linked |= {ring[(position - step) % count] for step in offsets}
        found[seat] = tuple(sorted(linked - {seat}))
    return found


def duty_order(seed: bytes, committed: int) -> list[int]:
    """In which order the seats are to settle the round; the first does it, the next step in if it is silent."""
    return _Draw(keccak(seed + b"duty")).shuffled(seats_of(committed))


def _offsets(draw: "_Draw", count: int, degree: int) -> list[int]:
    half = count // 2
    if degree >= count - 1:
        return list(range(1, half + 1))
    # On an even ring the offset count/2 meets one seat, every other offset meets two.
    opposite = [half] if degree % 2 and count % 2 == 0 else []
    pairs = (degree - len(opposite) + 1) // 2
    rest = draw.shuffled(list(range(2, (count + 1) // 2)))
    return ([1, *rest][:pairs]) + opposite


class _Draw:
    """Uniform integers from keccak(seed ‖ counter), by rejection, so that no residue is favoured."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self._counter = seed, 0

    def below(self, bound: int) -> int:
        limit = (1 << 64) - (1 << 64) % bound
        while True:
            value = int.from_bytes(keccak(self._seed + self._counter.to_bytes(8, "big"))[:8], "big")
            self._counter += 1
            if value < limit:
                return value % bound

    def shuffled(self, items: list[int]) -> list[int]:
        """Fisher–Yates."""
        for last in range(len(items) - 1, 0, -1):
            chosen = self.below(last + 1)
            items[last], items[chosen] = items[chosen], items[last]
        return items
