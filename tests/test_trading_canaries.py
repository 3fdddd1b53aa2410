"""What a broker must be shown is in no log, row, page, frame, file or error that anybody reads."""

import base64
import contextlib
import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest
from django.contrib import admin
from django.db.models import UUIDField
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.leaks import Places, forms_of, leaks_in
from tests.services.fixtures import Serve
from tests.services.network import wait_until
from tests.services.server import Server
from trading.brokers.emulator import web
from trading.brokers.emulator.running import Running, running_emulator

# With all that an encoding changes, and of a length at which base64 falls differently.
BROKER_PASSWORD = "canary7f3a-bróker\"'\\<&+/=%"
CODE = "canary\"7f3a'<&+/%9"
SECRETS = {
    "password": BROKER_PASSWORD,
    "wrong password": f"no-{BROKER_PASSWORD}",
    "code": CODE,
    "wrong code": "canary-no\"7f3a'<&+9",
    "own password": 'canary7f3a-propia"<&+/-27',
}
EMAIL = {"e-mail at the broker": "load73519@test"}
SHOWN_TO_STAFF = ("trading", "accounts", "sessions_app")


class Walk:
    """A person, a superuser and a socket; every answer is kept."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answers: list[tuple[str, bytes]] = []
        self.frames: list[bytes] = []
        self._clients: list[httpx2.Client] = []

    def client(self, token: str = "") -> httpx2.Client:
        found = httpx2.Client(base_url=self.server.url, timeout=60, trust_env=False)
        found.event_hooks = {"response": [self._keep]}
        if token:
            found.headers["Authorization"] = f"Bearer {token}"
        self._clients.append(found)
        return found

    def sign_in(self, name: str) -> httpx2.Client:
        """On the pages, as a browser would."""
        found = self.client()
        self.post(found, "/cuenta/entrar/", login=name, password=SECRETS["own password"])
        assert "sessionid" in found.cookies
        return found

    def _keep(self, answer: httpx2.Response) -> None:
        answer.read()
        heads = str(answer.headers).encode()
        self.answers.append((f"{answer.request.method} {answer.request.url.path}", heads))
        self.answers.append((f"{answer.request.method} {answer.request.url}", answer.content))

    def post(self, who: httpx2.Client, path: str, **body: str) -> httpx2.Response:
        if "csrftoken" not in who.cookies:
            who.get("/cuenta/entrar/")
        body["csrfmiddlewaretoken"] = who.cookies["csrftoken"]
        return who.post(path, data=body)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def listen(self, session_id: str, token: str) -> None:
        url = f"{self.server.ws_url}/ws/trading?session_id={session_id}&after=0&token={token}"

        def hear() -> None:
            with contextlib.suppress(ConnectionClosed, OSError), connect(url) as socket:
                while True:
                    frame = socket.recv()
                    self.frames.append(frame.encode() if isinstance(frame, str) else frame)

        threading.Thread(target=hear, daemon=True).start()


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every SSID and token that the emulator gives out, as it does."""
    given: list[str] = []
    make = web.Logins._text

    def noted(logins: web.Logins, what: str, size: int) -> str:
        given.append(make(logins, what, size))
        return given[-1]

    monkeypatch.setattr(web.Logins, "_text", noted)
    monkeypatch.setattr(web, "PASSWORD", BROKER_PASSWORD)
    monkeypatch.setattr(web, "SMS_CODE", CODE)
    return given


@pytest.fixture
def broker(tokens: list[str]) -> Iterator[Running]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def walk(serve: Serve, broker: Running) -> Iterator[Walk]:
    hosts = {
        f"exnova_{key}".upper(): value
        for key, value in broker.hosts.items()
        if key != "platform_id"
    }
    server = serve(LOG_LEVEL="DEBUG", **hosts)
    made = f"create_superuser('root', password={SECRETS['own password']!r})"
    server.manage("shell", "-v0", "-c", f"from accounts.models import User; User.objects.{made}")
    made_here = Walk(server)
    yield made_here
    made_here.close()


