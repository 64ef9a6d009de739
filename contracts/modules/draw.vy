# pragma version 0.4.3
"""
@title Who judges whom, and who votes: pure functions of a seed
@license Apache-2.0
@notice A circulant graph over a random ring of the committed seats. `ledger/topology.py` is the same in Python.
"""

from contracts.modules import bits


@internal
@pure
def _number(seed: bytes32, index: uint256) -> uint256:
    """
    @dev 32 bits, eight of them from each hash. Reduced modulo at most 256 a residue is favoured by 2^-24.
    """
    return (convert(keccak256(abi_encode(seed, index // 8)), uint256) >> (32 * (index % 8))) & (2**32 - 1)


@internal
@pure
def _ring(seed: bytes32, mask: uint256) -> (uint256[256], uint256):
    """
    @return The mask's seats in random order (Fisher-Yates, inside out), and how many they are.
    """
    ring: uint256[256] = empty(uint256[256])
    count: uint256 = 0
    pool: uint256 = 0
    for seat: uint256 in range(256):
        if (mask >> seat) & 1 == 0:
            continue
        if count & 7 == 0:
            pool = convert(keccak256(abi_encode(seed, count >> 3)), uint256)
        chosen: uint256 = (pool & (2**32 - 1)) % unsafe_add(count, 1)
        pool = pool >> 32
        ring[count] = ring[chosen]
        ring[chosen] = seat
        count = unsafe_add(count, 1)
    return ring, count


@internal
@pure
def _links(count: uint256, degree: uint256) -> uint256:
    """
    @return How many neighbours each of `count` seats has.
    """
    if degree >= count - 1:
        return count - 1
    return degree + (degree & count & 1)


@internal
@pure
def _steps(seed: bytes32, count: uint256, degree: uint256) -> uint256[20]:
    """
    @return How far along the ring each neighbour sits: bit j of a verdict is about the seat steps[j] ahead.
    @dev Offset 1 first (so the graph is connected), then others drawn without repetition; each offset o gives
         the steps o and count - o. On an even ring the offset count / 2 meets one seat only and comes last.
    """
    steps: uint256[20] = empty(uint256[20])
    links: uint256 = self._links(count, degree)
    # Offsets from 2 to below count / 2, in order; place k holds k + 2 until another is put there.
    size: uint256 = unsafe_sub((count - 1) // 2, 1)
    moved: uint256[127] = empty(uint256[127])
    for pair: uint256 in range(links // 2, bound=10):
        offset: uint256 = 1
        if pair > 0:
            place: uint256 = pair - 1
            chosen: uint256 = place
            if links != count - 1:
                # The ring takes at most 256 numbers: these are others.
                chosen += self._number(seed, 255 + pair) % (size - place)
            offset = moved[chosen] if moved[chosen] != 0 else chosen + 2
            moved[chosen] = moved[place] if moved[place] != 0 else place + 2
        steps[2 * pair] = offset
        steps[2 * pair + 1] = count - offset
    if links % 2 == 1:
        steps[links - 1] = count // 2
    return steps


@internal
@pure
def _jury(seed: bytes32, eligible: uint256, size: uint256) -> uint256:
    """
    @return A mask of `size` seats drawn from `eligible`, or all of them where they are not more.
    """
    if bits._count(eligible) <= size:
        return eligible
    # The beginning of a random order, so that neighbouring seats are drawn like any others.
    ring: uint256[256] = empty(uint256[256])
    count: uint256 = 0
    ring, count = self._ring(seed, eligible)
    drawn: uint256 = 0
    for place: uint256 in range(size, bound=21):
        drawn |= 1 << ring[place]
    return drawn
