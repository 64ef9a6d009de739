"""The task manifest: what all peers of a circle agreed on, emitted whole by the contract at deployment.

Numbers and names alone are checked here, so that a circle's history can be read by whoever has neither its codec
nor its rule; whether this version has them is for `ledger.judging.task_checks`.
"""

import hashlib
import math
import re
from itertools import pairwise
from math import prod
from typing import Final

import msgspec

from ledger.circle.draw import MAX_DEGREE
from ledger.circle.verdict_word import MAX_ROUND
from ledger.errors import PeerFault
from ledger.privacy.terms import BadPrivacyTerms, PrivacyTerms, check_privacy_terms
from ledger.untrusted.parsing import decode_json

MANIFEST_MAX_BYTES: Final = 16384
MAX_PARAMETERS: Final = 1 << 28
MAX_DIMENSIONS: Final = 32
# With these, every value on the grid is a normal float32: 2**24 counts of 2**(119 − 16), and one of 2**(−110 − 16).
MIN_EXPONENT: Final = -110
MAX_EXPONENT: Final = 119
# A dispute reaches this many rounds back (R26.1), so what is shown more seldom would show nothing in time.
MAX_CHECKPOINT_EVERY: Final = 256
CHECKPOINT_EVERY: Final = 16
# Every JSON reader holds it exactly.
MAX_CHAIN_ID: Final = (1 << 53) - 1
MAX_OPTION: Final = (1 << 53) - 1
MAX_TASK_OPTIONS: Final = 64
MAX_OPTION_BYTES: Final = 8192
# A task's keyword for what one peer trains on: it never comes from a founder.
DATA_KEYWORD: Final = "data"
# Of each frozen tensor's digest, so that a peer can tell its operator which one differs.
FROZEN_MARK_DIGITS: Final = 4


class MalformedManifest(PeerFault):
    """The bytes the contract emitted are no manifest this program understands."""


class Tensor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A tensor of the public state."""

    name: str
    """Its name in the model."""
    shape: tuple[int, ...]
    """Its dimensions; none for a scalar."""
    exponent: int
    """Its unit: a count of the grid stands for 2**(exponent − 16), so its values lie within ±254 · 2**exponent."""

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.shape)


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The circle, and its round, whose model a circle starts from (R31)."""

    chain_id: int
    """EIP-155 chain id."""
    contract: str
    """That circle's address, 0x and 40 lower-case hex digits."""
    round: int
    """The round of that circle; 0 for its genesis."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A task: layout of the public state, codec, screening rule and their parameters."""

    version: int
    """Of this format."""
    task: str
    """Built-in name, or the class name of a user's own file."""
    task_options: dict[str, int | float | str]
    """What the task was made with: its constructor's keywords, and how it is trained."""
    layout: tuple[Tensor, ...]
    """Each tensor that is shared, in name order."""
    genesis: str
    """Hex digest of the blob that holds the state every peer starts from."""
    codec: str
    """Name of how updates are written, one of `ledger.codec.CODECS`."""
    degree: int
    """Neighbours a peer judges in a round."""
    rule: str
    """Name of the screening rule, see ledger.rules."""
    rule_parameters: dict[str, int]
    """The rule's parameters, integers by name."""
    rounds: int
    """The circle's last round."""
    frozen: str
    """Hex digest of the model's part that nobody trains or sends, the same on all peers; empty where there is none.
    """
    frozen_marks: str
    """The first FROZEN_MARK_DIGITS of the digest of each of that part's tensors; empty where there is none."""
    checkpoint_every: int
    """A judge shows a checkpoint every so many rounds, see ledger.blobs.contents.checkpoint."""
    privacy: PrivacyTerms | None = None
    """What the members agreed on about privacy (R30.1); None, and left out of the bytes, where that is nothing."""
    origin: Origin | None = None
    """The earlier circle whose model its genesis is (R31), as its founder says and all can check; None, left out
    of the bytes, where there is none."""

    @property
    def state_size(self) -> int:
        """The public state's length d."""
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each tensor has, in the order in which they lie in the public state."""
        return tuple(tensor.size for tensor in self.layout)

    @property
    def genesis_digest(self) -> bytes:
        """32 bytes."""
        return bytes.fromhex(self.genesis)

    def encode(self) -> bytes:
        """Canonical JSON. Raises ValueError when it is too large for the chain."""
        encoded = msgspec.json.encode(self, order="deterministic")
        if len(encoded) > MANIFEST_MAX_BYTES:
            raise ValueError(f"the manifest takes {len(encoded)} bytes, a circle holds {MANIFEST_MAX_BYTES}")
        return encoded


def manifest_digest(encoded: bytes) -> bytes:
    """SHA-256, the circle's TASK. Returns 32 bytes."""
    return hashlib.sha256(encoded).digest()


def decode_manifest(encoded: bytes) -> Manifest:
    """Parse a manifest and check its numbers and names. Raises MalformedManifest."""
    if len(encoded) > MANIFEST_MAX_BYTES:
        raise MalformedManifest(f"a manifest of {len(encoded)} bytes is above {MANIFEST_MAX_BYTES}")
    try:
        manifest = decode_json(encoded, Manifest)
    except ValueError as error:
        raise MalformedManifest(f"the manifest does not parse: {error}") from error
    check_manifest(manifest)
    return manifest


