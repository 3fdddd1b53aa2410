"""Random histories through a running server, with limits of seconds, against a plain model."""

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from math import inf
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from tests.services.fixtures import Serve
from tests.services.network import wait_until
from tests.services.server import Server

pytestmark = pytest.mark.server
SEED = 20261121
HISTORIES = 30
STEPS = 9
IDLE = {"browser": 3.0, "api": inf}
ABSOLUTE = {"browser": 8.0, "api": 6.0}
ROUNDING = 0.001  # seconds
PAUSES = [0.1, 0.3, 0.6, 1.2, 2.2, 3.6]

PEOPLE = """
from accounts.models import User
for number in range({number}):
    User.objects.create_user(f"ana{{number}}", password="first password")
"""


Span = tuple[float, float]  # when it was, at the earliest and at the latest


@dataclass
class Login:
    """One session as its client sees it; times are seconds since the epoch."""

    kind: str
    opener: OpenerDirector
    cookies: CookieJar
    sid: int = 0
    token: str = ""
    start: Span = (0, 0)
    last: Span = (0, 0)
    end: tuple[Span, set[str]] | None = None  # and the possible reasons

    def limit(self) -> tuple[Span, set[str]]:
        idle = _later(self.last, IDLE[self.kind])
        absolute = _later(self.start, ABSOLUTE[self.kind])
        reasons = {"idle"} if idle[0] < absolute[1] else set()
        reasons |= {"absolute"} if absolute[0] <= idle[1] else set()
        return (min(idle[0], absolute[0]), min(idle[1], absolute[1])), reasons


@dataclass
class Person:
    """One history: a user at several devices, one step after the other."""

    server: Server
    name: str
    chance: random.Random
    password: str = "first password"
    logins: list[Login] = field(default_factory=list)
    asked: Span = (0, 0)  # the last request

    def live(self) -> None:
        steps: list[Callable[[], None]] = [self.act] * 4 + [self.pause] * 3
        steps += [self.sign_in, self.revoke, self.sign_out, self.revoke_others, self.change]
        self.sign_in()
        for _ in range(STEPS):
            self.chance.choice(steps)()

    def sign_in(self) -> None:
        cookies = CookieJar()
        kind = self.chance.choice(["browser", "browser", "api"])
        login = Login(kind, build_opener(HTTPCookieProcessor(cookies)), cookies)
        if kind == "api":
            body = {"username": self.name, "password": self.password}
            status, answer = self.call(login, "POST", "/api/v1/auth/login", body)
            assert status == 200, answer
            login.token, login.sid = answer["access_token"], answer["session_id"]
            login.start = self.asked
        else:
            login.start = self.fill_in_the_page(login)
            _, answer = self.call(login, "GET", "/api/v1/sessions")
            (login.sid,) = (one["id"] for one in answer["sessions"] if one["current"])
        login.last = self.asked
        self.logins.append(login)

    def fill_in_the_page(self, login: Login) -> Span:
        url = f"{self.server.url}/cuenta/entrar/"
        login.opener.open(url, timeout=20).close()
        form = {"login": self.name, "password": self.password}
        form["csrfmiddlewaretoken"] = _csrf(login)
        before = time.time()
        login.opener.open(url, urlencode(form).encode(), timeout=20).close()
        return before, time.time()

    def act(self) -> None:
        self.try_it(self.one(), "GET", "/api/v1/sessions")

    def pause(self) -> None:
        time.sleep(self.chance.choice(PAUSES))

    def sign_out(self) -> None:
        login = self.one()
        if self.try_it(login, "POST", "/api/v1/auth/logout", {"session_id": login.sid}):
            self.ended([login], "logout")

    def revoke(self) -> None:
        login, other = self.one(), self.one()
        if self.try_it(login, "DELETE", f"/api/v1/sessions/{other.sid}"):
            self.ended([other], "revoked_by_user")

    def revoke_others(self) -> None:
        login = self.one()
        if self.try_it(login, "DELETE", "/api/v1/sessions/others"):
            self.ended([one for one in self.logins if one is not login], "revoked_by_user")

    def change(self) -> None:
        login, new = self.one(), f"password number {self.chance.random()}"
        body = {"current_password": self.password, "new_password": new}
        if self.try_it(login, "POST", "/api/v1/auth/password", body):
            self.password = new
            self.ended([one for one in self.logins if one is not login], "password_changed")

    def one(self) -> Login:
        return self.chance.choice(self.logins)

    def try_it(self, login: Login, method: str, path: str, body: object = None) -> bool:
        """Do it; the answer must be the one that the model expects, and it counts as activity."""
        status, answer = self.call(login, method, path, body)
        before, after = self.asked
        seen = (self.name, status, answer, login)
        may_be_over = path.endswith("/logout")  # which is good for an ended session, too
        limit, reasons = login.limit()
        if login.end:
            assert status == 401 or may_be_over, seen
        elif after < limit[0]:
            assert status < 400, seen
            login.last = self.asked
        elif limit[1] < before or status == 401:
            assert status == 401 or may_be_over, seen
            login.end = limit, reasons
        else:  # let in before the limit, but perhaps too late to have moved it
            login.last = login.last[0], after
        return status < 400 and login.end is None

    def ended(self, logins: list[Login], reason: str) -> None:
        before, after = self.asked
        for login in [one for one in logins if one.end is None]:
            limit, reasons = login.limit()
            if after < limit[0]:
                login.end = self.asked, {reason}
            elif limit[1] < before:
                login.end = limit, reasons
            else:
                span = min(before, limit[0]), max(after, limit[1])
                login.end = span, reasons | {reason}

    def call(self, login: Login, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if login.token:
            headers["Authorization"] = f"Bearer {login.token}"
        elif csrf := _csrf(login):
            headers["X-CSRFToken"] = csrf
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.server.url + path, data, headers, method=method)
        before = time.time()
        try:
            with login.opener.open(request, timeout=20) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        finally:
            self.asked = before, time.time()


