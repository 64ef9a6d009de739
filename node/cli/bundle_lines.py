"""What a report's bundle proves, in lines for people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from node.operating.layout import wrap
from node.operating.wording import format_count, format_time

if TYPE_CHECKING:
    from ledger.audit.findings import Report


def describe_bundle_lines(report: "Report", width: int = 80) -> list[str]:
    """What the bundle proves by itself, what is somebody's word, and who signed it. Empty without a bundle."""
    if report.bundle is None:
        return []
    lines = ["", "Bundle"]
    for kind, said in list_bundle_facts(report):
        lines += wrap(said, width, f"  {kind:<8}", " " * 10)
    return lines


def list_bundle_facts(report: "Report") -> Iterator[tuple[str, str]]:
    """(what kind of word it is, what is said) of the report's bundle, which it must have."""
    found = report.bundle
    assert found is not None
    yield "root", found["root"]
    what = "code, running hash and reputations"
    if found["state_proved"]:
        yield "proved", f"{what}, by the state root of block {report.head}, whose hash is above"
    else:
        yield "word", f"{what} are as the endpoint told them: it gave no proofs of its state"
    yield (
        "proved",
        f"the places of {format_count(found['events_placed'], 'event')} by receipts,"
        f" {format_count(found['transactions_proved'], 'transaction')} by their blocks' roots, the times of"
        f" {format_count(found['headers_proved'], 'block')} by their hashes",
    )
    if unbound := found["headers_proved"] - found["headers_bound"]:
        yield (
            "word",
            f"that {format_count(unbound, 'block')} of these, which drew no settled round, belong to the chain, and"
            " so what was in them when, but for its order: the maker's; ask a node for their hashes",
        )
    if found["headers_told"]:
        yield "word", f"the times of {format_count(found['headers_told'], 'block')}: the endpoint's"
    if found["pinned"]:
        yield "yours", f"that block {report.head} is the chain's: it has the hash that you gave"
    else:
        said = f"that block {report.head} is the chain's: the endpoint's; give a hash from elsewhere"
        yield "word", f"{said} with --block-hash"
    if report.sample_block is not None:
        yield "word", f"that block {report.sample_block}, which drew the sample, has that hash: ask a node for it"
    elif report.sample_seed is not None:
        said = (
            f"that nobody chose the sample: its seed, {report.sample_seed}, is a number, and whoever chose it could"
        )
        yield "word", f"{said} try until a sample showed nothing; --seed-block names a block that draws it"
    if found["missing"]:
        yield "word", f"that {format_count(found['missing'], 'blob')} could not be had: the maker's"
    for one in found["signatures"]:
        yield "signed", f"by {one['signer']}, on {_format_time(one['claimed_s'])} as it claims"
    if not found["signatures"]:
        yield "signed", "by nobody"


def _format_time(seconds: int) -> str:
    """Unix seconds in UTC; a time that no calendar has as it stands."""
    try:
        return format_time(seconds)
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"
