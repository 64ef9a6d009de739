"""RLP as Ethereum's headers, receipts and trie nodes have it, read strictly and without deep recursion."""

from typing import Final, TypeAlias

Item: TypeAlias = "bytes | list[Item]"

_DEPTH_MAX: Final = 16
_SHORT_MAX: Final = 55


class BadProof(ValueError):
    """What is shown does not prove what it should."""


def decode_item(data: bytes) -> Item:
    """The one item that bytes are. Raises BadProof for what is no canonical RLP, or nested deeply."""
    item, end = _take(data, 0, 0)
    if end != len(data):
        raise BadProof(f"{len(data) - end} bytes stand behind an RLP item")
    return item


def decode_list(data: bytes) -> list[Item]:
    """The items of the list that bytes are. Raises BadProof."""
    found = decode_item(data)
    if isinstance(found, bytes):
        raise BadProof("there is a string where RLP should have a list")
    return found


def read_number(item: Item, bytes_max: int = 32) -> int:
    """An integer: no leading zeros. Raises BadProof."""
    if not isinstance(item, bytes) or len(item) > bytes_max or item[:1] == b"\0":
        raise BadProof(f"there is no number of at most {bytes_max} bytes where one should be")
    return int.from_bytes(item, "big")


def read_fixed(item: Item, length: int) -> bytes:
    """Bytes of a length. Raises BadProof."""
    if not isinstance(item, bytes) or len(item) != length:
        raise BadProof(f"there are no {length} bytes where they should be")
    return item


def _take(data: bytes, at: int, depth: int) -> tuple[Item, int]:
    if depth > _DEPTH_MAX:
        raise BadProof("RLP is nested too deeply")
    if at >= len(data):
        raise BadProof("RLP is cut off")
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    is_list = first >= 0xC0
    short = first - (0xC0 if is_list else 0x80)
    start, length = (at + 1, short) if short <= _SHORT_MAX else _take_length(data, at + 1, short - _SHORT_MAX)
    end = start + length
    if end > len(data):
        raise BadProof("RLP is cut off")
    if not is_list:
        if length == 1 and data[start] < 0x80:
            raise BadProof("RLP is not in its one spelling")
        return data[start:end], end
    items: list[Item] = []
    while start < end:
        item, start = _take(data, start, depth + 1)
        items.append(item)
    if start != end:
        raise BadProof("an item of RLP goes beyond its list")
    return items, end


def _take_length(data: bytes, at: int, size: int) -> tuple[int, int]:
    raw = data[at : at + size]
    length = int.from_bytes(raw, "big")
    if len(raw) != size or raw[:1] == b"\0" or length <= _SHORT_MAX:
        raise BadProof("RLP is cut off, or not in its one spelling")
    return at + size, length