def connect_over_pages(walk: Walk, ana: httpx2.Client) -> str:
    """With every mistake that somebody makes; the number of the session that came of it."""
    form = {"broker": "exnova", "account_type": "PRACTICE", "email": EMAIL["e-mail at the broker"]}
    refused = walk.post(ana, "/trading/conectar/", **form, password=SECRETS["wrong password"])
    assert "no acepta" in refused.text
    walk.post(ana, "/trading/conectar/", **form | {"broker": "?"}, password=BROKER_PASSWORD)
    body = {**form, "password": BROKER_PASSWORD}
    ana.post("/trading/conectar/", data=body | {"csrfmiddlewaretoken": "x" * 64})
    query = f"?password={quote(BROKER_PASSWORD)}"
    made = walk.post(ana, f"/trading/conectar/{query}", **body, keep_password="on")
    assert made.status_code == 302, made.text
    session_id = str(made.headers["Location"].split("/")[3])
    form["email"] = "twofa@test"
    asked = walk.post(ana, "/trading/conectar/", **form, password=BROKER_PASSWORD)
    page = asked.headers["Location"]
    walk.post(ana, page, send="sms")
    walk.post(ana, page, code=SECRETS["wrong code"])
    done = walk.post(ana, page, code=CODE)
    assert "/trading/sesiones/" in done.headers["Location"]
    return session_id


def use_the_api(walk: Walk, token: str, session_id: str) -> None:
    api = walk.client(token)
    login = {"broker": "exnova", "account_type": "PRACTICE", "email": "load73519@test"}
    api.post("/api/connect", json=login | {"password": SECRETS["wrong password"]})
    api.post("/api/v1/trading/sessions", json=login | {"password": BROKER_PASSWORD})
    api.post("/api/connect", json=login | {"password": BROKER_PASSWORD, "broker": "none"})
    api.post("/api/connect", content=json.dumps(login | {"password": BROKER_PASSWORD})[:-2])
    one = f"/api/v1/trading/sessions/{session_id}"
    trade = {"asset": "EURUSD-OTC", "direction": "call", "stake": "5.00", "minutes": 1}
    assert api.post(f"{one}/orders", json=trade).status_code == 201
    tried = {"source": {"kind": "paper", "asset": "EURUSD-OTC", "count": 500}, "strategy": "rsi"}
    assert api.post("/api/v1/trading/backtests", json=tried).status_code == 201
    for tail in ("", "/events", "/orders", "/orders.csv", "/assets", "/limits"):
        api.get(one + tail)
    for path in ("backtests", "agents", "candles", "sessions", "real"):
        api.get(f"/api/v1/trading/{path}")
    secret = {"password": BROKER_PASSWORD, "typed": "REAL 5.00", "daily_loss": "5.00"}
    api.post("/api/v1/trading/real", json=secret)
    for path in ("/api/v1/account/export", "/api/v1/usage?format=csv", "/metrics", "/status"):
        assert api.get(path).status_code == 200, path


def see_files_of_invoices(walk: Walk, ana: httpx2.Client) -> None:
    walk.server.manage(
        "shell",
        "-v0",
        "-c",
        "from datetime import timedelta; from decimal import Decimal\n"
        "from django.utils import timezone; from accounts.acts import TRADE\n"
        "from accounts.invoices import close_months; from accounts.models import PlanPrice, User\n"
        "from accounts.plans import plan_of; from accounts.usage import record\n"
        "user = User.objects.get(username='ana'); now = timezone.now()\n"
        "PlanPrice.objects.create(plan=plan_of(user), act='trade', unit_price=Decimal(1))\n"
        "record(user, act=TRADE, key='canary', at=now)\n"
        "close_months(at=now + timedelta(days=40))",
    )
    (number,) = (one["number"] for one in ana.get("/api/v1/invoices").json()["invoices"])
    for tail in ("", "?format=csv", "?format=xlsx"):
        assert ana.get(f"/api/v1/invoices/{number}{tail}").status_code == 200
    for path in (f"/cuenta/facturas/{number}/", "/cuenta/facturas/", "/cuenta/uso/", "/cuenta/"):
        assert ana.get(path).status_code == 200


