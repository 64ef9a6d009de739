"""What counts as the same answer: keys, types and values, with what chains may choose freely left out."""

import re
from collections.abc import Iterator
from typing import Any

# Free for each chain to choose, or a consequence of that: only presence and type are compared.
CHOSEN = frozenset({"timestamp", "blockTimestamp", "mixHash", "parentHash", "size", "extraData"})
_ABSENT = "nothing"
_SHOWN = 40
# What an error says, in a word; the first that fits.
_KINDS = (
    ("nonce too low", r"nonce too low"),
    ("nonce too high", r"nonce too high|nonce has max"),
    ("already known", r"already (known|imported)"),
    ("underpriced", r"underpriced"),
    ("insufficient funds", r"insufficient (funds|balance)"),
    ("not enough gas", r"intrinsic gas|floor data gas|intrinsic.*gas"),
    ("too much gas", r"gas limit too high|exceeds? (block )?gas limit|gas too high"),
    ("fee below base fee", r"less than block base fee|fee cap less than|max fee per gas less"),
    ("tip above fee", r"max priority fee per gas higher"),
    ("wrong chain", r"wrong chain|invalid chain|replay-protected"),
    ("too large", r"oversized|too large|initcode|length limit|code size"),
    ("out of gas", r"out of ?gas|gas required exceeds"),
    ("reverted", r"revert"),
    ("halted", r"invalid ?(opcode|fe)|opcode|halt"),
    (
        "no such block",
        r"(block|header|resource).{0,20}(not found|not available|unknown)|unknown block|outofrange|beyond",
    ),
    ("no such method", r"method.*(not found|not exist|does not exist|not supported)"),
    ("bad range", r"block range|fromblock|greater than"),
    ("bad type", r"type not supported|unsupported.*type"),
    ("bad encoding", r"rlp|decode|encoding|typed transaction|signature|invalid sender|empty.*transaction|v, r, s"),
    ("not JSON", r"parse error|not valid json"),
    ("bad request", r"invalid request|not a valid request|empty batch"),
    ("bad parameters", r"invalid|missing|expected|argument|parameter"),
)


def error_kind(message: str) -> str:
    """What an error says, in a word, whatever its wording."""
    return next((kind for kind, pattern in _KINDS if re.search(pattern, message, re.IGNORECASE)), "something else")


def normalised(answer: Any, blocks: list[str]) -> Any:
    """An answer in comparable form. blocks: the chain's block hashes, which become their numbers."""
    names = {block_hash: f"<block {number}>" for number, block_hash in enumerate(blocks)}
    return _normalise(answer, names)


def differences(ours: Any, theirs: Any) -> list[str]:
    """Where two normalised answers differ, one line each: path, ours, theirs."""
    return sorted(set(_compare("", ours, theirs)))


def _normalise(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_normalise(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _field(key, item, value, names) for key, item in value.items()}
    # Checksummed or not is a matter of taste.
    return names.get(value, value.lower()) if isinstance(value, str) else value


def _field(key: str, value: Any, owner: dict[str, Any], names: dict[str, str]) -> Any:
    if key == "message" and isinstance(value, str) and "code" in owner:
        return error_kind(value)
    is_block_hash = key == "blockHash" or (key == "hash" and "parentHash" in owner)
    if (key in CHOSEN or is_block_hash) and isinstance(value, str) and value not in names:
        return "<data>" if len(value) > 18 or key == "extraData" else "<quantity>"
    return _normalise(value, names)


def _compare(path: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours.keys() | theirs.keys():
            yield from _compare(f"{path}.{key}", ours.get(key, _ABSENT), theirs.get(key, _ABSENT))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for left, right in zip(ours, theirs, strict=True):
            # Elements of one list look alike: the first difference of a kind says it all.
            yield from _compare(f"{path}[]", left, right)
    elif ours != theirs or type(ours) is not type(theirs):
        yield f"{path.lstrip('.')}: {_shown(ours)} / {_shown(theirs)}"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} of them"
    text = "an object" if isinstance(value, dict) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:12]}…{text[-12:]}"
