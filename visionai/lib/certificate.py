"""A certificate of this machine's own, so that browsers of the network get HTTPS."""

import ipaddress
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=397)  # browsers refuse a longer one
RENEW_BEFORE = timedelta(days=30)


def kept_certificate(
    folder: Path, *, names: Sequence[str], addresses: Sequence[str], at: datetime
) -> tuple[Path, Path]:
    """The files (certificate, key) in `folder`, good for every name and address.

    Made once, and again only when one is missing from it or its end is near. The key has mode
    0600.
    """
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if not (key.is_file() and _covers(certificate, names=names, addresses=addresses, at=at)):
        _make(certificate, key, names=names, addresses=addresses, at=at)
    return certificate, key


def _covers(path: Path, *, names: Sequence[str], addresses: Sequence[str], at: datetime) -> bool:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    subjects = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {str(name) for name in subjects.get_values_for_type(x509.DNSName)}
    known |= {str(address) for address in subjects.get_values_for_type(x509.IPAddress)}
    lasts = found.not_valid_before_utc <= at < found.not_valid_after_utc - RENEW_BEFORE
    return lasts and known >= {*names, *addresses}


def _make(
    certificate: Path, key: Path, *, names: Sequence[str], addresses: Sequence[str], at: datetime
) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "VisionAI (this machine)")])
    subjects: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    subjects += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at - timedelta(hours=1) + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(subjects), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    _write(
        key,
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    _write(certificate, made.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, data: bytes) -> None:
    """In one move, readable by this account alone from its first byte."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    part.replace(path)
