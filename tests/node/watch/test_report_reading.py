"""A report of an audit, read back: what is one, what is none, and of which circle it is."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import UsageError
from node.cli.audit_lines import make_fields
from node.operating.figures import dump_json
from node.watch.report_reading import (
    REPORT_MAX_BYTES,
    BadReport,
    check_same_circle,
    decode_report,
    read_report,
    split_line,
)
from tests.support.audit_reports import huge, liars

DEEP = 5_000_000


def encode(**changes: Any) -> bytes:
    fields = json.loads(dump_json(make_fields(liars(3), made_s=0.0)))
    return json.dumps({name: value for name, value in (fields | changes).items() if value is not ...}).encode()


def test_what_is_read_is_what_was_written() -> None:
    for report in (huge(), liars(), liars(3, 1)):
        found = decode_report(dump_json(make_fields(report, made_s=0.0)).encode())
        assert found.report == report
        assert found.made_at == "1970-01-01T00:00:00Z"
        assert found.headline.startswith("clean" if report.clean else "not clean")


def test_a_report_of_an_earlier_version_has_a_headline_all_the_same() -> None:
    assert decode_report(encode(headline=...)).headline == "not clean: 35 findings"
    assert decode_report(encode(headline=..., findings=[])).headline == "clean: no finding"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "truncated"),
        (b"\x00\xff", "malformed"),
        (b"[]", "object"),
        (b"{}", "format"),
        (encode()[:-200], "truncated"),
        (encode(format=2), "format is 2"),
        (encode(findings="none"), "findings"),
        (encode(chain_id="1"), "chain_id"),
        (encode(head=-1), "head is -1"),
        (encode(rounds=-5), "rounds is -5"),
        (encode(findings=[{"check": "A99"}]), "A99"),
        (encode(availability=[{"seat": 1}]), "tenure"),
        (encode(bundle=...)[:-1] + b',"bundle":' + b'{"a":' * DEEP, "nested too deeply"),
        (b'{"format":1,"more":' + b'{"a":' * DEEP, "nested too deeply"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_what_is_no_report_is_refused_with_a_sentence(data: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(BadReport, match=why):
        decode_report(data)
    path = tmp_path / "report.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="is no report of `folkmoot audit --json`") as refused:
        read_report(path)
    assert len(str(refused.value)) < 1000


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with path.open("wb") as file:
        file.truncate(REPORT_MAX_BYTES + 5)
    with pytest.raises(UsageError, match="more than 256 MiB"):
        read_report(path)
    with pytest.raises(UsageError, match="name a file that can be read"):
        read_report(tmp_path)


def test_a_pipe_that_nobody_writes_to_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "report.json")
    with pytest.raises(UsageError, match="it is a pipe or a device, no file: name a file that can be read"):
        read_report(tmp_path / "report.json")


def test_a_report_of_another_circle_is_refused() -> None:
    found = decode_report(encode())
    check_same_circle(found, 31337, "0x" + "11" * 20)
    for chain_id, contract in ((1, "0x" + "11" * 20), (31337, "0x" + "22" * 20)):
        with pytest.raises(UsageError, match="give a report of this circle"):
            check_same_circle(found, chain_id, contract)


def test_a_line_of_an_audit_under_way_is_told_apart() -> None:
    assert split_line(b'{"progress": {"done": 1, "total": 4}}\n') == ("progress", {"done": 1, "total": 4})
    assert split_line(b'{"note": "it waits"}\n') == ("note", "it waits")
    assert split_line(b'{"report": {"a": [1]}}\n') == ("report", b'{"a": [1]}')
    for line in (b"", b"\n", b"[1]\n", b"{}\n", b'{"note": \n'):
        with pytest.raises(BadReport):
            split_line(line)


@pytest.mark.parametrize(
    ("seats", "headline"), [((3,), "clean: no finding"), ((), "not clean: seat 3 lied"), ((3,), "x")]
)
def test_a_headline_that_its_findings_do_not_come_to_is_replaced(seats: tuple[int, ...], headline: str) -> None:
    fields = json.loads(dump_json(make_fields(liars(*seats), made_s=0.0)))
    shown = decode_report(json.dumps(fields | {"headline": headline}).encode()).headline
    assert shown == ("not clean: 35 findings" if seats else "clean: no finding")
    assert decode_report(json.dumps(fields).encode()).headline == fields["headline"]
