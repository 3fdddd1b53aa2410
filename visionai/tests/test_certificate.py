import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from visionai.lib.certificate import kept_certificate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMES, ADDRESSES = ["lab", "localhost"], ["127.0.0.1", "192.0.2.7"]


def test_it_names_the_machine_and_its_key_is_private(tmp_path: Path) -> None:
    certificate, key = kept_certificate(tmp_path, names=NAMES, addresses=ADDRESSES, at=NOON)
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    subjects = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert subjects.get_values_for_type(x509.DNSName) == NAMES
    assert [str(one) for one in subjects.get_values_for_type(x509.IPAddress)] == ADDRESSES
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_is_made_once(tmp_path: Path) -> None:
    certificate, _ = kept_certificate(tmp_path, names=NAMES, addresses=ADDRESSES, at=NOON)
    made = certificate.read_bytes()
    later = NOON + timedelta(days=300)
    kept_certificate(tmp_path, names=NAMES[:1], addresses=ADDRESSES, at=later)
    assert certificate.read_bytes() == made


def test_a_new_address_a_near_end_or_a_broken_file_make_another(tmp_path: Path) -> None:
    certificate, _ = kept_certificate(tmp_path, names=NAMES, addresses=ADDRESSES, at=NOON)
    seen = {certificate.read_bytes()}
    moved = [*ADDRESSES, "198.51.100.4"]
    kept_certificate(tmp_path, names=NAMES, addresses=moved, at=NOON)
    seen.add(certificate.read_bytes())
    kept_certificate(tmp_path, names=NAMES, addresses=moved, at=NOON + timedelta(days=380))
    seen.add(certificate.read_bytes())
    certificate.write_bytes(b"half a file")
    kept_certificate(tmp_path, names=NAMES, addresses=moved, at=NOON)
    seen.add(certificate.read_bytes())
    assert len(seen) == 4
