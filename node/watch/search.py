"""Finding a seat, a round, an address, a name, or the blob that a digest or a CID names."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from ledger.blobs.cid import BadCid, parse_cid
from ledger.circle.history import Round
from ledger.circle.verdict_word import MAX_ROUND
from node.watch.query import Query
from node.watch.seats import make_names
from node.watch.source import Source
from node.watch.view import View

HITS_MAX: Final = 50
_HEX: Final = frozenset("0123456789abcdef")
_DIGEST_DIGITS: Final = 64
# With fewer digits an address is not meant.
_ADDRESS_DIGITS_LEAST: Final = 3
_DIGITS_MAX: Final = 7


def search(source: Source, query: Query) -> list[dict[str, str]]:
    """GET /api/search: the best fitting first, HITS_MAX at most."""
    text = query.text("q")
    return list(islice(_find(source.view, text), HITS_MAX)) if text else []


def _find(view: View, text: str) -> Iterator[dict[str, str]]:
    yield from _find_numbered(view, text)
    lowered = text.lower()
    digest = _read_digest(text)
    if digest is not None:
        yield from _find_blob(view, digest)
    yield from _find_names(view, lowered)
    yield from _find_addresses(view, lowered)


def _find_numbered(view: View, text: str) -> Iterator[dict[str, str]]:
    words = text.lower().split()
    number = words[-1] if words else ""
    if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS_MAX) or len(words) > 2:
        return
    kind, wanted = words[0] if len(words) == 2 else "", int(number)
    if kind in ("", "seat") and wanted in view.history.seats:
        yield _hit("seat", f"seat {wanted}", f"#/seats/{wanted}")
    if kind in ("", "round") and 1 <= wanted <= min(view.history.number, MAX_ROUND):
        yield _hit("round", f"round {wanted}", f"#/rounds/{wanted}")


def _read_digest(text: str) -> bytes | None:
    bare = text.lower().removeprefix("0x")
    if len(bare) == _DIGEST_DIGITS and set(bare) <= _HEX:
        return bytes.fromhex(bare)
    try:
        return parse_cid(text).digest
    except BadCid:
        return None


def _find_blob(view: View, digest: bytes) -> Iterator[dict[str, str]]:
    """The newest round first; the same update may be committed in several."""
    if digest == view.history.manifest.genesis_digest:
        yield _hit("cid", "the genesis, which every peer starts from", "#/now")
    for round_ in reversed(view.history.rounds):
        yield from _find_in_round(round_, digest)


def _find_in_round(round_: Round, digest: bytes) -> Iterator[dict[str, str]]:
    at = f"#/rounds/{round_.number}"
    for seat in round_.find_authors(digest):
        yield _hit("cid", f"the update of seat {seat} in round {round_.number}", at)
    for judge in round_.find_recorders(digest):
        yield _hit("cid", f"the record of seat {judge} in round {round_.number}", at)


def _find_names(view: View, lowered: str) -> Iterator[dict[str, str]]:
    for seat, name in sorted(make_names(view).items()):
        if lowered in name.text.lower():
            yield _hit("name", f"{name.text} (seat {seat})", f"#/seats/{seat}")


def _find_addresses(view: View, lowered: str) -> Iterator[dict[str, str]]:
    bare = lowered.removeprefix("0x")
    if len(bare) < _ADDRESS_DIGITS_LEAST or not set(bare) <= _HEX:
        return
    for seat, held in view.history.seats.items():
        keys: dict[str, Any] = {**dict.fromkeys(held.keys, "a former key"), held.cold: "the cold key"}
        for key, what in (keys | {held.peer: "the key"}).items():
            if key.lower().removeprefix("0x").startswith(bare):
                yield _hit("address", f"{key}: {what} of seat {seat}", f"#/seats/{seat}")


def _hit(kind: str, label: str, href: str) -> dict[str, str]:
    return {"kind": kind, "label": label, "href": href}
