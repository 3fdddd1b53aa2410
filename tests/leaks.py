"""Where a secret shows, in whatever form: as it is, escaped, encoded or packed."""

import base64
import html
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

PERCENT = re.compile("%[0-9A-F]{2}")
Places = Iterable[tuple[str, bytes]]


def forms_of(secret: str) -> dict[str, bytes]:
    """Every way in which the text is likely to be written, by its name.

    Base64 depends on how many bytes stand before: of the three ways each inner part is one.
    """
    escaped = json.dumps(secret)[1:-1]
    text = {
        "plain": secret,
        "repr": repr(secret)[1:-1],
        "json": escaped,
        "json-unicode": json.dumps(secret, ensure_ascii=False)[1:-1],
        "json-twice": json.dumps(escaped)[1:-1],
        "html": html.escape(secret),
        "html-json": html.escape(escaped),
        "url": quote(secret, safe=""),
        "url-path": quote(secret),
        "url-form": quote_plus(secret),
        "url-lower": PERCENT.sub(lambda one: one[0].lower(), quote(secret, safe="")),
        "hex": secret.encode().hex(),
    }
    found = {name: value.encode() for name, value in text.items()}
    found["latin-1"] = secret.encode("latin-1", "backslashreplace")
    found["utf-16"] = secret.encode("utf-16-le")
    for shift in range(3):
        # Drop the letters that also hang on the bytes before and after.
        whole = base64.b64encode(b"\0" * shift + secret.encode() + b"\0" * 3)
        bits = (shift * 8, (shift + len(secret.encode())) * 8)
        inner = whole[-(-bits[0] // 6) : bits[1] // 6]
        found[f"base64-{shift}"] = inner
        found[f"base64-url-{shift}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def unpacked(place: str, data: bytes) -> Places:
    """The bytes, and what is in them where they are an archive (XLSX is one)."""
    yield place, data
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield f"{place}!{name}", archive.read(name)


def leaks_in(places: Places, secrets: Mapping[str, str]) -> list[str]:
    """`place: secret as form` for each that shows; empty where none does."""
    # Most secrets are written alike in most ways: each way once.
    ways = {
        shown: f"{name} as {way}"
        for name, secret in secrets.items()
        for way, shown in reversed(forms_of(secret).items())
    }
    return [
        f"{inner}: {what}"
        for place, packed in places
        for inner, data in unpacked(place, packed)
        for shown, what in ways.items()
        if shown in data
    ]