def see_all_that_staff_sees(walk: Walk, root: httpx2.Client) -> int:
    """Each list, each row's page and its history; how many rows' pages there were."""
    pages = 0
    for model in admin.site._registry:
        label, name = model._meta.app_label, model._meta.model_name
        base = f"/admin/{label}/{name}/"
        assert root.get(base).status_code == 200, base
        root.get(f"{base}add/")
        if label not in SHOWN_TO_STAFF:
            continue
        key = model._meta.pk.column if model._meta.pk else "id"
        for (pk,) in walk.server.query(f"SELECT {key} FROM {model._meta.db_table} LIMIT 5"):
            shown = uuid.UUID(str(pk)) if isinstance(model._meta.pk, UUIDField) else pk
            assert root.get(f"{base}{shown}/change/").status_code == 200, (base, pk)
            assert root.get(f"{base}{shown}/history/").status_code == 200, (base, pk)
            pages += 1
    return pages


def see_errors(walk: Walk, ana: httpx2.Client, token: str, *, debug: bool) -> set[int]:
    """A page that is not there, a form too old, and a fault of ours with the secrets at hand."""
    kept = len(walk.answers)
    body = {"broker": "exnova", "account_type": "PRACTICE", "email": "load73519@test"}
    body |= {"password": BROKER_PASSWORD}
    # Django's page for developers shows them the address that they asked for.
    query = "" if debug else f"?code={quote(CODE)}&password={quote(BROKER_PASSWORD)}"
    heads = [{"Accept": "text/html,*/*"}, {"Accept": "application/json"}]
    statuses = set()
    walk.server.query("ALTER TABLE trading_command RENAME TO trading_command_gone")
    try:
        for head in heads:
            statuses.add(ana.post(f"/trading/nada/{query}", data=body, headers=head).status_code)
            statuses.add(ana.post("/trading/conectar/", data=body, headers=head).status_code)
            token_of_form = {"csrfmiddlewaretoken": ana.cookies["csrftoken"]}
            broken = ana.post("/trading/conectar/", data=body | token_of_form, headers=head)
            statuses.add(broken.status_code)
            bearer = {"Authorization": f"Bearer {token}"} | head
            for path in ("/api/connect", "/api/v1/trading/sessions"):
                statuses.add(ana.post(path, json=body, headers=bearer).status_code)
    finally:
        walk.server.query("ALTER TABLE trading_command_gone RENAME TO trading_command")
    assert len(walk.answers) - kept == 20
    return statuses


def at_rest(walk: Walk) -> Places:
    """Every file of the server, and every value of every row, sealed ones too."""
    for path in walk.server.data_dir.rglob("*"):
        if path.is_file():
            yield f"file {path.name}", path.read_bytes()
    with contextlib.closing(sqlite3.connect(walk.server.data_dir / "visionai.sqlite3")) as rows:
        tables = rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            values = (one for row in rows.execute(f'SELECT * FROM "{table}"') for one in row)
            told = (one if isinstance(one, bytes) else str(one).encode() for one in values)
            yield f"table {table}", b"\n".join(told)
    yield "dumpdata", walk.server.manage("dumpdata").encode()


@pytest.mark.server
def test_what_a_broker_is_shown_is_nowhere_to_be_read(
    walk: Walk, broker: Running, tokens: list[str]
) -> None:
    server = walk.server
    who = {"username": "ana", "email": "ana@example.org", "password": SECRETS["own password"]}
    httpx2.post(f"{server.url}/api/v1/auth/register", json=who).raise_for_status()
    login = httpx2.post(f"{server.url}/api/v1/auth/login", json=who).json()
    ana, token = walk.sign_in("ana"), login["access_token"]
    session_id = connect_over_pages(walk, ana)
    walk.listen(session_id, token)
    use_the_api(walk, token, session_id)
    for tail in ("", "bot/", "ordenes/", "registro/", "limites/", "piezas/"):
        assert ana.get(f"/trading/sesiones/{session_id}/{tail}").status_code == 200
    see_files_of_invoices(walk, ana)
    root = walk.sign_in("root")
    assert see_all_that_staff_sees(walk, root) > 15
    assert see_errors(walk, ana, token, debug=False) == {403, 404, 500}
    server.stop()
    server.environment["DEBUG"] = "true"
    server.start()
    assert see_errors(walk, ana, token, debug=True) == {403, 404, 500}
    assert len(tokens) >= 6
    secrets = SECRETS | {f"token {place}": one for place, one in enumerate(tokens)}
    kept = [*walk.answers, *(("frame", one) for one in walk.frames)]
    seen_by_all = [("output", server.output().encode()), *at_rest(walk)]
    assert leaks_in(kept, secrets) == []
    assert leaks_in(seen_by_all, secrets | EMAIL) == []
    assert walk.frames
    walk.listen(session_id, token)  # the restart ended the first socket
    see_that_it_can_fail(walk, ana, root, session_id)


