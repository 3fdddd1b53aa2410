"""Accounts, sessions and predictions keep their promises on PostgreSQL and MariaDB too."""

import os
import subprocess
import sys

import pytest

from tests.services.databases import DatabaseServer
from tests.services.server import ROOT

# Of trading what locks, counts and numbers rows; the rest of it asks no database for more.
TRADING = (
    "account",
    "attempts",
    "figures",
    "gate",
    "gate_races",
    "limits",
    "login_gate",
    "logins",
    "node",
    "runs",
    "services",
)
# And its lists, pages and trials.
SHOWN = ("admin", "api", "candle_api", "lab", "lab_api", "metering", "pages")
# What these try, no database has a part in: Keras, children that are killed, and missing logins.
LEFT_OUT = ("a_training_ends", "that_is_cancelled_ends", "nobody_comes_in")
FOLDERS = ["accounts", "sessions_app", "predictions"]
FOLDERS += ["assistant/tests/test_metering.py"]
FOLDERS += [f"trading/tests/test_{name}.py" for name in (*TRADING, *SHOWN)]
# Of the assistant what searches, counts and hands answers over.
FOLDERS += [f"assistant/tests/test_{name}.py" for name in ("account", "chat_api", "chat_sockets")]


@pytest.mark.database
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_the_apps_pass_on(kind: str, request: pytest.FixtureRequest) -> None:
    server: DatabaseServer = request.getfixturevalue(kind)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    # A driver complains about connections that a test's threads leave to the garbage collector.
    command += ["-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
    # The whole server goes away: no need to drop a database that a thread still holds.
    command += ["--reuse-db"]
    left_out = " or ".join(LEFT_OUT)
    command += ["-m", "not server and not browser", "-k", f"not ({left_out})", *FOLDERS]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": server.create("visionai")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
