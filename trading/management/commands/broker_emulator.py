"""manage.py broker_emulator: a broker on this machine, for demonstrations and trials."""

import asyncio
import secrets
import signal
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from trading.brokers.clock import ScaledClock, WallClock
from trading.brokers.emulator.people import PASSWORD, SPECIAL
from trading.brokers.emulator.server import Emulator


class Command(BaseCommand):
    help = "Stand in for Exnova and IQ Option on this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--http-port", type=int, default=8766, help="of logins; 0 is any")
        parser.add_argument("--ws-port", type=int, default=8767, help="of the socket; 0 is any")
        parser.add_argument("--seed", type=int, default=1, help="of the prices")
        parser.add_argument("--speed", type=float, default=1.0, help="seconds that one lasts for")
        parser.add_argument("--control", action="store_true", help="let faults be switched on")

    def handle(self, *args: Any, **options: Any) -> None:
        with suppress(KeyboardInterrupt):
            asyncio.run(self._serve(options))

    async def _serve(self, options: dict[str, Any]) -> None:
        key = secrets.token_urlsafe(16) if options["control"] else ""
        clock = ScaledClock(WallClock().time(), speed=options["speed"])
        emulator = Emulator(seed=options["seed"], clock=clock, control_key=key)
        await emulator.start(http_port=options["http_port"], ws_port=options["ws_port"])
        for name, address in emulator.hosts.items():
            if name != "platform_id":
                self.stdout.write(f"EXNOVA_{name.upper()}={address}")
        self.stdout.write(f"accounts: {', '.join(SPECIAL)}; password: {PASSWORD}")
        if key:
            self.stdout.write(f"control: POST {emulator.hosts['origin']}/control, X-Control: {key}")
        self.stdout.flush()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, stop.set)
        await stop.wait()
        await emulator.stop()
