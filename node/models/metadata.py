"""What a model's file says of it beside its values (R31.3): text that anybody may have written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.circle.history import MAX_SEATS
from ledger.circle.manifest import MAX_CHAIN_ID, MAX_EXPONENT, MIN_EXPONENT
from ledger.circle.verdict_word import MAX_ROUND

MARK: Final = "folkmoot"
FORMAT: Final = "model/1"
REMAINDER: Final = "without/1"
"""What a file calls itself that holds what is left of a model without a seat (R33.7): no model of a circle."""
CIRCLE: Final = "circle"
NAMES: Final = (
    "block",
    "block_hash",
    "chain_id",
    "contract",
    "digest",
    "exponents",
    "folkmoot",
    "format",
    "frozen",
    "genesis",
    "history",
    "lineage",
    "round",
    "seat",
    "seats",
    "task",
    "task_name",
)
_BLOCK_MAX: Final = (1 << 53) - 1
_SHOWN: Final = 66
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,15}")
_PATTERNS: Final = {
    "block": _NUMBER,
    "block_hash": re.compile("0x[0-9a-f]{64}"),
    "chain_id": _NUMBER,
    "contract": re.compile("0x[0-9a-f]{40}"),
    "digest": re.compile("[0-9a-f]{64}"),
    "exponents": re.compile("-?[0-9]{1,3}(,-?[0-9]{1,3})*"),
    "folkmoot": re.compile(FORMAT),
    "format": re.compile("pt"),
    "frozen": re.compile("([0-9a-f]{64})?"),
    "genesis": re.compile("[0-9a-f]{64}"),
    "history": re.compile("[0-9a-f]{48}"),
    "lineage": re.compile("[0-9a-f]{64}"),
    "round": _NUMBER,
    "seat": re.compile("circle|[0-9]{1,3}"),
    "seats": re.compile("([0-9]{1,3}(,[0-9]{1,3})*)?"),
    "task": re.compile("[0-9a-f]{64}"),
    "task_name": re.compile("[A-Za-z0-9_.-]{1,128}"),
}


class BadMetadata(ValueError):
    """A file's metadata are not those of a model of this version. The message says which."""


@dataclass(frozen=True)
class ModelFacts:
    """Which circle, round and seat a model is of, and what names it."""

    chain_id: int
    """EIP-155 chain id."""
    contract: str
    """The circle's address, 0x and 40 lower-case hex digits."""
    round: int
    """The round that it belongs to (R31.1); 0 for the genesis."""
    seat: int | None
    """Whose base it is; None where it is the circle's model."""
    seats: tuple[int, ...]
    """Whose bases went in, ascending."""
    digest: bytes
    """Of its state, 32 bytes."""
    history: bytes
    """The running hash right after the round, 24 bytes."""
    lineage: bytes
    """What commits to all that it came of, 32 bytes."""
    block: int
    """Number of the block with the round's settlement, or with the opening."""
    block_hash: str
    """Its hash, 0x and 64 lower-case hex digits."""
    task: bytes
    """The manifest's digest, 32 bytes."""
    task_name: str
    """As the manifest has it."""
    genesis: str
    """Digest of the circle's genesis blob, hex."""
    frozen: str
    """Digest of the model's frozen part, hex; empty where there is none."""
    exponents: tuple[int, ...]
    """Of the tensors' units, in the order of the layout."""

    @property
    def whose(self) -> str:
        """In a sentence."""
        what = "the circle's model" if self.seat is None else f"the base of seat {self.seat}"
        return f"{what} after round {self.round}" if self.round else "the circle's genesis"

    def encode(self) -> dict[str, str]:
        """As text, in ascending order of the names."""
        text = {
            "block": str(self.block),
            "block_hash": self.block_hash,
            "chain_id": str(self.chain_id),
            "contract": self.contract,
            "digest": self.digest.hex(),
            "exponents": _join(self.exponents),
            MARK: FORMAT,
            "format": "pt",
            "frozen": self.frozen,
            "genesis": self.genesis,
            "history": self.history.hex(),
            "lineage": self.lineage.hex(),
            "round": str(self.round),
            "seat": CIRCLE if self.seat is None else str(self.seat),
            "seats": _join(self.seats),
            "task": self.task.hex(),
            "task_name": self.task_name,
        }
        assert tuple(text) == NAMES
        return text


