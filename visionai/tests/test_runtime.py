import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from visionai.lib.runtime import Runtime, attempt


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    one = Runtime()
    yield one
    one.stop()


def test_work_starts_once_however_many_ask(runtime: Runtime) -> None:
    starts: list[int] = []

    def slow_start() -> None:
        time.sleep(0.05)
        starts.append(1)

    runtime.on_start(slow_start)
    threads = [threading.Thread(target=runtime.ensure_started) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert starts == [1]
    assert runtime.started


def test_periodic_work_goes_on_after_a_failure(runtime: Runtime) -> None:
    done = threading.Event()
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        if len(calls) == 3:
            done.set()
        raise OSError("the database is away")

    runtime.every(0.01, work)
    runtime.ensure_started()
    assert done.wait(3)


def test_periodic_work_can_be_hurried(runtime: Runtime) -> None:
    done = threading.Event()
    runtime.every(3600, done.set)
    runtime.ensure_started()
    assert not done.wait(0.05)
    runtime.soon(done.set)
    runtime._hurried.add(done.set)
    runtime.soon(done.set)
    assert done.wait(3)


def test_a_stop_ends_the_work_and_runs_what_was_added_last_first(runtime: Runtime) -> None:
    order: list[str] = []
    runtime.on_stop(lambda: order.append("first added"))
    runtime.on_stop(_fail)
    runtime.on_stop(lambda: order.append("last added"))
    runtime.ensure_started()
    thread = runtime._thread
    runtime.stop()
    runtime.stop()
    assert order == ["last added", "first added"]
    assert thread
    assert not thread.is_alive()


def test_a_stopped_runtime_starts_again(runtime: Runtime) -> None:
    ticks: list[int] = []
    runtime.every(0.01, lambda: ticks.append(1))
    for _ in range(2):
        runtime.ensure_started()
        ticks.clear()
        time.sleep(0.1)
        assert ticks
        runtime.stop()


def test_what_fails_at_the_start_prevents_it_and_is_undone(runtime: Runtime) -> None:
    undone: list[int] = []
    runtime.on_start(_fail)
    runtime.on_stop(lambda: undone.append(1))
    with pytest.raises(LookupError):
        runtime.ensure_started()
    assert undone == [1]
    assert not runtime.started


def _fail() -> None:
    raise LookupError


def test_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert attempt(lambda: None)
    assert not attempt(_fail)
    assert "_fail failed" in caplog.text


FORK = """
import os, sys
from visionai.lib.runtime import Runtime
runtime = Runtime()
starts = []
runtime.on_start(lambda: starts.append(os.getpid()))
runtime.ensure_started()
child = os.fork()
if child == 0:
    assert not runtime.started
    runtime.ensure_started()
    runtime.stop()
    os._exit(0 if starts[1:] == [os.getpid()] else 1)
assert os.waitpid(child, 0)[1] == 0
assert runtime.started
"""


def test_a_fork_starts_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], env=os.environ, check=False, timeout=30)
    assert done.returncode == 0


def test_importing_the_application_starts_nothing() -> None:
    code = "import threading, visionai.asgi as a; assert threading.active_count() == 1, 1"
    code += "; assert not a.runtime.started"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )
