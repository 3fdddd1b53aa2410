"""Nodes that die, sleep and lose their broker, against the emulator over real sockets.

`python -m trading.tests.failover ROUNDS SEED` with DATABASE_URL of a PostgreSQL. Two
`manage.py run_sessions` share the sessions; each round places orders while something breaks. At
its end the emulator's own book and our rows must say the same: no order twice, no settlement
lost, none made up.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.services.server import ROOT, environment_for

STEP = 10.0  # emulator seconds that pass at once while a round waits for its ends
LEASE = 2.0  # seconds
SESSIONS = 4
STOP_WITHIN = 30.0  # seconds; eight on a machine with nothing else to do
LONGEST = 60.0  # seconds for a round
BREAKS = (
    "nothing",
    "kill",
    "kill",
    "pause",
    "pause",
    "stop",
    "drop_before_order",
    "drop_after_order",
    "swallow_option_reply",
    "fail_order",
    "drop_now",
    "close_missing",
    "duplicate_events",
    "kill_and_close_missing",
    "drop_after_order_and_kill",
)


@dataclass
class Nodes:
    """The two processes; one that was killed is started again."""

    environment: dict[str, str]
    folder: Path
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self) -> None:
        with (self.folder / f"node-{len(self.running)}.log").open("ab") as output:
            self.running.append(
                subprocess.Popen(
                    [sys.executable, "manage.py", "run_sessions", "--threads", "2"],
                    cwd=ROOT,
                    env=self.environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def owner_of(self, node: str) -> "subprocess.Popen[bytes] | None":
        """The process whose number stands in the node's name."""
        pid = int(node.split(":")[1]) if node else 0
        alive = [one for one in self.running if one.pid == pid and one.poll() is None]
        return alive[0] if alive else None

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        process.kill()
        process.wait()
        self.start()

    def ask_to_stop(self, process: "subprocess.Popen[bytes]") -> None:
        """As a service manager does; it must end by itself."""
        process.terminate()
        assert process.wait(STOP_WITHIN) == 0, "a node that was asked to stop ended badly"
        self.start()

    def stop(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


@dataclass
class Tally:
    rounds: int = 0
    forced: int = 0  # those in which something broke
    orders: int = 0
    settled: int = 0
    rejected: int = 0
    not_placed: int = 0
    unknown_first: int = 0
    breaks: dict[str, int] = field(default_factory=dict)


def main(rounds: int, seed: int) -> int:
    from trading.brokers.clock import ScaledClock
    from trading.brokers.emulator.running import running_emulator
    from trading.brokers.emulator.server import START

    folder = Path(tempfile.mkdtemp(prefix="visionai-failover-"))
    with ExitStack() as stack:
        emulator = stack.enter_context(running_emulator(seed=seed, clock=ScaledClock(START)))
        environment = _environment(folder, emulator.hosts)
        nodes = Nodes(environment, folder)
        stack.callback(nodes.stop)
        _prepare(environment)
        sessions = _sessions()
        nodes.start()
        nodes.start()
        try:
            _await_connected(sessions, nodes)
            tally = _rounds(emulator, nodes, sessions, rounds=rounds, chance=random.Random(seed))
        except BaseException:
            for log in sorted(folder.glob("*.log")):
                print(log.name, log.read_text(errors="replace")[-3000:], file=sys.stderr)
            for log in sorted((folder / "logs").glob("*.log")):
                print(log.name, log.read_text(errors="replace")[-6000:], file=sys.stderr)
            raise
    print(json.dumps({**tally.__dict__, "seed": seed}))
    return 0


def _environment(folder: Path, hosts: dict[str, str]) -> dict[str, str]:
    names = ("login_url", "verify_url", "logout_url", "ws_url", "origin")
    settings = {f"EXNOVA_{name.upper()}": hosts[name] for name in names}
    settings |= {"TRADING_LEASE_SECONDS": str(LEASE), "DATABASE_URL": os.environ["DATABASE_URL"]}
    settings |= {"TRADING_NODE": "separate", "LOG_LEVEL": "DEBUG"}
    environment = environment_for(folder, **settings)
    return environment | {"DJANGO_SETTINGS_MODULE": "trading.tests.node_settings"}


def _prepare(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("createcachetable")


def _sessions() -> list[Any]:
    from accounts.models import User
    from trading import services
    from trading.brokers.emulator.people import PASSWORD
    from trading.models import LimitSet

    found = []
    for number in range(SESSIONS):
        user = User.objects.create_user(f"trader{number}")
        session, _command = services.begin_connect(
            user,
            sesion=None,
            broker="exnova",
            account_type="PRACTICE",
            email=f"load{number}@test",
            password=PASSWORD,
            at=_now(),
        )
        found.append(session)
    wide = {"daily_loss": 10**6, "drawdown": 10**6, "trades_per_hour": 10**6}
    LimitSet.objects.update(**wide, consecutive_losses=10**6, open_positions=100)
    return found


def _await_connected(sessions: list[Any], nodes: Nodes) -> None:
    from trading.models import TradingSession

    keys = [one.pk for one in sessions]

    def connected() -> bool:
        states = TradingSession.objects.filter(pk__in=keys, state="connected")
        return states.count() == len(keys)

    _until(connected, seconds=LONGEST, what=lambda: f"all connected: {_states(keys)}")


def _rounds(
    emulator: Any, nodes: Nodes, sessions: list[Any], *, rounds: int, chance: random.Random
) -> Tally:
    tally = Tally()
    kinds = list(BREAKS)
    for number in range(rounds):
        if number % len(kinds) == 0:
            chance.shuffle(kinds)
        kind = kinds[number % len(kinds)]
        _round(emulator, nodes, sessions, kind, chance)
        _compare(emulator, sessions)
        tally.rounds += 1
        tally.forced += kind != "nothing"
        tally.breaks[kind] = tally.breaks.get(kind, 0) + 1
        print(f"round {number + 1}: {kind}", file=sys.stderr, flush=True)
    _count(tally)
    return tally


def _round(
    emulator: Any, nodes: Nodes, sessions: list[Any], kind: str, chance: random.Random
) -> None:
    from trading.models import Order

    _break_broker(emulator, kind)
    keys = [_place(session, chance) for session in sessions]
    time.sleep(chance.uniform(0.0, 0.4))
    _break_node(emulator, nodes, sessions, kind, chance)

    mine = Order.objects.filter(key__in=keys)

    def answered() -> bool:
        return not mine.filter(state__in=["pending", "sent"]).exists()

    def ended() -> bool:
        emulator.advance(STEP)
        return not mine.exclude(state__in=Order.ENDED).exists()

    _until(answered, seconds=LONGEST, what=lambda: f"{kind}: orders answered: {_orders(keys)}")
    _until(ended, seconds=LONGEST, what=lambda: f"{kind}: orders end: {_orders(keys)}")
    emulator.set(close_missing=False, duplicate_events=False, drop_before_order=0)
    emulator.set(drop_after_order=0, swallow_option_reply=0, fail_order=0)
    _await_connected(sessions, nodes)


def _break_broker(emulator: Any, kind: str) -> None:
    for fault in ("drop_before_order", "drop_after_order", "swallow_option_reply", "fail_order"):
        if kind.startswith(fault):
            emulator.set(**{fault: 2})
    if kind.endswith("close_missing"):
        emulator.set(close_missing=True)
    if kind == "duplicate_events":
        emulator.set(duplicate_events=True)


def _break_node(
    emulator: Any, nodes: Nodes, sessions: list[Any], kind: str, chance: random.Random
) -> None:
    if kind == "drop_now":
        emulator.do(lambda one: one.control.drop())
        return
    if not kind.startswith(("kill", "pause", "stop")) and not kind.endswith("kill"):
        return
    victim = chance.choice(sessions)
    victim.refresh_from_db()
    process = nodes.owner_of(victim.node)
    assert process is not None, "nobody runs a session that is connected"
    if kind == "stop":
        nodes.ask_to_stop(process)
    elif "kill" in kind:
        nodes.kill(process)
    else:
        process.send_signal(signal.SIGSTOP)
        time.sleep(LEASE + 1.5)
        process.send_signal(signal.SIGCONT)


def _place(session: Any, chance: random.Random) -> uuid.UUID:
    from trading import services
    from trading.refusals import Conflict, TooManyRequests

    key = uuid.UUID(int=chance.getrandbits(128), version=4)
    order: dict[str, Any] = {
        "asset": "EURUSD-OTC",
        "direction": chance.choice(["call", "put"]),
        "stake": Decimal(chance.randint(1, 9)),
    }
    again = 2 if chance.random() < 0.5 else 1  # a client that did not hear asks again
    limit = time.monotonic() + LONGEST
    while again:
        try:
            services.trade(session, key=key, minutes=1, at=_now(), **order)
            again -= 1
        except (Conflict, TooManyRequests) as refused:
            # Its node has died, and another one has not taken over yet.
            reason = refused.facts.get("reason", "not_connected")
            if reason != "not_connected" or time.monotonic() > limit:
                raise
            time.sleep(1.0)
    return key


def _compare(emulator: Any, sessions: list[Any]) -> None:
    """The emulator's book against our rows."""
    from trading.models import Event, Order

    book = {str(one["id"]): one for one in emulator.orders()}
    ours = {
        one.broker_id: one
        for one in Order.objects.exclude(broker_id="").select_related("session__user")
    }
    bound = Order.objects.exclude(broker_id="").count()
    assert bound == len(ours), "two rows claim one order of the broker"
    assert set(book) == set(ours), f"the book has {set(book) ^ set(ours)} that we have not"
    for number, entry in book.items():
        order = ours[number]
        assert entry["settlements"] == 1, entry
        assert order.state == "settled", (number, order.state, order.reason)
        profit = Decimal(entry["returned"]) - Decimal(entry["stake"])
        assert (order.stake, order.profit) == (Decimal(entry["stake"]), profit), number
        assert order.session.user.username.removeprefix("trader") in entry["email"], number
    for session in sessions:
        events = Event.objects.filter(session=session).order_by("seq")
        seqs = list(events.values_list("seq", flat=True))
        assert seqs == list(range(1, len(seqs) + 1)), "a gap in the events"
        ends = [
            event.data["id"]
            for event in events.filter(kind="order")
            if event.data["state"] == "settled"
        ]
        assert len(ends) == len(set(ends)), "an order settled twice"
    assert emulator.state()["leaks"] == []


def _count(tally: Tally) -> None:
    from trading.models import Event, Order

    tally.orders = Order.objects.count()
    tally.settled = Order.objects.filter(state="settled").count()
    tally.rejected = Order.objects.filter(state="rejected").count()
    tally.not_placed = Order.objects.filter(state="not_placed").count()
    told = Event.objects.filter(kind="order").values_list("data", flat=True)
    tally.unknown_first = len({data["id"] for data in told if data["state"] == "unknown"})


def _states(keys: list[Any]) -> list[Any]:
    from trading.models import TradingSession

    rows = TradingSession.objects.filter(pk__in=keys)
    return list(rows.values_list("state", "reason", "node", "fence"))


def _orders(keys: list[Any]) -> list[Any]:
    from trading.models import Order

    rows = Order.objects.filter(key__in=keys)
    return list(rows.values_list("session_id", "state", "reason", "broker_id", "expires_at"))


def _until(holds: Any, *, seconds: float, what: Any) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            raise TimeoutError(what())
        time.sleep(0.2)


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
