"""The web process: uvicorn with what `docs/settings.md` says, one process a call."""

import os
import sys
from contextlib import suppress

import uvicorn

from visionai.lib.env import Environment
from visionai.lib.errors import ConfigurationError


def server_config(environment: Environment) -> uvicorn.Config:
    return uvicorn.Config(
        "visionai.asgi:application",
        host=environment.host,
        port=environment.port,
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


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visionai.settings")
    from django.conf import settings

    try:
        environment: Environment = settings.ENV
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)  # noqa: T201
        return 2
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after its clean stop
        uvicorn.Server(server_config(environment)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
