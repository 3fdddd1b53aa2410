"""The public keys with which Firebase signs, fetched and kept as long as their answer allows."""

import logging
import re
import threading
from time import monotonic

import httpx2
import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from visionai.lib.errors import DomainError

log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds
LARGEST = 2**20  # bytes
UNKNOWN_KEY_PAUSE = 60.0  # seconds between two fetches for the sake of a key that we do not know
FAILURE_PAUSE = 5.0  # seconds without a try after a failure
DEFAULT_AGE = 300.0  # seconds, where the answer does not say


class KeysUnavailable(DomainError):
    status, code, title = 503, "firebase_unavailable", _("Firebase's keys are not available")
    detail = _("Firebase sign-ins cannot be checked now; try again in a few seconds.")


class FirebaseKeys:
    """Of this process. One thread fetches, the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._keys: dict[str, RSAPublicKey] = {}
        self._good_until = float("-inf")
        self._fetched = float("-inf")
        self._failed = float("-inf")

    def find(self, name: str) -> RSAPublicKey | None:
        """The key; None where Firebase has none of this name. Raises `KeysUnavailable`."""
        with self._lock:
            now = monotonic()
            stale = now >= self._good_until
            unknown = name not in self._keys and now - self._fetched >= UNKNOWN_KEY_PAUSE
            if stale or unknown:
                self._fetch(now)
            return self._keys.get(name)

    def _fetch(self, now: float) -> None:
        if now - self._failed < FAILURE_PAUSE:
            raise KeysUnavailable(retry_after=int(FAILURE_PAUSE))
        try:
            keys, age = _download(settings.FIREBASE_KEYS_URL)
        except (httpx2.HTTPError, ValueError) as error:
            self._failed = monotonic()
            log.warning("Firebase's keys cannot be fetched: %s", type(error).__name__)
            raise KeysUnavailable(retry_after=int(FAILURE_PAUSE)) from error
        self._keys, self._fetched, self._good_until = keys, now, now + age


def _download(url: str) -> tuple[dict[str, RSAPublicKey], float]:
    """(keys by name, seconds for which they are good). Raises `HTTPError` or `ValueError`."""
    with (
        httpx2.Client(timeout=TIMEOUT, follow_redirects=False) as client,
        client.stream("GET", url) as answer,
    ):
        answer.raise_for_status()
        if answer.status_code != 200:
            raise ValueError(answer.status_code)
        body = b""
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > LARGEST:
                raise ValueError(len(body))
        headers = answer.headers
    certificates = orjson.loads(body)
    if not isinstance(certificates, dict) or not certificates:
        raise ValueError(type(certificates))
    keys = {name: _public_key(text) for name, text in certificates.items()}
    return keys, _age(headers.get("Cache-Control", ""), headers.get("Age", ""))


def _public_key(text: object) -> RSAPublicKey:
    key = x509.load_pem_x509_certificate(str(text).encode()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError(type(key))
    return key


def _age(cache_control: str, spent: str) -> float:
    found = re.search(r"max-age\s*=\s*(\d{1,9})", cache_control, re.IGNORECASE)
    age = float(found[1]) if found else DEFAULT_AGE
    return max(0.0, age - (float(spent) if re.fullmatch(r"\d{1,9}", spent) else 0.0))


firebase_keys = FirebaseKeys()
