"""`manage.py up`: the whole product with one command."""

import fcntl
import os
import socket
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from typing import IO, Any

from django.conf import settings
from django.core.management import BaseCommand, call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.rotation import check_keys
from accounts.setup import setup_path
from visionai import web
from visionai.lib.addresses import network_addresses
from visionai.lib.console import console_language
from visionai.lib.env import Environment
from visionai.lib.errors import ConfigurationError
from visionai.supervisor import Child, Supervisor

# Workers of their own, so that a long synthesis never holds up a sweep.
QUICK, HEAVY = "quick", "heavy"


class Command(BaseCommand):
    help = "Migrate, then run the web server and the workers until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-workers", action="store_true", help="run the web server alone")

    def handle(self, *args: Any, **options: Any) -> None:
        with override(console_language()):
            with suppress(KeyboardInterrupt):  # Ctrl-C before anything runs
                self._up(workers=not options["no_workers"])
            self.stdout.write(_("Stopped."))

    def _up(self, *, workers: bool) -> None:
        with self._only_one(), web.listen(settings.ENV) as listener:
            prepare_database()
            supervisor = Supervisor(report=self._died)
            supervisor.take_signals()
            try:
                self._run(supervisor, listener, workers=workers)
            finally:
                supervisor.stop()

    def _run(self, supervisor: Supervisor, listener: socket.socket, *, workers: bool) -> None:
        environment: Environment = settings.ENV
        for number in range(environment.web_processes):
            supervisor.add(_web(f"web-{number + 1}", listener))
        supervisor.watch(until=lambda: _answers(environment))
        if supervisor.stopping:
            return
        self._greet(environment)
        if workers:
            supervisor.add(_worker(QUICK, QUICK))
            for number in range(environment.heavy_workers):
                supervisor.add(_worker(HEAVY, f"{HEAVY}-{number + 1}"))
        if not environment.embedded_node:
            supervisor.add(_node())
        supervisor.watch()

    def _greet(self, environment: Environment) -> None:
        hosts = [environment.host]
        if environment.host in {"0.0.0.0", "::"}:  # noqa: S104
            hosts = ["127.0.0.1", *network_addresses()]
        urls = [environment.url_of(host) for host in hosts]
        self.stdout.write(_("VisionAI is ready: %(url)s") % {"url": "  ".join(urls)})
        if link := setup_link(urls[-1]):
            self.stdout.write(_("Create the administrator (works once): %(link)s") % {"link": link})
        self.stdout.write(_("Press Ctrl-C to stop."))
        self.stdout.flush()

    def _died(self, name: str, status: int) -> None:
        words = _("%(name)s ended (%(status)s) and is started again.")
        self.stderr.write(words % {"name": name, "status": status})

    def _only_one(self) -> IO[str]:
        """A lock on the data folder that ends with this process."""
        lock = (settings.DATA_DIR / "up.lock").open("w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            cure = _(
                "another VisionAI runs on %(folder)s; stop it, or give this one a folder of its "
                "own: make run DATA_DIR=other"
            )
            cure %= {"folder": settings.DATA_DIR}
            raise ConfigurationError([f"DATA_DIR: {cure}"]) from error
        return lock


def prepare_database() -> None:
    """Apply what is missing. Raises `ConfigurationError` where the database does not answer,
    or where what it holds is sealed under keys that are not here."""
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)
        if "cache" not in connection.introspection.table_names():
            call_command("createcachetable")
        check_keys()
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        cure = _("the database cannot be used (%(reason)s); start it or correct the URL")
        raise ConfigurationError([f"DATABASE_URL: {cure % {'reason': reason}}"]) from error
    finally:
        connection.close()


def setup_link(url: str) -> str | None:
    """Where the first administrator is made; None once there is a user."""
    path = setup_path()
    connection.close()
    return f"{url}{path}" if path else None


def _web(name: str, listener: socket.socket) -> Child:
    listener.set_inheritable(True)
    fd = listener.fileno()
    command = [sys.executable, "-m", "visionai.web", str(fd)]
    return Child(name, command, os.environ | {"PROCESS_NAME": name}, pass_fds=[fd])


def _worker(queue: str, node: str) -> Child:
    name = f"worker-{node}"
    # Celery's advice against root, which says nothing about a machine of one's own.
    quiet = ["-W", "ignore:You're running the worker"]
    command = [sys.executable, *quiet, "-m", "celery", "-A", "visionai.celery", "--quiet", "worker"]
    command += ["-Q", queue, "-n", f"{node}@%h", "-P", "solo", "-l", "WARNING"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    if queue == QUICK:
        command += ["-B", "--scheduler", "django"]
    else:
        command += ["--prefetch-multiplier", "1"]  # what waits is for whoever is free first
    return Child(name, command, os.environ | {"PROCESS_NAME": name})


def _node() -> Child:
    """Trading, where it does not run inside the one web process."""
    command = [sys.executable, "-m", "django", "run_sessions"]
    return Child("trading", command, os.environ | {"PROCESS_NAME": "trading"})


def _answers(environment: Environment) -> bool:
    """Whether a web process takes a connection and says something."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(environment.host, environment.host)  # noqa: S104
    try:
        with socket.create_connection((host, environment.port), timeout=1) as probe:
            if environment.serves_tls:
                import ssl

                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(probe) as secure:
                    return _hears(secure)
            return _hears(probe)
    except OSError:
        time.sleep(0.1)
        return False


def _hears(probe: socket.socket) -> bool:
    probe.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return probe.recv(12).startswith(b"HTTP/1.1")
