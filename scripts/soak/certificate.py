"""A certificate for the soak's reverse proxy, which all that the soak starts trusts."""

import ipaddress
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROXY_ADDRESS: Final = "10.77.3.1"
_NAME: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "soak proxy")])


def trust_proxy(folder: Path) -> None:
    """Make it in a folder, and have every process that is started from here trust it; call it before any is."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 12, 31, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(PROXY_ADDRESS))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    trusted = folder / "proxy.crt"
    trusted.write_bytes(public)
    find_proxy_pem(folder).write_bytes(private + public)
    os.environ["SSL_CERT_FILE"] = str(trusted.resolve())


def find_proxy_pem(folder: Path) -> Path:
    """Key and certificate of `trust_proxy`."""
    return folder / "proxy.pem"