def is_of_model(metadata: Mapping[str, str]) -> bool:
    """Whether a file says that it holds a model taken out of a circle, of whatever version."""
    return MARK in metadata and not is_remainder(metadata)


def is_remainder(metadata: Mapping[str, str]) -> bool:
    """Whether a file says that it is what is left of a model without a seat."""
    return metadata.get(MARK) == REMAINDER


def decode_facts(metadata: Mapping[str, str]) -> ModelFacts:
    """What a file's metadata say. Nothing of it is checked against a chain. Raises BadMetadata."""
    check_known(metadata)
    for name, pattern in _PATTERNS.items():
        if not pattern.fullmatch(metadata[name]):
            raise BadMetadata(f"{name} is {show(metadata[name])}")
    _check_ranges(metadata)
    seat = None if metadata["seat"] == CIRCLE else int(metadata["seat"])
    return ModelFacts(
        chain_id=int(metadata["chain_id"]),
        contract=metadata["contract"],
        round=int(metadata["round"]),
        seat=seat,
        seats=_split(metadata["seats"]),
        digest=bytes.fromhex(metadata["digest"]),
        history=bytes.fromhex(metadata["history"]),
        lineage=bytes.fromhex(metadata["lineage"]),
        block=int(metadata["block"]),
        block_hash=metadata["block_hash"],
        task=bytes.fromhex(metadata["task"]),
        task_name=metadata["task_name"],
        genesis=metadata["genesis"],
        frozen=metadata["frozen"],
        exponents=_split(metadata["exponents"]),
    )


def check_known(metadata: Mapping[str, str]) -> None:
    """Raises BadMetadata unless the names are those of this version."""
    if metadata.get(MARK) != FORMAT:
        said = f"{MARK} is {show(metadata[MARK])}, not {FORMAT!r}" if MARK in metadata else f"no {MARK} in it"
        raise BadMetadata(said)
    if lacking := [name for name in NAMES if name not in metadata]:
        raise BadMetadata(f"no {lacking[0]} in it")
    if unknown := sorted(metadata.keys() - set(NAMES)):
        raise BadMetadata(f"{show(unknown[0])} is in it, which no model has")


def show(text: str) -> str:
    """What a stranger wrote, in a sentence."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _check_ranges(metadata: Mapping[str, str]) -> None:
    for name, least, most in (("chain_id", 1, MAX_CHAIN_ID), ("round", 0, MAX_ROUND), ("block", 0, _BLOCK_MAX)):
        if not least <= int(metadata[name]) <= most:
            raise BadMetadata(f"{name} is {show(metadata[name])}, not in {least}..{most}")
    seats = _split(metadata["seats"])
    # As text there is one way to write them.
    if _join(sorted(set(seats))) != metadata["seats"] or any(seat >= MAX_SEATS for seat in seats):
        raise BadMetadata(f"seats is {show(metadata['seats'])}")
    seat = metadata["seat"]
    if seat != CIRCLE and (str(int(seat)) != seat or int(seat) >= MAX_SEATS):
        raise BadMetadata(f"seat is {show(seat)}")
    exponents = _split(metadata["exponents"])
    if _join(exponents) != metadata["exponents"] or any(not MIN_EXPONENT <= e <= MAX_EXPONENT for e in exponents):
        raise BadMetadata(f"exponents is {show(metadata['exponents'])}")


def _join(numbers: "tuple[int, ...] | list[int]") -> str:
    return ",".join(map(str, numbers))


def _split(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(","))) if text else ()
