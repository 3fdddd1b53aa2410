"""What the embedded engine says of a tool's result."""

from datetime import date
from typing import Any

import pytest
from django.utils.translation import override

from assistant import tellings
from assistant.core.understanding import Days

NOON = "2026-05-04T12:00:00+00:00"


def an_export(**fields: Any) -> dict[str, Any]:
    row = {"kind": "design", "network": "my_net.keras", "state": "done", "percent": 100}
    return row | {"created": NOON, "ended": NOON, "url": "/x/"} | fields


def exports(*latest: dict[str, Any], total: int = 0, running: int = 0) -> dict[str, Any]:
    return {"total": total or len(latest), "running": running, "latest": list(latest)}


def a_session(**fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"broker": "paper", "account_type": "PRACTICE", "state": "connected"}
    row |= {"halted": False, "balance": "10008.60", "currency": "USD", "profit": "8.60"}
    row |= {"bot_running": True, "strategy": "rsi", "asset": "EURUSD-OTC"}
    return row | {"won": 2, "lost": 1, "tied": 0, "open_orders": 1} | fields


def sessions(*rows: dict[str, Any], live: int = 1, bots: int = 1) -> dict[str, Any]:
    return {"total": len(rows), "live": live, "bots_running": bots, "sessions": list(rows)}


def test_a_finished_export_is_told_with_what_it_gave() -> None:
    result = {"label": "verified", "integer_class": 3, "cycles": 12345}
    found = exports(an_export(result=result, files=1), total=3, running=1)
    with override("en"):
        assert tellings.jobs(found, None) == (
            "Your latest run: Whole network, `my_net.keras`, begun 2026-05-04 12:00 UTC. "
            "State: **done**. Verified. Class of the picture: 3. Cycles a picture: 12,345. "
            "It left one file. One run is not finished. You have 2 runs before it."
        )
    with override("es"):
        text = tellings.jobs(
            exports(an_export(network="", result={"label": "not_simulated"})), None
        )
        assert text == (
            "Tu última ejecución: Red completa, empezada 2026-05-04 12:00 UTC. Estado: **hecho**. "
            "No simulado."
        )


def test_an_export_that_runs_failed_or_is_not_there_is_told_as_that() -> None:
    with override("en"):
        assert "It is at 40 %." in tellings.jobs(
            exports(an_export(state="running", percent=40)), None
        )
        error = {"es": "Falló.", "en": "A program is missing."}
        failed = tellings.jobs(exports(an_export(state="failed", error=error)), None)
        assert "**failed**. A program is missing." in failed
        assert tellings.jobs(exports(), None) == "You have no exports yet."
    with override("es"):
        assert "Falló." in tellings.jobs(exports(an_export(state="failed", error=error)), None)


def test_the_exports_of_a_day_are_counted() -> None:
    day = Days("day", date(2026, 5, 4), date(2026, 5, 4))
    with override("en"):
        text = tellings.jobs(exports(an_export(), total=2), day)
        assert text.startswith("On 2026-05-04 you began 2 runs. Your latest run: Whole network")
        assert "before it" not in text
        assert tellings.jobs(exports(), day) == "On 2026-05-04 you began no export."


def test_trading_tells_first_whether_a_bot_runs() -> None:
    with override("en"):
        assert tellings.trading(sessions(a_session()), None) == (
            "**One bot of yours is running.**\n\n"
            "- Paper PRACTICE: connected; bot on: RSI, EURUSD-OTC; balance 10,008.60 USD; "
            "profit 8.60 USD; won 2, lost 1, tied 0, open 1."
        )
        still = a_session(bot_running=False, halted=True, balance=None, currency="")
        assert tellings.trading(sessions(still, bots=0), None) == (
            "**No bot of yours is running.**\n\n"
            "- Paper PRACTICE: connected; bot off; halted: no order passes; profit 8.60; "
            "won 2, lost 1, tied 0, open 1."
        )
        over = a_session(state="disconnected", bot_running=False)
        assert tellings.trading(sessions(over, live=0), None).startswith(
            "No trading session of yours"
        )
        assert tellings.trading(sessions(live=0), None) == "You have no trading session."
    with override("es"):
        text = tellings.trading(sessions(a_session(), a_session(), live=2, bots=2), None)
        assert text.startswith("**2 bots tuyos están funcionando.**")
        assert "saldo 10 008,60 USD" in text.replace("\xa0", " ")


