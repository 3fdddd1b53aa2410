"""`python -m bench.trading [sessions]`: that many sessions of the emulator on one core.

The node and all that asks it live in this process, pinned to one core; the emulator is a process
of its own on another. SQLite, as on one machine.
"""

import multiprocessing
import os
import platform
import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Any

from bench.figures import HEAD, Figure

ASSET = "EURUSD-OTC"
IDLE_S = 20.0
ORDERS = 250
ORDERS_A_SECOND = 5.0  # an order for each of 1,000 sessions in 200 s
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Heard:
    """When each event was told to a listener, against when it happened."""

    latencies: list[float] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # of each; of an order its state
    orders: set[tuple[str, int]] = field(default_factory=set)  # (session, order)
    seen: dict[str, int] = field(default_factory=dict)
    is_on: bool = False


def emulate(pipe: Connection, core: int) -> None:
    """The other process: says where it is, then answers questions about its book."""
    os.sched_setaffinity(0, {core})
    from trading.brokers.clock import ScaledClock
    from trading.brokers.emulator.running import running_emulator

    with running_emulator(seed=1, clock=ScaledClock(time.time(), 1.0)) as emulator:
        pipe.send(emulator.hosts)
        while (asked := pipe.recv()) != "end":
            pipe.send(emulator.orders() if asked == "orders" else emulator.state())


def prepare(folder: Path, hosts: dict[str, str]) -> None:
    """Django on an empty database, and Exnova where the emulator is."""
    names = ("login_url", "verify_url", "logout_url", "ws_url", "origin")
    os.environ.update({f"EXNOVA_{name.upper()}": hosts[name] for name in names})
    os.environ.update(DATA_DIR=str(folder), ENV_FILE=os.devnull, TRADING_NODE="separate")
    os.environ["DJANGO_SETTINGS_MODULE"] = "trading.tests.node_settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("createcachetable")


def made_sessions(count: int) -> list[Any]:
    from django.utils import timezone

    from accounts.models import User
    from trading import services
    from trading.brokers.emulator.people import PASSWORD
    from trading.models import LimitSet

    found = []
    for number in range(count):
        user = User.objects.create_user(f"trader{number}")
        session, _command = services.begin_connect(
            user,
            sesion=None,
            broker="exnova",
            account_type="PRACTICE",
            email=f"load{number}@test",
            password=PASSWORD,
            at=timezone.now(),
        )
        found.append(session)
    LimitSet.objects.update(open_positions=1000, trades_per_hour=10000)
    return found


def start_node() -> Any:
    from sessions_app import changes
    from trading.events import TRADING_WORK
    from trading.node import Node
    from trading.node_thread import NodeThread

    thread = NodeThread(lambda: Node(lease=60.0, threads=2))
    changes.listen(TRADING_WORK, thread.told)
    changes.feed.start()
    thread.start()
    return thread


def hear(heard: Heard) -> None:
    """Read the events of a session as a socket does, at each piece of news."""
    from sessions_app import changes
    from trading.events import TRADING_EVENT
    from trading.models import Event

    def told(subject: str) -> None:
        if not heard.is_on:
            return
        after = heard.seen.get(subject, 0)
        events = Event.objects.filter(session_id=uuid.UUID(subject), seq__gt=after)
        for event in events.order_by("seq")[:200]:
            heard.seen[subject] = event.seq
            heard.latencies.append(time.time() - event.at.timestamp())
            heard.kinds.append(str(event.data.get("state", event.kind)))
            if event.kind == "order":
                heard.orders.add((subject, event.data["id"]))

    changes.listen(TRADING_EVENT, told)


def strangers(heard: Heard) -> int:
    """Orders that a session heard of and that are not its own."""
    from trading.models import Order

    own = {(str(session), pk) for session, pk in Order.objects.values_list("session_id", "pk")}
    return len(heard.orders - own)


def connected() -> int:
    from trading.models import TradingSession

    return TradingSession.objects.filter(state="connected").count()


def wait_for(holds: Callable[[], bool], *, seconds: float, what: str) -> float:
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{what}: {states()}")
        time.sleep(0.2)
    return time.monotonic() - began


