"""`manage.py run_sessions`: a trading node as a process of its own; run as many as are needed."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from accounts.rotation import check_keys
from sessions_app import changes
from trading.events import TRADING_WORK
from trading.node import Node


class Command(BaseCommand):
    help = "Run trading sessions until Ctrl-C. Any number of these share the sessions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=4, help="threads for the database")

    def handle(self, *args: Any, **options: Any) -> None:
        check_keys()
        lease, threads = settings.TRADING_LEASE_SECONDS, options["threads"]
        node = Node(lease=lease, threads=threads, reports=True)
        changes.listen(TRADING_WORK, node.told)
        changes.feed.start()
        changes.push.start()
        try:
            asyncio.run(self._run(node))
        finally:
            changes.push.stop()
            changes.feed.stop()

    async def _run(self, node: Node) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, node.stop)
        self.stdout.write(f"{node.name}")
        self.stdout.flush()
        await node.run()