def _check_options(options: dict[str, int | float | str]) -> None:
    """They reach code of the peers' own: few, each a bounded number or text, none the place of data."""
    if len(options) > MAX_TASK_OPTIONS:
        raise MalformedManifest(f"{len(options)} task options are above {MAX_TASK_OPTIONS}")
    for name, value in options.items():
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,63}", name) or name == DATA_KEYWORD:
            raise MalformedManifest(f"task option {name[:64]!r} is no name that one can have")
        if isinstance(value, str) and len(value.encode()) > MAX_OPTION_BYTES:
            raise MalformedManifest(f"task option {name} is longer than {MAX_OPTION_BYTES} bytes")
        if isinstance(value, int) and abs(value) > MAX_OPTION:
            raise MalformedManifest(f"task option {name} is no integer within ±{MAX_OPTION}")
        if isinstance(value, float) and not math.isfinite(value):
            raise MalformedManifest(f"task option {name} is no finite number")
    seed = options.get("seed", 0)
    if not isinstance(seed, int) or not 0 <= seed < 1 << 32:
        raise MalformedManifest("the task's seed is not an integer in 0..2^32 - 1")
    for name in ("skew", "samples"):
        value = options.get(name, 0)
        if isinstance(value, str) or not 0 <= value < math.inf:
            raise MalformedManifest(f"the task's {name} is not a number from 0")


def check_manifest(manifest: Manifest) -> None:
    """Raises MalformedManifest where a number or a name is outside what a circle can have (R3.2)."""
    if manifest.version != 1:
        raise MalformedManifest(f"manifest version {manifest.version} is unknown, this program knows 1")
    # A name is printed on terminals: it holds no control characters and no markup.
    if not re.fullmatch(r"[\w.-]{1,128}", manifest.task):
        raise MalformedManifest(f"task {manifest.task[:128]!r} is not 1..128 letters, digits, `_`, `.` and `-`")
    _check_options(manifest.task_options)
    # Dimensions are bounded one by one first, so that their product stays a number one can multiply and print.
    if any(len(tensor.shape) > MAX_DIMENSIONS for tensor in manifest.layout):
        raise MalformedManifest(f"a tensor has more than {MAX_DIMENSIONS} dimensions")
    if any(not 0 <= size <= MAX_PARAMETERS for tensor in manifest.layout for size in tensor.shape):
        raise MalformedManifest(f"a tensor's dimension is not in 0..{MAX_PARAMETERS}")
    if not 1 <= manifest.state_size <= MAX_PARAMETERS:
        raise MalformedManifest(f"{manifest.state_size} parameters are not in 1..{MAX_PARAMETERS}")
    if any(not MIN_EXPONENT <= tensor.exponent <= MAX_EXPONENT for tensor in manifest.layout):
        raise MalformedManifest(f"a tensor's exponent is not in {MIN_EXPONENT}..{MAX_EXPONENT}")
    names = [tensor.name for tensor in manifest.layout]
    if any(one >= other for one, other in pairwise(names)):
        raise MalformedManifest("the names in the layout do not ascend, each once")
    _check_numbers(manifest)
    if not re.fullmatch("[0-9a-f]{64}", manifest.genesis):
        raise MalformedManifest("genesis is not a SHA-256 digest in lower-case hex")
    _check_frozen(manifest)
    _check_privacy(manifest)
    _check_origin(manifest)


def _check_numbers(manifest: Manifest) -> None:
    if not 1 <= manifest.degree <= MAX_DEGREE:
        raise MalformedManifest(f"degree {manifest.degree} is not in 1..{MAX_DEGREE}")
    if not 1 <= manifest.rounds <= MAX_ROUND:
        raise MalformedManifest(f"{manifest.rounds} rounds are not in 1..{MAX_ROUND}")
    every = manifest.checkpoint_every
    if not 1 <= every <= MAX_CHECKPOINT_EVERY:
        raise MalformedManifest(f"a checkpoint every {every} rounds is not in 1..{MAX_CHECKPOINT_EVERY}")


def _check_frozen(manifest: Manifest) -> None:
    marks = len(manifest.frozen_marks) // FROZEN_MARK_DIGITS
    if not re.fullmatch(f"[0-9a-f]{{{marks * FROZEN_MARK_DIGITS}}}", manifest.frozen_marks):
        raise MalformedManifest(f"frozen_marks is not {FROZEN_MARK_DIGITS} lower-case hex digits a tensor")
    if not re.fullmatch("[0-9a-f]{64}" if marks else "", manifest.frozen):
        raise MalformedManifest("frozen is not a SHA-256 digest in lower-case hex, or is one of no tensors")


def _check_privacy(manifest: Manifest) -> None:
    if manifest.privacy is not None:
        try:
            check_privacy_terms(manifest.privacy)
        except BadPrivacyTerms as error:
            raise MalformedManifest(f"the manifest's {error}") from error


def _check_origin(manifest: Manifest) -> None:
    if (origin := manifest.origin) is None:
        return
    if not 1 <= origin.chain_id <= MAX_CHAIN_ID:
        raise MalformedManifest(f"the origin's chain id {origin.chain_id} is not in 1..{MAX_CHAIN_ID}")
    if not re.fullmatch("0x[0-9a-f]{40}", origin.contract):
        raise MalformedManifest("the origin's contract is not 0x and 40 lower-case hex digits")
    if not 0 <= origin.round <= MAX_ROUND:
        raise MalformedManifest(f"the origin's round {origin.round} is not in 0..{MAX_ROUND}")
