"""The peer's self-signed TLS certificate and the TLS settings of both ends of a connection.

Nobody vouches for the certificate: a peer's identity comes from the handshake, which signs the certificate's
SHA-256. The certificate therefore needs no name and no expiry (RFC 5280, section 4.1.2.5).
"""

import hashlib
import logging
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ledger.errors import SetupError
from ledger.files import make_folder, set_aside, write_new

_log = logging.getLogger(__name__)
FILE_NAME = "gossip-tls.pem"
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "folkmoot")])


def certificate_sha256(der: bytes) -> bytes:
    """The fingerprint that handshakes sign: 32 bytes."""
    return hashlib.sha256(der).digest()


@dataclass(frozen=True)
class Certificate:
    """A certificate with its private key, in one PEM file."""

    path: Path
    """The file, mode 0600."""
    der: bytes
    """The certificate alone."""

    @property
    def sha256(self) -> bytes:
        """32 bytes, see `certificate_sha256`."""
        return certificate_sha256(self.der)

    @classmethod
    def load_or_create(cls, data_dir: Path) -> "Certificate":
        """Read the certificate of this data directory; the first time, make it.

        A damaged one is set aside for a new one: nothing but the links under way hangs on it. Raises SetupError if
        the directory cannot be written.
        """
        path = data_dir / FILE_NAME
        try:
            if not path.exists():
                make_folder(data_dir)
                write_new(path, _make_pem())
            try:
                der = _read_der(path)
            except ValueError:
                _log.warning("certificate damaged, kept aside, making another file=%s", set_aside(path))
                write_new(path, _make_pem())
                der = _read_der(path)
        except OSError as error:
            raise SetupError(
                f"cannot keep a TLS certificate at {path} ({error.strerror or error}): "
                "make the data directory writable for this user"
            ) from error
        return cls(path, der)

    def make_server_context(self) -> ssl.SSLContext:
        """TLS 1.3 only; asks the client for no certificate. Raises SetupError if key and certificate differ."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0  # links are long: resumption would only cost bytes
        try:
            context.load_cert_chain(self.path)
        except (ssl.SSLError, OSError) as error:
            raise SetupError(
                f"cannot use the TLS certificate in {self.path}: delete the file, the next start makes a new one"
            ) from error
        return context


def make_client_context() -> ssl.SSLContext:
    """TLS 1.3 only; takes any certificate, because the handshake that follows authenticates it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _make_pem() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def _read_der(path: Path) -> bytes:
    """The certificate's DER. Raises ValueError if the file lacks a certificate or a key."""
    pem = path.read_bytes()
    serialization.load_pem_private_key(pem, password=None)
    return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
