# pragma version 0.4.3
"""
@title Bits and bytes of one word
@license Apache-2.0
@notice Counting the seats of a mask, finding its lowest one, and checking that a text is printable, all without
        looking at one bit or byte after the other.
"""

# @dev Every other bit, pair, nibble and byte, for counting bits.
BITS: constant(uint256) = max_value(uint256) // 3       # 0x5555...
PAIRS: constant(uint256) = max_value(uint256) // 5      # 0x3333...
NIBBLES: constant(uint256) = max_value(uint256) // 17   # 0x0F0F...
BYTES: constant(uint256) = max_value(uint256) // 257    # 0x00FF...
# @dev Bit 0 of each of the sixteen lanes of 16 bits in a word.
LANES: constant(uint256) = max_value(uint256) // 65535  # 0x00010001...
# @dev 1 in each of the 32 bytes of a word.
ONES: constant(uint256) = max_value(uint256) // 255     # 0x0101...


@internal
@pure
def _count(mask: uint256) -> uint256:
    """
    @notice Count the bits that are set.
    @dev Adds 2, 4 and 8 bits side by side; a multiplication then adds the 32 bytes, in lanes of 16 bits because 256
         does not fit a byte.
    @param mask Any word.
    @return 0..256.
    """
    ones: uint256 = mask - ((mask >> 1) & BITS)
    ones = (ones & PAIRS) + ((ones >> 2) & PAIRS)
    ones = (ones + (ones >> 4)) & NIBBLES
    ones = (ones + (ones >> 8)) & BYTES
    return unsafe_mul(ones, LANES) >> 240


@internal
@pure
def _lowest(mask: uint256) -> uint256:
    """
    @notice Find the lowest bit that is set.
    @param mask Any word.
    @return The bit's number; 256 where no bit is set.
    """
    return self._count((mask & unsafe_sub(0, mask)) - 1) if mask != 0 else 256


@internal
@pure
def _is_printable(text: String[256]) -> bool:
    """
    @notice Tell whether a text holds nothing but printable ASCII (32..126).
    @dev Bytes that are no UTF-8 would make an event that no follower decodes, so one seat could stop them all;
         control characters would reach the terminals of those who list the seats.
    @param text Any text.
    @return True also for the empty text.
    """
    encoded: Bytes[320] = abi_encode(text)  # offset, length, then the text, padded with zeros to whole words
    left: uint256 = len(text)
    for place: uint256 in range(2, 10):
        if left == 0:
            break
        # Spaces instead of the padding: shifted right by the bits of text in this word.
        used: uint256 = min(left, 32)
        word: uint256 = extract32(encoded, 32 * place, output_type=uint256) | ((32 * ONES) >> (8 * used))
        # Each byte is below 128, so the sums do not carry; then each is at least 32 and at most 126.
        if word & (128 * ONES) != 0:
            return False
        if ((word + 96 * ONES) & ~(word + ONES)) & (128 * ONES) != 128 * ONES:
            return False
        left -= used
    return True
