"""`folkmoot audit` with a bundle: what goes together, and what it says of sizes, proofs and signatures."""

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.audit.bundle.writer import write_bundle
from ledger.audit.findings import Report
from ledger.audit.saving import SizeEstimate
from node.cli.audit_bundle import _tell_size
from node.cli.bundle_lines import describe_bundle_lines
from node.cli.main import main
from tests.support.sample_bundle import NETWORK, make_evidence, read_block

CONTRACT = "0x" + "11" * 20
SIGNER = "0x23Ac426b66695c2D3A94b4A4d0d1F2e867772F2b"
FOUND = {
    "root": "baguqeera",
    "header_proved": True,
    "state_proved": True,
    "headers_proved": 9,
    "headers_told": 0,
    "headers_bound": 9,
    "events_placed": 14,
    "transactions_proved": 1,
    "missing": 0,
    "pinned": False,
    "signatures": [],
}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["b.car", "--save", "c.car"], "goes with --circle or --contract"),
        (["--contract", CONTRACT, "--sign-with", "key.json"], "signs a bundle"),
        (["b.car", "--password-file", "p"], "goes with --sign-with"),
        (["--contract", CONTRACT, "--block-hash", "0x" + "12" * 32], "name a bundle"),
        (["b.car", "--block-hash", "0x12"], "give 0x and 64 hex digits"),
    ],
)
def test_options_that_do_not_go_together_are_refused_in_a_sentence(
    command: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", *command]) == 2
    assert said in capsys.readouterr().err


def test_a_circle_or_a_bundle_is_named_and_not_both(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["audit"], ["audit", "b.car", "--contract", CONTRACT]):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("raw", [None, b"", b"PK\x03\x04 a zip file", b"\x0a" * 100])
def test_a_file_that_is_no_bundle_ends_with_a_sentence_and_3(
    tmp_path: Path, raw: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "b.car"
    if raw is not None:
        path.write_bytes(raw)
    assert main(["audit", str(path)]) == 3
    said = capsys.readouterr().err
    assert str(path) in said
    assert "Traceback" not in said


def test_a_folder_that_is_not_there_is_told_before_anything_is_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "--contract", CONTRACT, "--save", str(tmp_path / "none" / "b.car")]) == 3
    assert "make it first" in capsys.readouterr().err


def test_a_bundle_of_other_code_is_a_finding_and_no_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "b.car", make_evidence(), read_block)
    assert main(["audit", str(tmp_path / "b.car")]) == 1
    shown = capsys.readouterr().out
    assert NETWORK.contract in shown
    assert "is not the circle contract of this version" in " ".join(shown.split())


def test_the_size_is_said_with_what_it_is_an_estimate_of(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_size(Path("b.car"), SizeEstimate(320, 20, 2_000_000, 10**12))
    said = capsys.readouterr().err
    assert "300 updates to fetch, at most 600.0 MB (2.0 MB each, the most that the circle allows" in said
    assert "20 updates are here already" in said
    assert "free" not in said
    _tell_size(Path("b.car"), SizeEstimate(320, 0, 2_000_000, 10**9))
    assert "1,000.0 MB free" in capsys.readouterr().err


def test_what_is_proved_and_what_is_somebodys_word_is_told_apart() -> None:
    report = Report(31337, NETWORK.contract, 19)
    assert describe_bundle_lines(report) == []
    report.bundle = FOUND
    proved = " ".join(" ".join(describe_bundle_lines(report)).split())
    assert "proved code, running hash and reputations" in proved
    assert "signed by nobody" in proved
    assert "word that block 19 is the chain's: the endpoint's" in proved
    signatures = [{"signer": SIGNER, "claimed_s": 1_800_000_000}, {"signer": SIGNER, "claimed_s": 1 << 52}]
    told = replace(report, bundle={**FOUND, "state_proved": False, "headers_told": 2, "headers_bound": 5,
                                   "missing": 3, "pinned": True, "signatures": signatures})  # fmt: skip
    lines = describe_bundle_lines(told)
    word = " ".join(" ".join(lines).split())
    assert all(len(line) <= 80 for line in lines)
    for said in (
        "word code, running hash and reputations are as the endpoint told them",
        "word the times of 2 blocks",
        "word that 4 blocks of these, which drew no settled round, belong to the chain",
        "word that 3 blobs could not be had",
        "yours that block 19 is the chain's",
        f"signed by {SIGNER}, on 2027-01-15 08:00:00 UTC as it claims",
        f"signed by {SIGNER}, on 142715360-12-06 03:48:16 UTC as it claims",
    ):
        assert said in word
