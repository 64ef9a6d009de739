"""Where a report comes from, and what its bundle proves, in lines for people."""

from datetime import UTC, datetime

from ledger.audit.findings import Report
from node.operating.wording import format_count


def describe_source(report: Report) -> list[str]:
    """The block, whose word, when, and by which program."""
    if not report.head_hash:
        return []
    asked = f" on {_format_time(report.read_at_s)}" if report.read_at_s is not None else ""
    when = "" if report.head_time_s is None else f" of {_format_time(report.head_time_s)}"
    return [
        f"read from {report.endpoint or 'an endpoint'}{asked}, by {report.program}",
        f"as of block {report.head}{when}, {report.head_hash}",
    ]


def describe_bundle_lines(report: Report) -> list[str]:
    """What the bundle proves by itself, what is somebody's word, and who signed it. Empty without a bundle."""
    found = report.bundle
    if found is None:
        return []
    lines = [f"bundle    {found['root']}"]
    if found["state_proved"]:
        lines.append("proved    code, running hash and reputations follow from the block's hash")
    else:
        lines.append("word      code, running hash and reputations are as the endpoint told them: no state proofs")
    if found["header_proved"]:
        pinned = (
            "is the one you gave" if found["pinned"] else "is the endpoint's word; give yours with --block-hash"
        )
        lines.append(f"word      that this block is the chain's {pinned}")
    else:
        lines.append("word      the block's time and hash are as the endpoint told them: no header")
    lines.append(
        f"proved    {format_count(found['events_placed'], 'event')} shown by receipts, "
        f"{format_count(found['transactions_proved'], 'transaction')} in their blocks, "
        f"{format_count(found['headers_proved'], 'header')} by their hashes"
    )
    if found["headers_told"]:
        lines.append(f"word      the times of {format_count(found['headers_told'], 'block')}")
    if found["missing"]:
        lines.append(f"word      that {format_count(found['missing'], 'blob')} could not be had")
    lines += [
        f"signed    by {one['signer']}, who claims {_format_time(one['claimed_s'])}" for one in found["signatures"]
    ]
    if not found["signatures"]:
        lines.append("signed    by nobody")
    return lines


def _format_time(seconds: int) -> str:
    """Unix seconds in UTC; a time that no calendar has as it stands."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"
