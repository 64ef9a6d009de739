"""Unsigned LEB128, as protobuf, CAR and our own frames write lengths."""


def encode_varint(number: int) -> bytes:
    """In as few bytes as it takes; the inverse of `read_varint`. number: from 0."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def read_varint(data: bytes, at: int, most_bytes: int) -> tuple[int, int]:
    """A number, and where the next thing begins. Raises ValueError where it is cut off or has more bytes."""
    number = 0
    for place, byte in enumerate(data[at : at + most_bytes]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise ValueError(f"a varint is cut off or longer than {most_bytes} bytes at byte {at}")
