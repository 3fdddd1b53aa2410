"""Logs for machines: one JSON object a line, in one rotating file a process; secrets taken out."""

import json
import logging
import os
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE_BYTES, FILES = 10 * 2**20, 5

_SECRETS = (
    # A JSON Web Token, wherever it stands.
    (re.compile(r"\beyJ[\w-]+\.[\w-]*\.?[\w-]*"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)[ ,]+[^\s,;'\"]+"), r"\1 [secret]"),
    # name=value and "name": "value", in addresses, headers, cookies and bodies.
    (
        re.compile(
            r"(?i)((?:[\w-]*(?:token|passw(?:or)?d|secret|api[_-]?key|authorization)[\w-]*"
            r"|sessionid|csrftoken|cookie)[\"']?\s*[=:]\s*)"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s&\"',;}]+)"
        ),
        r"\1[secret]",
    ),
    # user:password@ in an address.
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1[secret]@"),
    # The query of an address: what it holds is the caller's own affair.
    (re.compile(r"(\s/[^\s?\"']*)\?[^\s\"']+"), r"\1?[query]"),
)

_bound: ContextVar[dict[str, str | int] | None] = ContextVar("bound", default=None)


def bind(**ids: str | int) -> None:
    """Add ids (request, session, connection) to each later line of this request or socket."""
    _bound.set({**(_bound.get() or {}), **ids})


def unbind() -> None:
    """Forget them, where a new request begins."""
    _bound.set(None)


def redact(text: str) -> str:
    """`text` without tokens, passwords and query strings."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class JsonFormatter(logging.Formatter):
    """time, level, logger, process, message, the bound ids, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": process_name(),
            "message": redact(record.getMessage()),
            **(_bound.get() or {}),
        }
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """For the console, with the same secrets taken out."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def process_name() -> str:
    """As `manage.py up` names its children, else after the program."""
    return os.environ.get("PROCESS_NAME") or Path(sys.argv[0]).stem or "python"


def logging_config(folder: Path, *, apps: Iterable[str], level: str) -> dict[str, Any]:
    """`level` is for our own `apps`: at DEBUG, libraries would write frames and SQL values."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {"()": JsonFormatter},
            "plain": {"()": PlainFormatter, "format": "%(levelname)s %(name)s: %(message)s"},
        },
        "handlers": {
            "file": {
                "class": "logging.handlers.RotatingFileHandler",
                "filename": str(folder / f"{process_name()}.log"),
                "maxBytes": FILE_BYTES,
                "backupCount": FILES,
                "encoding": "utf-8",
                "delay": True,
                "formatter": "json",
            },
            "console": {
                "class": "logging.StreamHandler",
                "level": "WARNING",
                "formatter": "plain",
            },
        },
        "root": {"handlers": ["file", "console"], "level": "WARNING"},
        "loggers": {app: {"level": level} for app in apps}
        # Django's own configuration gives this one a mail handler and no propagation.
        | {"django": {"handlers": [], "level": "INFO", "propagate": True}}
        # A missing page or a refused form is no event for the operator.
        | {"django.request": {"level": "ERROR"}},
    }