def _later(span: Span, seconds: float) -> Span:
    return span[0] + seconds, span[1] + seconds


def _csrf(login: Login) -> str:
    return next((one.value or "" for one in login.cookies if one.name == "csrftoken"), "")


@pytest.fixture
def short(serve: Serve) -> Server:
    server = serve(DJANGO_SETTINGS_MODULE="sessions_app.tests.short_limits")
    server.manage("shell", "--no-imports", "-c", PEOPLE.format(number=HISTORIES))
    return server


def test_histories_of_a_running_server_do_not_differ_from_the_model(short: Server) -> None:
    people = [Person(short, f"ana{n}", random.Random(SEED + n)) for n in range(HISTORIES)]
    with ThreadPoolExecutor(max_workers=10) as devices:
        for done in [devices.submit(person.live) for person in people]:
            done.result()
    still_open = "SELECT COUNT(*) FROM sesion WHERE fecha_fin IS NULL"
    wait_until(lambda: short.query(still_open) == [(0,)], seconds=40, what="the sweep ends all")
    for person in people:
        for login in person.logins:
            _compare(short, login)


def _compare(server: Server, login: Login) -> None:
    columns = "fecha_inicio, last_seen, fecha_fin, end_reason"
    ((start, last, end, reason),) = server.query(
        f"SELECT {columns} FROM sesion WHERE id = ?", login.sid
    )
    (earliest, latest), reasons = login.end or login.limit()
    assert str(reason) in reasons, login
    if reason == "idle":
        assert _seconds(end) == pytest.approx(_seconds(last) + IDLE[login.kind], abs=1e-5)
    elif reason == "absolute":
        assert _seconds(end) == pytest.approx(_seconds(start) + ABSOLUTE[login.kind], abs=1e-5)
    assert earliest - ROUNDING <= _seconds(end) <= latest + ROUNDING, (end, login)


def _seconds(text: object) -> float:
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC).timestamp()
