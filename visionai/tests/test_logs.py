import json
import logging
from pathlib import Path

import pytest

from visionai.lib.logs import JsonFormatter, bind, logging_config, redact, unbind

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzaWQiOjd9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"Authorization: Bearer {JWT}", "Authorization: [secret] [secret]"),
        (f"the token was {JWT}.", "the token was [token]."),
        ("GET /ws?token=abc&x=1 101", "GET /ws?[query] 101"),
        ('{"password": "open sesame"}', '{"password": [secret]}'),
        ("refresh_token=abc; sessionid=def", "refresh_token=[secret]; sessionid=[secret]"),
        ("postgresql://who:sesame@host/name", "postgresql://who:[secret]@host/name"),
        ("sec-websocket-protocol: bearer, abc", "sec-websocket-protocol: bearer [secret]"),
        ("7 of 12 tokens left", "7 of 12 tokens left"),
    ],
)
def test_secrets_are_taken_out(said: str, kept: str) -> None:
    assert redact(said) == kept


def test_a_line_is_one_object_with_the_bound_ids() -> None:
    unbind()
    bind(request_id="r1")
    bind(sesion_id=7)
    record = logging.makeLogRecord(
        {"name": "accounts", "levelname": "INFO", "msg": "two\nlines", "created": 0.0}
    )
    line = JsonFormatter().format(record)
    unbind()
    assert "\n" not in line
    read = json.loads(line)
    assert read.pop("process")
    assert read == {
        "time": "1970-01-01T00:00:00.000+00:00",
        "level": "INFO",
        "logger": "accounts",
        "message": "two\nlines",
        "request_id": "r1",
        "sesion_id": 7,
    }


def test_debug_is_for_our_own_apps_alone(tmp_path: Path) -> None:
    config = logging_config(tmp_path, apps=["accounts"], level="DEBUG")
    assert config["root"]["level"] == "WARNING"
    assert config["loggers"]["accounts"] == {"level": "DEBUG"}
    assert "websockets" not in config["loggers"]
