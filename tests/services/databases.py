"""PostgreSQL, MariaDB and Redis servers that live as long as a `with` block."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pymysql
import pytest

from tests.services.network import accepts, free_port, wait_until


@dataclass(frozen=True)
class DatabaseServer:
    """`create` makes an empty database and returns its URL for DATABASE_URL."""

    scheme: str
    account: str
    port: int

    def create(self, name: str) -> str:
        if self.scheme == "postgresql":
            with psycopg.connect(f"{self._url}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
        else:
            mysql = pymysql.connect(
                host="127.0.0.1", port=self.port, user=self.account, password=self.account
            )
            with mysql, mysql.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return f"{self._url}/{name}"

    def is_ready(self) -> bool:
        """Whether PostgreSQL takes queries."""
        try:
            psycopg.connect(f"{self._url}/postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _url(self) -> str:
        return f"{self.scheme}://{self.account}:{self.account}@127.0.0.1:{self.port}"


def program(name: str, *, package: str, folders: str = "") -> str:
    """The path of a program; skips the test, naming the package, where it is missing."""
    found = shutil.which(name)
    if folders:  # Debian keeps a PostgreSQL server's programs off the PATH, by version
        kept = sorted(Path("/").glob(f"{folders}/{name}"))
        found = str(kept[-1]) if kept else found
    if found is None:
        pytest.skip(f"{name} is missing: apt-get install {package}")
    return found


@contextmanager
def postgresql() -> Iterator[DatabaseServer]:
    folders = "usr/lib/postgresql/*/bin"
    initdb = program("initdb", package="postgresql", folders=folders)
    server = program("postgres", package="postgresql", folders=folders)
    with _folder("postgres") as (folder, account):
        data = folder / "data"
        subprocess.run(
            [initdb, "-D", str(data), "-U", "visionai", "-A", "trust", "-N", "--locale=C.UTF-8"],
            check=True,
            capture_output=True,
            user=account,
        )
        port = free_port()
        command = [server, "-D", str(data), "-p", str(port), "-k", str(folder)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with _running(command, folder=folder, port=port, account=account):
            database = DatabaseServer("postgresql", "visionai", port)
            # It listens before it takes a query.
            wait_until(database.is_ready, seconds=60, what="PostgreSQL takes queries")
            yield database


@contextmanager
def mariadb() -> Iterator[DatabaseServer]:
    install = program("mariadb-install-db", package="mariadb-server")
    server = program("mariadbd", package="mariadb-server", folders="usr/sbin")
    with _folder("mysql") as (folder, account):
        data = folder / "data"
        subprocess.run(
            [install, "--no-defaults", f"--datadir={data}", "--skip-test-db"],
            check=True,
            capture_output=True,
            user=account,
        )
        start = folder / "start.sql"
        start.write_text(
            "CREATE USER visionai@'127.0.0.1' IDENTIFIED BY 'visionai';\n"
            "GRANT ALL ON *.* TO visionai@'127.0.0.1';",
            encoding="ascii",
        )
        start.chmod(0o644)
        port = free_port()
        command = [server, "--no-defaults", f"--datadir={data}", f"--port={port}"]
        command += [f"--socket={folder / 'socket'}", "--bind-address=127.0.0.1"]
        command += ["--skip-name-resolve", f"--init-file={start}", f"--pid-file={folder / 'pid'}"]
        with _running(command, folder=folder, port=port, account=account):
            yield DatabaseServer("mysql", "visionai", port)


@contextmanager
def redis() -> Iterator[str]:
    """Yields the URL for REDIS_URL."""
    server = program("redis-server", package="redis-server")
    with tempfile.TemporaryDirectory(prefix="visionai-redis-") as folder:
        port = free_port()
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--dir", folder]
        with _running(command, folder=Path(folder), port=port, account=None):
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def _folder(preferred_account: str) -> Iterator[tuple[Path, str | None]]:
    """A folder, and the account that owns it: these servers refuse to run as root."""
    with tempfile.TemporaryDirectory(prefix="visionai-", ignore_cleanup_errors=True) as name:
        folder, account = Path(name), None
        if os.geteuid() == 0:
            import pwd

            names = {entry.pw_name for entry in pwd.getpwall()}
            account = preferred_account if preferred_account in names else "nobody"
            shutil.chown(folder, user=account)
        yield folder, account


@contextmanager
def _running(command: list[str], *, folder: Path, port: int, account: str | None) -> Iterator[None]:
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, user=account, cwd=folder
        )
    try:
        wait_until(lambda: process.poll() is not None or accepts(port), seconds=60, what=command[0])
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended: {log.read_text(errors='replace')[-2000:]}")
        yield
    finally:
        # SIGINT is PostgreSQL's fast stop; MariaDB and Redis take SIGTERM.
        process.send_signal(signal.SIGINT if "postgres" in command[0] else signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