def trade(sessions: list[Any], heard: Heard) -> list[float]:
    """Orders at a steady pace; the seconds that the gate took for each."""
    from django.utils import timezone

    from trading import gate

    chance, took, spent = random.Random(1), list[float](), time.thread_time()  # noqa: S311
    heard.seen = last_events()
    heard.is_on = True
    for number in range(ORDERS):
        due = time.monotonic() + 1 / ORDERS_A_SECOND
        began = time.perf_counter()
        gate.pass_gate(
            sessions[number % len(sessions)],
            key=uuid.uuid4(),
            asset=ASSET,
            direction=chance.choice(["call", "put"]),
            stake=Decimal(1 + number // len(sessions) % 99),
            minutes=1,
            source="manual",
            at=timezone.now(),
        )
        took.append(time.perf_counter() - began)
        time.sleep(max(0.0, due - time.monotonic()))
    print(f"the gate took {(time.thread_time() - spent) / ORDERS * 1000:.1f} ms of CPU an order")
    return took


def run_bots(sessions: list[Any]) -> None:
    """A bot that holds in every session, on one asset: one feed for all."""
    from django.utils import timezone

    from trading import services

    for session in sessions:
        services.start_bot(
            session, strategy="hold", asset=ASSET, candle_seconds=60, at=timezone.now()
        )


def compare(book: list[dict[str, Any]]) -> int:
    """Orders of the emulator that are not exactly one of ours, in the session they belong to."""
    from trading.models import Order

    wrong = 0
    for entry in book:
        rows = Order.objects.filter(broker_id=str(entry["id"])).select_related("session__user")
        owners = [row.session.user.username.replace("trader", "load") for row in rows]
        wrong += owners != [entry["email"].removesuffix("@test")]
    return wrong


def cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def main(count: int) -> int:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    spawn = multiprocessing.get_context("spawn")
    emulator = spawn.Process(target=emulate, args=(theirs, cores[-1]), daemon=True)
    emulator.start()
    with tempfile.TemporaryDirectory(prefix="visionai-bench-", ignore_cleanup_errors=True) as name:
        prepare(Path(name), ours.recv())
        figures = measure(count, ours)
    ours.send("end")
    print(HEAD)
    for figure in figures:
        print(figure.told())
    return 0 if all(figure.met for figure in figures) else 1


def measure(count: int, pipe: Connection) -> list[Figure]:
    print(f"{count} sessions of the emulator, one core, SQLite; {machine()}")
    sessions = made_sessions(count)
    before, spent = resident(), cpu_seconds()
    heard = Heard()
    hear(heard)
    node = start_node()
    took = wait_for(lambda: connected() == count, seconds=300, what="all are connected")
    login_cpu = (cpu_seconds() - spent) / count * 1000
    print(f"all connected after {took:.0f} s, {login_cpu:.0f} ms of CPU each", flush=True)
    run_bots(sessions)
    wait_for(lambda: bots() == count, seconds=120, what="all bots run")
    memory = (resident() - before) / count / 2**10
    spent = cpu_seconds()
    time.sleep(IDLE_S)
    idle = (cpu_seconds() - spent) / IDLE_S * 100
    print(f"idle with a bot: {idle / count * 600:.1f} ms of CPU a session and minute", flush=True)
    spent, gate_s = cpu_seconds(), in_a_thread(lambda: trade(sessions, heard))
    print(f"orders after the last one: {states()}", flush=True)
    wait_for(lambda: at_risk() == 0, seconds=200, what="all are settled")
    time.sleep(1)
    heard.is_on = False
    of_orders = cpu_seconds() - spent
    print(f"{of_orders / ORDERS * 1000:.0f} ms of CPU for all of an order, idling included")
    pipe.send("orders")
    book = pipe.recv()
    pipe.send("state")
    leaks = len(pipe.recv()["leaks"])
    stopped = wait_stop(node)
    wrong = compare(book) + strangers(heard) + leaks
    print(f"{len(book)} orders in the emulator's book, {settled()} settled here")
    tell_events(heard)
    print(f"ready to run and waiting for the core: {waited_for_the_core():.0f} % of the time")
    return [
        Figure("CPU of one core, all sessions idle with a bot", idle, 60.0, "%", at_least=False),
        Figure("memory of a session", memory, 500.0, "KiB", at_least=False),
        Figure("order gate, p50", percentile(gate_s, 50), 25.0, "ms", at_least=False),
        Figure("order gate, p99", percentile(gate_s, 99), 50.0, "ms", at_least=False),
        Figure("event to ear, p50", percentile(heard.latencies, 50), 100.0, "ms", at_least=False),
        Figure("event to ear, p99", percentile(heard.latencies, 99), 400.0, "ms", at_least=False),
        Figure("a node of them all stops within", stopped, 8.0, "s", at_least=False),
        Figure("orders settled as the book says", settled(), len(book), "", at_least=True),
        Figure("events or orders of another's", wrong, 0.0, "", at_least=False),
    ]


def machine() -> str:
    """What the figures were found on, and how busy others keep it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE / 2**30
    load = os.getloadavg()[0]
    name = models[0] if models else platform.machine()
    return f"{len(models)} cores, {name}, {memory:.0f} GiB, load {load:.1f} before"


def waited_for_the_core() -> float:
    """Of this process's time: more than a few percent, and other work made the figures longer."""
    ran = waited = 0
    for task in Path("/proc/self/task").iterdir():
        times = (task / "schedstat").read_text(encoding="ascii").split()
        ran, waited = ran + int(times[0]), waited + int(times[1])
    return 100 * waited / max(ran + waited, 1)


def tell_events(heard: Heard) -> None:
    print(f"{len(heard.latencies)} events heard:", flush=True)
    for kind in sorted(set(heard.kinds)):
        some = [one for one, of in zip(heard.latencies, heard.kinds, strict=True) if of == kind]
        p50, p99 = percentile(some, 50), percentile(some, 99)
        print(f"  {kind}: {len(some)}, p50 {p50:.0f} ms, p99 {p99:.0f} ms")


def wait_stop(node: Any) -> float:
    began = time.monotonic()
    node.stop()
    from trading.models import TradingSession

    left = TradingSession.objects.exclude(node="").count()
    print(f"stopped after {time.monotonic() - began:.1f} s, {left} leases left", flush=True)
    return time.monotonic() - began


def bots() -> int:
    from trading.models import TradingSession

    return TradingSession.objects.filter(bot_running=True).count()


def last_events() -> dict[str, int]:
    from trading.models import TradingSession

    return {str(pk): seq for pk, seq in TradingSession.objects.values_list("pk", "event_seq")}


def states() -> dict[str, int]:
    from trading.models import Order

    found: dict[str, int] = {}
    for state in Order.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def at_risk() -> int:
    from trading.models import Order

    return Order.objects.at_risk().count()


def settled() -> int:
    from trading.models import Order

    return Order.objects.filter(state="settled").count()


def percentile(seconds: list[float], which: int) -> float:
    """In milliseconds."""
    return quantiles(seconds, n=100)[which - 1] * 1000


def in_a_thread(work: Callable[[], list[float]]) -> list[float]:
    """As a request would be: beside the node's event loop, not in it."""
    found: list[float] = []
    thread = threading.Thread(target=lambda: found.extend(work()))
    thread.start()
    thread.join()
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