def see_that_it_can_fail(
    walk: Walk, ana: httpx2.Client, root: httpx2.Client, session_id: str
) -> None:
    """The password is planted in rows, a log and a frame: each place must be named."""
    server, password = walk.server, BROKER_PASSWORD
    packed = base64.b64encode(b"x" + password.encode()).decode()
    server.query("UPDATE trading_order SET reason = ?", packed)
    server.query("UPDATE users SET name = ? WHERE username = 'ana'", quote(password, safe=""))
    server.query("UPDATE invoice SET recipient = ?", password)
    server.query("UPDATE trading_backtest SET error = ?", json.dumps({"code": password}))
    server.query("UPDATE trading_credential SET password = ?", password.encode())
    log = next((server.data_dir / "logs").iterdir())
    log.write_text(f"{log.read_text()}\n{json.dumps({'message': password})}", "utf-8")
    server.manage(
        *("shell", "-v0", "-c"),
        "from django.db import transaction; from django.utils import timezone\n"
        "from trading.events import emit_log; from trading.models import TradingSession\n"
        "with transaction.atomic():\n"
        f"    row = TradingSession.objects.get(pk={session_id!r})\n"
        f"    emit_log(row, 'note', at=timezone.now(), said={password!r})",
    )
    (order,) = server.query("SELECT id FROM trading_order")[0]
    ((number,),) = server.query("SELECT year || '-' || printf('%05d', sequence) FROM invoice")
    invoice, one = f"/api/v1/invoices/{number}", f"/api/v1/trading/sessions/{session_id}"
    seen = [f"{one}/events", f"{one}/orders", "/api/v1/account/export", invoice]
    seen += [f"/cuenta/facturas/{number}/", "/api/v1/trading/backtests"]
    for_staff = [f"/admin/trading/order/{order}/change/", "/admin/accounts/user/"]
    wait_until(lambda: b"note" in b"".join(walk.frames), seconds=10, what="the frame")
    del walk.answers[:]
    for who, paths in ((ana, [*seen, f"{invoice}?format=xlsx"]), (root, for_staff)):
        for path in paths:
            who.get(path)
    planted = {"password": password}
    found = leaks_in([*walk.answers, *(("frame", one) for one in walk.frames)], planted)
    places = {leak.rsplit(": ", 1)[0].removeprefix(f"GET {server.url}") for leak in found}
    assert places >= {*seen, *for_staff, "frame"}
    sheets = [one for one in leaks_in(walk.answers, {"act": "trade"}) if "xlsx!xl/" in one]
    assert sheets  # no text of a user's is in an invoice's table, but its acts are
    stored = {leak.split(":")[0] for leak in leaks_in(at_rest(walk), planted)}
    tables = {"order", "event", "backtest", "credential"}
    assert stored >= {f"table trading_{name}" for name in tables} | {f"file {log.name}", "dumpdata"}


@pytest.mark.parametrize("form", sorted(forms_of("x")))
def test_a_secret_is_found_in_each_form(form: str) -> None:
    for secret in (BROKER_PASSWORD, "0f" * 16):
        data = b"before " + forms_of(secret)[form] + b" after"
        assert leaks_in([("here", data)], {"it": secret})
        assert not leaks_in([("here", data)], {"it": f"{secret[:-1]}?"})


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
def test_nor_do_the_bytes_before_hide_it_in_base64(before: bytes) -> None:
    data = before + BROKER_PASSWORD.encode() + b"after"
    for packed in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        assert leaks_in([("here", packed)], {"it": BROKER_PASSWORD})
