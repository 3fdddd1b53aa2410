"""Every page of trading as its owner, a stranger and nobody."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.tests.factories import a_user
from trading.limits import make_limits, session_limits_of
from trading.models import Agent, Backtest, Challenge, KillSwitch, TradingSession
from trading.tests.factories import a_trading_session, an_event, an_order
from visionai.lib.jobs import JobState

pytestmark = pytest.mark.django_db
OF_A_SESSION = ["", "piezas/", "bot/", "ordenes/", "registro/", "pasadas/", "limites/"]
ACTS = ["operar", "arrancar", "rellenar", "conectar", "parar", "detener", "reanudar", "desconectar"]
OF_A_JOB = ["", "avance/", "archivos/trades.csv"]
TALLY = {
    "candles": 100,
    "trades": 10,
    "won": 5,
    "lost": 5,
    "tied": 0,
    "profit": -0.7,
    "win_rate": 0.5,
    "hold_rate": 0.9,
}
VERDICT = {
    "edge": False,
    "reasons": ["below_break_even"],
    "win_rate": 0.5,
    "win_low": 0.24,
    "win_high": 0.76,
    "break_even": 0.538,
}


@pytest.fixture
def page(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


@pytest.fixture
def mine(ana: User) -> TradingSession:
    session = a_trading_session(ana, lease_until=timezone.now() + timedelta(minutes=1))
    make_limits(session)
    return session


def url(session: TradingSession, tail: str = "") -> str:
    return f"/trading/sesiones/{session.pk}/{tail}"


def a_job(owner: User, model: type[Backtest] | type[Agent], **fields: Any) -> Backtest | Agent:
    facts = {"source": {}, "asset": "EURUSD-OTC", "seconds": 60, "minutes": 1}
    return model.objects.create(owner=owner, created_at=timezone.now(), **facts | fields)


@pytest.mark.parametrize("tail", OF_A_SESSION)
def test_a_page_is_its_owners_alone(page: Client, mine: TradingSession, tail: str) -> None:
    an_order(
        mine, state="settled", outcome="won", profit=Decimal("8.60"), settled_at=mine.created_at
    )
    an_event(mine, "log", code="bot_order", facts={"reason": "momentum_call", "confidence": 0.4})
    answer = page.get(url(mine, tail))
    assert answer.status_code == 200
    assert tail == "piezas/" or "PRACTICE" in answer.content.decode()
    assert page.get(url(a_trading_session(), tail)).status_code == 404
    asked = Client().get(url(mine, tail))
    assert (asked.status_code, asked["Location"].split("?")[0]) == (302, "/cuenta/entrar/")


@pytest.mark.parametrize("act", ACTS)
def test_nobody_else_steers_a_session(page: Client, mine: TradingSession, act: str) -> None:
    foreign = a_trading_session()
    assert page.post(url(foreign, f"{act}/")).status_code == 404
    assert Client().post(url(mine, f"{act}/")).status_code == 302
    assert page.get(url(mine, f"{act}/")).status_code == 405
    for session in (foreign, mine):
        session.refresh_from_db()
        assert (session.event_seq, session.wanted) == (0, "connected")
    assert not KillSwitch.objects.exists()


def test_a_real_session_says_so_everywhere(page: Client, ana: User) -> None:
    session = a_trading_session(ana, account_type="REAL")
    for tail in ("", "bot/", "ordenes/", "registro/", "limites/"):
        assert 'money-real">REAL<' in page.get(url(session, tail)).content.decode(), tail
    assert 'money-real">REAL<' in page.get("/trading/").content.decode()


def test_halting_by_hand_holds_an_order_back(page: Client, mine: TradingSession) -> None:
    page.post(url(mine, "detener/"))
    order = {"key": uuid4(), "asset": "EURUSD-OTC", "stake": "5", "minutes": 1, "direction": "call"}
    answer = page.post(url(mine, "operar/"), order, follow=True)
    assert "detenido" in answer.content.decode()
    assert not mine.orders.exists()
    page.post(url(mine, "reanudar/"))
    assert not KillSwitch.objects.filter(is_on=True).exists()


def test_all_of_ones_own_are_halted_and_let_go(
    page: Client, ana: User, mine: TradingSession
) -> None:
    TradingSession.objects.filter(pk=mine.pk).update(bot_wanted=True)
    page.post("/trading/detener/", {"on": "1"})
    assert KillSwitch.objects.get(scope=f"user:{ana.pk}").is_on
    mine.refresh_from_db()
    assert not mine.bot_wanted
    assert "están detenidas" in page.get("/trading/").content.decode()
    page.post("/trading/detener/", {"on": "0"})
    assert not KillSwitch.objects.get(scope=f"user:{ana.pk}").is_on
    KillSwitch.objects.update(is_on=True, changed_by=a_user("root"))
    page.post("/trading/detener/", {"on": "0"})
    assert KillSwitch.objects.get(scope=f"user:{ana.pk}").is_on


def test_limits_say_what_holds_now_and_what_waits(page: Client, mine: TradingSession) -> None:
    values = {"stake": "40", "daily_loss": "500", "drawdown": "1000", "consecutive_losses": "11"}
    values |= {"trades_per_hour": "60", "open_positions": "5", "run_minutes": "1440"}
    text = page.post(url(mine, "limites/"), values, follow=True).content.decode()
    assert "dentro de 24 horas" in text
    assert "Pedido, y aún no en vigor" in text
    limits = session_limits_of(mine)
    assert (limits.stake, limits.consecutive_losses) == (Decimal(40), 10)
    wrong = page.post(url(mine, "limites/"), values | {"stake": "-1"})
    assert wrong.status_code == 200
    assert "errorlist" in wrong.content.decode()


def test_a_strategy_is_chosen_with_its_parameters(page: Client, mine: TradingSession) -> None:
    body = {"strategy": "rsi", "rsi.period": "7", "asset": "EURUSD-OTC", "stake": "2"}
    body |= {"minutes": "1", "candle_seconds": "60"}
    assert page.post(url(mine, "bot/"), body).status_code == 302
    mine.refresh_from_db()
    assert (mine.strategy, mine.parameters["period"], mine.bot_wanted) == ("rsi", 7, True)
    for wrong in ({"strategy": "nobody"}, {"rsi.period": "x"}, {"stake": "0"}):
        assert page.post(url(mine, "bot/"), body | wrong).status_code == 200, wrong


@pytest.mark.parametrize("wrong", [{"broker": "exnova"}, {"account_type": "REAL"}])
def test_a_login_that_cannot_be_says_why(page: Client, wrong: dict[str, str]) -> None:
    answer = page.post(
        "/trading/conectar/", {"broker": "paper", "account_type": "PRACTICE"} | wrong
    )
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not TradingSession.objects.exists()


def test_a_code_that_nobody_asked_for_leads_back(page: Client) -> None:
    answer = page.get(f"/trading/codigo/{uuid4()}/")
    assert (answer.status_code, answer["Location"]) == (302, "/trading/conectar/")


def test_real_money_is_off_on_its_page_too(page: Client) -> None:
    text = page.get("/trading/real/").content.decode()
    assert "No lo ha activado" in text
    body = {"daily_loss": "50", "typed": "REAL 50.00", "password": "x"}
    assert "No lo ha activado" in page.post("/trading/real/", body).content.decode()


@pytest.mark.parametrize("tail", OF_A_JOB)
@pytest.mark.parametrize(("kind", "model"), [("pruebas", Backtest), ("agentes", Agent)])
def test_a_job_is_its_owners_alone(
    page: Client, ana: User, kind: str, model: type[Backtest] | type[Agent], tail: str
) -> None:
    own, foreign = a_job(ana, model), a_job(a_user(), model)
    expected = 404 if tail.startswith("archivos") else 200
    assert page.get(f"/trading/{kind}/{own.uid}/{tail}").status_code == expected
    assert page.get(f"/trading/{kind}/{foreign.uid}/{tail}").status_code == 404
    assert Client().get(f"/trading/{kind}/{own.uid}/{tail}").status_code == 302
    for what in ("cancelar", "borrar"):
        assert page.post(f"/trading/{kind}/{foreign.uid}/{what}/").status_code == 404
    assert model.objects.filter(uid=foreign.uid, wants_cancel=False).exists()


def test_an_agent_without_an_edge_says_so_and_may_practise(
    page: Client, ana: User, mine: TradingSession
) -> None:
    result = {"seeds": [1], "of_seeds": [TALLY], "baselines": {"hold": TALLY}, "verdict": VERDICT}
    agent = a_job(ana, Agent, name="zorro", state=JobState.DONE, result=result)
    text = page.get(f"/trading/agentes/{agent.uid}/").content.decode()
    assert "Sin ventaja demostrada" in text
    assert "Solo en PRACTICE" in text
    assert "zorro" in page.get("/trading/agentes/").content.decode()
    answer = page.post(f"/trading/agentes/{agent.uid}/usar/", {"session": a_trading_session().pk})
    assert answer.status_code == 404
    page.post(f"/trading/agentes/{agent.uid}/borrar/")
    assert not Agent.objects.exists()


def test_a_backtest_is_asked_for_on_its_page(page: Client, ana: User) -> None:
    assert "Aún no hay ninguna" in page.get("/trading/pruebas/").content.decode()
    body = {"strategy": "rsi", "asset": "EURUSD-OTC", "seconds": "60", "count": "500"}
    answer = page.post("/trading/pruebas/probar/", body | {"stake": "1", "minutes": "1"})
    job = Backtest.objects.get(owner=ana)
    assert answer["Location"] == f"/trading/pruebas/{job.uid}/"
    refused = page.post("/trading/pruebas/probar/", body | {"strategy": "x"}, follow=True)
    assert "No existe esa opción" in refused.content.decode()
    assert Backtest.objects.count() == 1


def test_candles_are_brought_and_taken_away(page: Client, ana: User) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    lines = ["time,open,high,low,close"]
    lines += [f"{1_700_000_040 + 60 * place},1,2,0.5,1.5" for place in range(200)]
    data = SimpleUploadedFile("EURUSD.csv", "\n".join(lines).encode())
    text = page.post("/trading/velas/", {"file": data}, follow=True).content.decode()
    assert "Las velas se han subido" in text
    assert "Elige un archivo CSV" in page.post("/trading/velas/", follow=True).content.decode()
    row = ana.candle_files.get()
    stranger = Client()
    stranger.force_login(a_user())
    assert stranger.post(f"/trading/velas/{row.uid}/borrar/").status_code == 404
    page.post(f"/trading/velas/{row.uid}/borrar/")
    assert not ana.candle_files.exists()


def test_a_code_is_asked_for_on_a_page_of_its_owner_alone(
    page: Client, mine: TradingSession
) -> None:
    at = timezone.now()
    challenge = Challenge.objects.create(session=mine, expires_at=at + timedelta(minutes=5))
    text = page.get(f"/trading/codigo/{challenge.pk}/").content.decode()
    assert "El bróker pide un código" in text
    assert "PRACTICE" in text
    empty = page.post(f"/trading/codigo/{challenge.pk}/", {"code": ""})
    assert (empty.status_code, challenge.attempts) == (200, 0)
    Challenge.objects.update(attempts=5)
    spent = page.post(f"/trading/codigo/{challenge.pk}/", {"code": "123456"})
    assert "nada con este número" in spent.content.decode()
    stranger = Client()
    stranger.force_login(a_user())
    assert stranger.get(f"/trading/codigo/{challenge.pk}/").status_code == 302
