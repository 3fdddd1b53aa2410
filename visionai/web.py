"""The web process: uvicorn, told what the settings say. `python -m visionai.web [listening fd]`"""

import os
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from visionai.lib.addresses import own_addresses, own_names
from visionai.lib.certificate import kept_certificate
from visionai.lib.console import say as _
from visionai.lib.env import Environment
from visionai.lib.errors import ConfigurationError


def listen(environment: Environment) -> socket.socket:
    """The socket that web processes share. Raises `ConfigurationError` where it is taken."""
    family = socket.AF_INET6 if ":" in environment.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((environment.host, environment.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError([_why_not(environment, error)]) from error
    return listener


def certificate_files(environment: Environment, data_dir: Path) -> tuple[Path, Path] | None:
    """(certificate, key): the operator's own, else this machine's; None without HTTPS."""
    if environment.tls_cert and environment.tls_key:
        return environment.tls_cert, environment.tls_key
    if not environment.https:
        return None
    names = sorted({*own_names(), *filter(_is_name, environment.allowed_hosts)})
    folder = data_dir / "tls"
    return kept_certificate(folder, names=names, addresses=own_addresses(), at=datetime.now(UTC))


def server_config(environment: Environment, data_dir: Path) -> uvicorn.Config:
    files = certificate_files(environment, data_dir)
    return uvicorn.Config(
        "visionai.asgi:application",
        host=environment.host,
        port=environment.port,
        ssl_certfile=files[0] if files else None,
        ssl_keyfile=files[1] if files else None,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=16 * 2**20,
        ws_per_message_deflate=False,  # twice the memory of a connection, and CPU, for JPEG bytes
        access_log=False,  # a query string may carry a token
        log_config=None,
        proxy_headers=False,  # TRUSTED_PROXIES decides, in sessions_app
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visionai.settings")
    from django.conf import settings

    try:
        environment: Environment = settings.ENV
        config = server_config(environment, settings.DATA_DIR)
        listener = socket.socket(fileno=int(arguments[0])) if arguments else listen(environment)
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)  # noqa: T201
        return 2
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after its clean stop
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _why_not(environment: Environment, error: OSError) -> str:
    port, host = environment.port, environment.host
    if isinstance(error, PermissionError):
        cure = _(
            "port {port} is for the system; choose one above 1023: make run PORT=8000", port=port
        )
        return f"PORT: {cure}"
    if error.errno == 99:
        ours = ", ".join(own_addresses())
        cure = _("this machine has no address {host}; choose one of: {ours}", host=host, ours=ours)
        return f"HOST: {cure}"
    free = port + 1 if port < 65535 else 8000
    cure = _(
        "port {port} of {host} is taken; choose another: make run PORT={free}",
        port=port,
        host=host,
        free=free,
    )
    return f"PORT: {cure}"


def _is_name(host: str) -> bool:
    return not host.startswith(".") and not host.replace(".", "").isdigit() and ":" not in host


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
