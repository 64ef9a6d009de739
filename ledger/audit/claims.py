"""A bundle that proves a claim: which updates of a seat are in a model, or that none is (R33.8).

The claim is one more block of the bundle, so that whoever has the file can recompute it from the rest of it.
"""

import itertools
import re
from pathlib import Path
from typing import Final

from ledger.audit.bundle.car_file import write_car
from ledger.audit.bundle.names import DAG_JSON, BadBundle, BlockName
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import Link, Row, decode_block, encode_block, to_hex
from ledger.audit.tracing import Traced
from ledger.blobs.contents.records import state_digest
from ledger.circle.history import History
from ledger.files import PUBLIC, opened_whole
from ledger.judging.provenance import may_follow

CLAIM_KIND: Final = "folkmoot-claim"
CLAIM_VERSION: Final = 1
ACCOUNT, VERDICTS = "account", "verdicts"
CLAIMS_MAX: Final = 64
CLAIM_BYTES_MAX: Final = 1 << 20
_DIGITS_MAX: Final = 20
_DIGEST: Final = re.compile(r"0x[0-9a-f]{64}", re.ASCII)


class ClaimedUpdate(Row, frozen=True):
    """An update that is in the model."""

    coefficient: str
    """Of its step, the mean over all values, in 2**−60: decimal digits."""
    round: int
    """The one that it is of."""
    tenure: int
    """Which holder of the seat published it."""


class ShareClaim(Row, frozen=True):
    """What a bundle is said to prove."""

    basis: str
    """`account`: recomputed from the blobs. `verdicts`: from the chain alone."""
    bundle: Link
    """The bundle's root."""
    digest: str | None
    """Of the model's state, hex; None where no blob was read."""
    excluded: bool
    """No update of the seat is in the model."""
    kind: str
    """`folkmoot-claim`."""
    of: int
    """The seat whose updates it is about."""
    round: int
    """Of the model."""
    seat: int | None
    """Whose base the model is; None for the circle's model."""
    updates: list[ClaimedUpdate]
    """Those in the model, by round; none where no blob was read."""
    version: int
    """1."""


def make_account_claim(root: BlockName, traced: Traced, of: int) -> ShareClaim:
    """What an account says of a seat's updates."""
    updates = [
        ClaimedUpdate(str(coefficient), step[0], traced.tally.find_owner(step)[1])
        for step, coefficient in sorted(traced.tally.find_means().items())
        if step[1] == of
    ]
    digest = to_hex(state_digest(traced.target.model))
    fixed = CLAIM_KIND, of, traced.round, traced.seat, updates, CLAIM_VERSION
    return ShareClaim(ACCOUNT, Link.to(root), digest, not updates, *fixed)


def make_verdict_claim(root: BlockName, history: History, number: int, seat: int | None, of: int) -> ShareClaim:
    """What the chain alone says of a seat's updates, its verdicts taken at their word."""
    excluded = not may_follow(history, number, seat, of)
    return ShareClaim(VERDICTS, Link.to(root), None, excluded, CLAIM_KIND, of, number, seat, [], CLAIM_VERSION)


def is_same_claim(one: ShareClaim, other: ShareClaim) -> bool:
    """Whether two claims say the same; a coefficient's last digit may differ by one."""
    pairs = list(itertools.zip_longest(one.updates, other.updates))
    if any(left is None or right is None for left, right in pairs):
        return False
    near = all(
        (left.round, left.tenure) == (right.round, right.tenure)
        and abs(int(left.coefficient) - int(right.coefficient)) <= 1
        for left, right in pairs
    )
    said = [(c.basis, c.bundle, c.digest, c.excluded, c.of, c.round, c.seat) for c in (one, other)]
    return near and said[0] == said[1]


def write_with_claim(bundle: Bundle, path: Path, claim: ShareClaim) -> None:
    """Write a bundle with one more claim, whole; it may be the same file. Raises OSError."""
    block = encode_block(claim)
    name = BlockName.of(DAG_JSON, block)
    with opened_whole(path, mode=PUBLIC) as file:
        held = ((one, bundle.read(one)) for one in bundle.names if one != name)
        write_car(file, bundle.roots, itertools.chain(held, [(name, block)]))


def read_claims(bundle: Bundle) -> list[ShareClaim]:
    """The claims in a bundle, none of them checked. Raises BadBundle for what is no claim of this version."""
    found: list[ShareClaim] = []
    for name in bundle.names:
        if name.codec != DAG_JSON:
            continue
        block = bundle.read(name)
        if f'"kind":"{CLAIM_KIND}"'.encode() not in block or not block.startswith(b'{"basis":'):
            continue
        # [REJECT] R33.8: sizes first.
        if len(block) > CLAIM_BYTES_MAX or len(found) == CLAIMS_MAX:
            raise BadBundle(f"{bundle.path} has more or larger claims than {CLAIMS_MAX} of {CLAIM_BYTES_MAX} bytes")
        found.append(_check(bundle, decode_block(block, ShareClaim)))
    return found


def _check(bundle: Bundle, claim: ShareClaim) -> ShareClaim:
    """[REJECT] R33.8: of this bundle, in this version, with numbers that can be."""
    if (claim.kind, claim.version) != (CLAIM_KIND, CLAIM_VERSION) or claim.basis not in (ACCOUNT, VERDICTS):
        raise BadBundle(f"{bundle.path} has a claim of another version than this program reads")
    if claim.bundle.name != bundle.name:
        raise BadBundle(f"{bundle.path} has a claim about another bundle")
    is_account = claim.basis == ACCOUNT
    if is_account and (
        claim.digest is None or not _DIGEST.fullmatch(claim.digest) or claim.excluded == bool(claim.updates)
    ):
        raise BadBundle(f"{bundle.path} has a claim that contradicts itself")
    if not is_account and (claim.digest is not None or claim.updates):
        raise BadBundle(f"{bundle.path} has a claim of verdicts that says more than verdicts do")
    for update in claim.updates:
        digits = update.coefficient
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX):
            raise BadBundle(f"{bundle.path} has a claim with a coefficient that is no number")
    return claim