def test_what_a_day_won_and_lost_is_told_apart_from_how_it_stands() -> None:
    today = Days("today", date(2026, 5, 4), date(2026, 5, 4))
    settled: dict[str, Any] = {"account_type": "PRACTICE", "currency": "USD", "profit": "-1.40"}
    settled |= {"won": 1, "lost": 2, "tied": 0}
    with override("en"):
        text = tellings.trading(sessions(a_session()) | {"settled": [settled]}, today)
        assert text.startswith(
            "Today (UTC), PRACTICE: profit -1.40 USD; won 1, lost 2, tied 0.\n\n**One bot"
        )
        none = tellings.trading(sessions(a_session()) | {"settled": []}, today)
        assert none.startswith("Today (UTC) no order of yours was settled.\n\n**One bot")


def test_logins_usage_and_status_are_told() -> None:
    row = {"device": "*bold* [x](y)", "address": None, "last_seen": NOON}
    with override("en"):
        assert tellings.logins({"open": 1, "sessions": [row]}) == (
            "You are signed in at one place:\n\n"
            "- `*bold* [x](y)`, from ?, last seen 2026-05-04 12:00 UTC"
        )
        assert tellings.logins({"open": 0, "sessions": []}) == "I find no open session of yours."
        limits = [
            {"label": "Trades a day", "used": 3, "most": 2000, "bytes": False},
            {"label": "Space", "used": 2**20, "most": None, "bytes": True},
            {"label": "Sessions", "used": None, "most": 5, "bytes": False},
        ]
        told = {"plan": "free", "limits": limits, "bill_so_far": "1.50 EUR"}
        assert tellings.usage(told) == (
            "Your plan is free.\n\n- Trades a day: 3 used, at most 2,000\n"
            "- Space: 1.0 MB used, without a limit\n\nThis month so far: 1.50 EUR."
        )
        assert tellings.site({"status": "ok", "parts": {"database": "ok"}}) == "Everything works."
        bad = {"status": "degraded", "parts": {"database": "ok", "workers": "degraded"}}
        assert tellings.site(bad) == "It works, but a part of it does not. Not well: workers."


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (None, "in all"),
        (Days("last_week", date(2026, 5, 4), date(2026, 5, 10)), "last week"),
        (Days("day", date(2026, 5, 4), date(2026, 5, 4)), "on 2026-05-04"),
        (Days("last_days", date(2026, 5, 4), date(2026, 5, 6)), "from 2026-05-04 to 2026-05-06"),
    ],
)
def test_days_have_words(days: Days | None, words: str) -> None:
    with override("en"):
        assert tellings.period(days) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Firefox · Linux", "Firefox · Linux"),
        ("net.keras", "net.keras"),
        ("my_net.keras", "`my_net.keras`"),
        ("a`b\nc", "`a'b c`"),
        ("<img src=x onerror=alert(1)>", "`<img src=x onerror=alert(1)>`"),
        ("[x](javascript:alert(1))", "`[x](javascript:alert(1))`"),
        ("http://evil.example", "`http://evil.example`"),
        ("www.evil.example", "www.evil.example"),
    ],
)
def test_a_name_that_somebody_chose_is_no_markdown(text: str, shown: str) -> None:
    assert tellings.literal(text) == shown


def test_a_code_that_another_app_made_up_is_shown_as_it_is() -> None:
    with override("en"):
        assert "hologram" in tellings.jobs(exports(an_export(kind="hologram")), None)
        assert tellings.title_of("novelty") == "novelty"
