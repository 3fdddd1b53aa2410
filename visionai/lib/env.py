"""What the operator may set, from the environment and `.env`, checked as a whole."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from socket import gethostname
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from visionai.lib.addresses import network_addresses
from visionai.lib.assistant_env import LOOPBACK, AssistantVariables
from visionai.lib.console import say as _
from visionai.lib.errors import ConfigurationError

Names = list[str]

PUBLISHED_SECRETS = {
    "dev_secret_key_change_in_production_2025",
    "staging_secret_key_here",
    "super_secure_production_jwt_key_32_chars_min",
    "your_super_secret_jwt_key_here_change_in_production",
}
DATABASE_SCHEMES = {
    "sqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
ORIGINAL_NAMES = {"chat_model": "model"}  # all others are their field's name in capitals
PATHS = {"data_dir", "tls_cert", "tls_key", "model_path", "paper_prices", "assistant_filters_file"}
BROKERS = ("exnova", "iqoption")
BROKER_HOSTS = ("login_url", "verify_url", "logout_url", "ws_url", "origin")


class Environment(AssistantVariables):
    """Every variable, under its own name in capitals; `.env.example` explains each."""

    model_config = ConfigDict(protected_namespaces=(), hide_input_in_errors=True)

    environment: Literal["development", "staging", "production"] = "development"
    debug: bool = False
    data_dir: Path = Path("var")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    https: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    web_processes: int = Field(default=1, ge=1, le=64)
    allowed_hosts: Names = []
    allowed_origins: Names = []
    cors_max_age: int = Field(default=3600, ge=0)
    trusted_proxies: Names = []
    sockets_per_user: int = Field(default=40, ge=1)
    sockets_per_address: int = Field(default=100, ge=1)  # of clients that are not signed in

    secret_key: str | None = Field(default=None, min_length=32)
    jwt_secret_key: str | None = Field(default=None, min_length=32)
    secrets_keys: Names = []  # the first seals, all open
    jwt_algorithm: Literal["HS256"] = "HS256"
    access_token_expire_minutes: int = Field(default=24 * 60, ge=1, le=24 * 60)

    database_url: str | None = None
    use_sqlite: bool | None = None
    db_host: str | None = None
    db_port: int = Field(default=3306, ge=1, le=65535)
    db_user: str | None = None
    db_password: str | None = None
    db_name: str | None = None
    sqlite_in_production: bool = False
    redis_url: str | None = None

    registration: Literal["open", "invite", "closed"] | None = None
    firebase_project_id: str | None = None
    firebase_keys_url: str = (
        "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
    )
    invoice_issuer: str = Field(default="", max_length=400)
    invoice_currency: str = Field(default="EUR", pattern="^[A-Z]{3}$")
    invoice_tax_rate: Decimal = Field(default=Decimal(0), ge=0, le=100, decimal_places=2)

    email_url: str = "console:"
    email_from: str = "VisionAI <visionai@localhost>"
    contact_notify: Names = []
    metrics_token: str | None = Field(default=None, min_length=16)

    anonymous_predict: bool = True
    allow_anonymous_exports: bool = False
    heavy_workers: int = Field(default=2, ge=1, le=64)
    model_path: Path | None = None
    socket_frames_per_second: int = Field(default=60, ge=0)
    abstain_below: float = Field(default=0.0, ge=0.0, le=1.0)
    prediction_retention_days: int = Field(default=365, ge=1)

    paper_seed: int = Field(default=2026, ge=0)
    paper_prices: Path | None = None
    broker_egress: str = "default"
    exnova_login_url: str = "https://auth.trade.exnova.com/api/v2/login"
    exnova_verify_url: str = "https://auth.trade.exnova.com/api/v2/verify/2fa"
    exnova_logout_url: str = "https://auth.trade.exnova.com/api/v1.0/logout"
    exnova_ws_url: str = "wss://ws.trade.exnova.com/echo/websocket"
    exnova_origin: str = "https://trade.exnova.com"
    iqoption_login_url: str = "https://auth.iqoption.com/api/v2/login"
    iqoption_verify_url: str = "https://auth.iqoption.com/api/v2/verify/2fa"
    iqoption_logout_url: str = "https://auth.iqoption.com/api/v1.0/logout"
    iqoption_ws_url: str = "wss://iqoption.com/echo/websocket"
    iqoption_origin: str = "https://iqoption.com"
    real_trading: bool = False
    trading_node: Literal["embedded", "separate"] | None = None
    trading_lease_seconds: float = Field(default=30.0, ge=1.0, le=600.0)

    @field_validator(
        "allowed_hosts",
        "allowed_origins",
        "trusted_proxies",
        "contact_notify",
        "secrets_keys",
        "assistant_order",
        mode="before",
    )
    @classmethod
    def split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return [name.strip() for name in value.split(",") if name.strip()]
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def networks(cls, value: list[str]) -> list[str]:
        for name in value:
            ip_network(name, strict=False)
        return value

    @property
    def registration_mode(self) -> str:
        """As set, else open on loopback and by invitation anywhere else."""
        return self.registration or ("open" if self.host in LOOPBACK else "invite")

    @property
    def embedded_node(self) -> bool:
        """Whether trading runs inside the web process: as set, else where there is only one."""
        if self.trading_node:
            return self.trading_node == "embedded"
        return self.web_processes == 1

    @property
    def serves_tls(self) -> bool:
        return self.https or self.tls_cert is not None

    def url_of(self, host: str) -> str:
        """The address that a browser types to reach this product at `host`."""
        name = f"[{host}]" if ":" in host else host
        return f"{'https' if self.serves_tls else 'http'}://{name}:{self.port}"

    @property
    def database(self) -> str:
        """The one database as a URL of a scheme that we know; unset, SQLite in the data folder."""
        if self.database_url:
            scheme, rest = self.database_url.split(":", 1)
            return f"{DATABASE_SCHEMES[scheme.split('+')[0]]}:{rest}"
        if self._names_a_server and not self.use_sqlite:
            user, password = (
                quote(self.db_user or "", safe=""),
                quote(self.db_password or "", safe=""),
            )
            return f"mysql://{user}:{password}@{self.db_host}:{self.db_port}/{self.db_name}"
        return f"sqlite:///{self.data_dir.absolute() / 'visionai.sqlite3'}"

    @property
    def _names_a_server(self) -> bool:
        return any((self.db_host, self.db_user, self.db_password, self.db_name))

    def faults(self) -> Iterator[tuple[str, str]]:
        """(variable, sentence with the cure) of each rule that joins several variables."""
        yield from self._database_faults()
        yield from self._network_faults()
        yield from self._broker_faults()
        yield from self.assistant_faults()
        good = all(re.fullmatch(r"[0-9a-fA-F]{64}", key) for key in self.secrets_keys)
        if not good or len({key.lower() for key in self.secrets_keys}) < len(self.secrets_keys):
            cure = _("give different keys of 64 hexadecimal digits: openssl rand -hex 32")
            yield "SECRETS_KEYS", cure
        if self.environment == "production":
            yield from self._production_faults()

    def _database_faults(self) -> Iterator[tuple[str, str]]:
        if self.database_url:
            scheme = urlsplit(self.database_url).scheme.split("+")[0]
            if scheme not in DATABASE_SCHEMES:
                yield "DATABASE_URL", _("use a URL that starts with sqlite:, postgresql: or mysql:")
            elif self.use_sqlite is not None and self.use_sqlite != (scheme == "sqlite"):
                yield "DATABASE_URL", _disagrees(f"USE_SQLITE={str(self.use_sqlite).lower()}")
            elif self._names_a_server and not self.use_sqlite and not self._same_database():
                yield "DATABASE_URL", _disagrees("DB_*")
        elif self.use_sqlite is False or (self._names_a_server and not self.use_sqlite):
            needed = {"DB_HOST": self.db_host, "DB_USER": self.db_user, "DB_NAME": self.db_name}
            if missing := ", ".join(name for name, value in needed.items() if not value):
                cure = _(
                    "a MySQL server needs {names}; set them, or USE_SQLITE=true", names=missing
                )
                yield "USE_SQLITE", cure

    def _same_database(self) -> bool:
        parts = urlsplit(self.database_url or "")
        return (
            DATABASE_SCHEMES.get(parts.scheme.split("+")[0]) == "mysql"
            and parts.hostname == self.db_host
            and (parts.port or 3306) == self.db_port
            and unquote(parts.username or "") == (self.db_user or "")
            and unquote(parts.password or "") == (self.db_password or "")
            and parts.path.lstrip("/") == self.db_name
        )

    def _network_faults(self) -> Iterator[tuple[str, str]]:
        if "*" in self.allowed_hosts:
            yield "ALLOWED_HOSTS", _("name the hosts; * would accept any")
        if self.host not in LOOPBACK and not self.allowed_hosts:
            reached = ",".join([*network_addresses(), gethostname()])
            command = f"make run HOST={self.host} HTTPS=1 ALLOWED_HOSTS={reached}"
            yield (
                "ALLOWED_HOSTS",
                _("list the names and addresses that users type: {command}", command=command),
            )
        for origin in self.allowed_origins:
            if not re.fullmatch(r"https?://[^/\s*]+|null", origin):
                yield (
                    "ALLOWED_ORIGINS",
                    _("{origin} is not an origin; write https://host[:port]", origin=origin),
                )
        if (self.tls_cert is None) != (self.tls_key is None):
            yield "TLS_CERT", _("set TLS_CERT and TLS_KEY together")
        if self.tls_cert and "https" in self.model_fields_set and not self.https:
            yield "HTTPS", _disagrees("TLS_CERT")
        for name, path in (("TLS_CERT", self.tls_cert), ("TLS_KEY", self.tls_key)):
            if path and not path.is_file():
                yield name, _no_file(path)
        if self.web_processes > 1:
            if not self.redis_url:
                yield "WEB_PROCESSES", _("more than one process needs REDIS_URL")
            if self.database.startswith("sqlite"):
                yield (
                    "WEB_PROCESSES",
                    _("more than one process needs PostgreSQL or MariaDB: set DATABASE_URL"),
                )
        if self.redis_url and urlsplit(self.redis_url).scheme not in {"redis", "rediss", "unix"}:
            yield "REDIS_URL", _("use redis://host:port/number")
        if self.model_path and not self.model_path.is_file():
            yield "MODEL_PATH", _no_file(self.model_path)
        if urlsplit(self.email_url).scheme not in {"console", "file", "memory", "smtp", "smtps"}:
            yield "EMAIL_URL", _("use console:, file:///folder or smtp://user:password@host:port")

    def broker_hosts(self, broker: str) -> dict[str, str]:
        """The addresses of one broker, by what they are for."""
        return {name: getattr(self, f"{broker}_{name}") for name in BROKER_HOSTS}

    def _broker_faults(self) -> Iterator[tuple[str, str]]:
        for broker in BROKERS:
            for name, address in self.broker_hosts(broker).items():
                parts = urlsplit(address)
                schemes = ("wss", "ws") if name == "ws_url" else ("https", "http")
                plain_is_fine = parts.hostname in LOOPBACK
                if parts.scheme not in (schemes if plain_is_fine else schemes[:1]):
                    cure = _("passwords go there: use {scheme}://", scheme=schemes[0])
                    yield f"{broker}_{name}".upper(), cure
        if self.paper_prices and not self.paper_prices.is_dir():
            yield (
                "PAPER_PRICES",
                _("there is no folder {path}; correct the path", path=self.paper_prices),
            )

    def _production_faults(self) -> Iterator[tuple[str, str]]:
        if self.debug:
            yield "DEBUG", _("it shows secrets to visitors; set DEBUG=false in production")
        for name, value in (
            ("SECRET_KEY", self.secret_key),
            ("JWT_SECRET_KEY", self.jwt_secret_key),
        ):
            if value in PUBLISHED_SECRETS:
                yield name, _("this value is public; make one with: openssl rand -hex 32")
        for origin in self.allowed_origins:
            if not origin.startswith("https://"):
                yield (
                    "ALLOWED_ORIGINS",
                    _("{origin} is not HTTPS, which production needs", origin=origin),
                )
        if self.database.startswith("sqlite") and not self.sqlite_in_production:
            yield (
                "DATABASE_URL",
                _("production wants PostgreSQL; SQLITE_IN_PRODUCTION=true accepts SQLite"),
            )


def read_environment(values: Mapping[str, str], *, base: Path = Path()) -> Environment:
    """The checked settings; a relative path starts at `base`, and an empty value is none.

    Raises `ConfigurationError` that names every fault at once.
    """
    names = {ORIGINAL_NAMES.get(field, field.upper()): field for field in Environment.model_fields}
    chosen: dict[str, str | Path] = {
        field: values[name] for name, field in names.items() if values.get(name, "").strip()
    }
    for field in PATHS & chosen.keys():
        chosen[field] = base / chosen[field]
    faults: dict[str, str] = {}
    try:
        environment = Environment.model_validate(chosen)
    except ValidationError as error:
        bad = {str(one["loc"][0]): _cure(one) for one in error.errors()}
        faults = {ORIGINAL_NAMES.get(field, field.upper()): why for field, why in bad.items()}
        # The rules that join several variables are named too, as if the bad ones were unset.
        sound = {field: value for field, value in chosen.items() if field not in bad}
        environment = Environment.model_validate(sound)
    for name, cure in environment.faults():
        faults.setdefault(name, cure)
    if faults:
        raise ConfigurationError([f"{name}: {cure}" for name, cure in faults.items()])
    return environment


def _disagrees(other: str) -> str:
    return _("it disagrees with {other}; remove one of the two", other=other)


def _no_file(path: Path) -> str:
    return _("there is no file {path}; correct the path", path=path)


def _cure(error: ErrorDetails) -> str:
    """What to write instead of one value that does not fit its kind."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind.startswith(("int_", "float_", "decimal_")):
        return _("write a number, in digits")
    if kind.startswith("bool_"):
        return _("write true or false")
    if kind == "literal_error":
        choices = limits["expected"].replace("'", "").replace(" or ", ", ")
        return _("write one of: {choices}", choices=choices)
    if kind == "string_too_short":
        least = limits["min_length"]
        return _(
            "use at least {least} characters; make one with: openssl rand -hex 32", least=least
        )
    if kind == "greater_than_equal":
        return _("use {least} or more", least=limits["ge"])
    if kind == "less_than_equal":
        return _("use {most} or less", most=limits["le"])
    if error["loc"][0] == "invoice_currency":
        return _("write its three letters, such as EUR")
    if error["loc"][0] == "trusted_proxies":
        return _("write addresses or networks such as 10.0.0.0/8, comma-separated")
    return str(error["msg"])
