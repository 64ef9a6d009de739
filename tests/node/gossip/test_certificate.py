"""One certificate a data directory, made once."""

import hashlib
import ssl
from pathlib import Path

import pytest

from ledger.errors import SetupError
from node.gossip.certificate import FILE_NAME, Certificate, certificate_sha256, make_client_context


def test_certificate_is_made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    first = Certificate.load_or_create(tmp_path / "data")
    second = Certificate.load_or_create(tmp_path / "data")
    assert first == second
    assert first.path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "data").iterdir()] == [FILE_NAME]
    assert first.sha256 == certificate_sha256(first.der) == hashlib.sha256(first.der).digest()
    assert Certificate.load_or_create(tmp_path / "other").sha256 != first.sha256


@pytest.mark.rule("R17")
def test_only_tls_1_3_is_spoken(tmp_path: Path) -> None:
    server = Certificate.load_or_create(tmp_path).make_server_context()
    for context in (server, make_client_context()):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_file_is_set_aside_for_a_new_certificate(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    made = Certificate.load_or_create(tmp_path)
    assert made.der == Certificate.load_or_create(tmp_path).der
    made.make_server_context()
    assert (tmp_path / f"{FILE_NAME}.damaged").read_bytes() == content
    assert f"file={path}.damaged" in caplog.text


def test_directory_that_cannot_be_had_is_a_setup_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(SetupError, match="make the data directory writable"):
        Certificate.load_or_create(tmp_path / "file" / "data")
