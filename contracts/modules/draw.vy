# pragma version 0.4.3
"""
@title Who judges whom, and who sits on a jury: pure functions of a seed
@license Apache-2.0
@notice A circulant graph over a random ring of the committed seats (docs/protocol.md, R11). The topology of the
        Python ledger is the same.
"""

from contracts.modules import bits      # masks: counting, the lowest seat; printable text

# @dev The chain tells the hashes of so many blocks back: a seed that is taken from a block must be fixed by then.
HASHES: constant(uint256) = 256


@internal
@pure
def _number(seed: bytes32, index: uint256) -> uint256:
    """
    @notice Take one of the random numbers that a seed gives.
    @dev Each hash gives eight of them. Reduced modulo at most 256, a residue is favoured by 2^-24.
    @param seed What the numbers follow from.
    @param index Which of them.
    @return 32 bits.
    """
    return (convert(keccak256(abi_encode(seed, index // 8)), uint256) >> (32 * (index % 8))) & (2**32 - 1)


@internal
@pure
def _ring(seed: bytes32, mask: uint256) -> (uint256[256], uint256):
    """
    @notice Put seats in random order (Fisher-Yates, inside out).
    @custom:rule R11.1
    @param seed What the order follows from.
    @param mask The seats.
    @return The seats, one a place.
    @return How many they are; the places from there on are 0.
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
    @notice Tell how many neighbours each seat on a ring has.
    @custom:rule R11.2
    @param count How many seats are on the ring, at least 2.
    @param degree How many neighbours the circle asks for.
    @return All others where they are not more than asked for; one more than asked for where both numbers are odd.
    """
    if degree >= count - 1:
        return count - 1
    return degree + (degree & count & 1)


@internal
@pure
def _steps(seed: bytes32, count: uint256, degree: uint256) -> uint256[20]:
    """
    @notice Tell how far ahead on the ring each neighbour of a seat sits; it is the same for all seats.
    @dev Offset 1 comes first, so the graph is connected; then others drawn without repetition. Each offset o gives
         the steps o and count - o. On an even ring the offset count / 2 meets one seat only and comes last.
    @custom:rule R11.2
    @param seed What the steps follow from, beside the ring's order.
    @param count How many seats are on the ring, at least 2.
    @param degree How many neighbours the circle asks for.
    @return Bit j of a verdict is about the seat steps[j] ahead; the steps from `_links` on are 0.
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
    @notice Draw a jury.
    @custom:rule R26.2
    @param seed What the draw follows from.
    @param eligible The seats it is drawn from.
    @param size How many to draw, at most 21.
    @return A mask of so many seats, or of all that are eligible where they are not more.
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
