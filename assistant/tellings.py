"""A tool's result in words, in the active language; the embedded engine's own sentences."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from assistant.core.understanding import Days
from predictions.words import EMOTION_WORDS
from visionai.lib.amounts import money, whole

Result = Mapping[str, Any]


def predictions(result: Result, days: Days | None) -> str:
    when, total = period(days), result["total"]
    emotion = str(EMOTION_WORDS[result["emotion"]]) if result["emotion"] else ""
    if not total:
        text = _("{when} I find no readings of yours.").format(when=when)
        if emotion:
            text = _("{when} I find no readings of yours with the expression “{emotion}”.").format(
                when=when, emotion=emotion
            )
        return _capital(text)
    count = ngettext("{count} reading", "{count} readings", total).format(count=whole(total))
    if emotion:
        text = _("{when} you have {count} with the expression “{emotion}”.")
        return _capital(text.format(when=when, count=count, emotion=emotion))
    parts = [f"{EMOTION_WORDS[name]} {whole(n)}" for name, n in result["by_emotion"].items()]
    most = next(iter(result["by_emotion"]))
    lines = [
        _capital(_("{when} you have {count}.").format(when=when, count=f"**{count}**")),
        _("The most frequent expression: **{emotion}**.").format(emotion=EMOTION_WORDS[most]),
        _("By expression: {parts}.").format(parts=", ".join(parts)),
    ]
    if result["latest"]:
        newest = result["latest"][0]
        text = _("The latest: {emotion} ({percent} %), {at}.")
        percent = number_format(100 * newest["confidence"], 0)
        emotion = str(EMOTION_WORDS[newest["emotion"]])
        lines.append(text.format(emotion=emotion, percent=percent, at=moment(newest["at"])))
    return " ".join(lines)


def logins(result: Result) -> str:
    number = result["open"]
    head = ngettext(
        "You are signed in at one place:", "You are signed in at {count} places:", number
    ).format(count=number)
    line = _("- {device}, from {address}, last seen {at}")
    rows = [
        line.format(
            device=literal(row["device"]),
            address=row["address"] or "?",
            at=moment(row["last_seen"]),
        )
        for row in result["sessions"]
    ]
    return "\n".join([head, "", *rows]) if rows else _("I find no open session of yours.")


KINDS: Final[dict[str, Callable[[], str]]] = {
    "inference": lambda: _("Layer by layer"),
    "image": lambda: _("Picture to VHDL"),
    "weights": lambda: _("Weights to VHDL"),
    "design": lambda: _("Whole network"),
    "netlist": lambda: _("Design past synthesis"),
    "faults": lambda: _("Layer by layer with faults"),
    "campaign": lambda: _("Fault campaign"),
}
STATES: Final[dict[str, Callable[[], str]]] = {
    "queued": lambda: _("Waiting"),
    "running": lambda: _("Running"),
    "done": lambda: _("Done"),
    "failed": lambda: _("Failed"),
    "cancelled": lambda: _("Cancelled"),
}
LABELS: Final[dict[str, Callable[[], str]]] = {
    "verified": lambda: _("Verified"),
    "verified_through": lambda: _("Verified in part"),
    "not_simulated": lambda: _("Not simulated"),
    "mismatch": lambda: _("The netlist differs from the model: do not use it."),
}


def jobs(result: Result, days: Days | None) -> str:
    if not days:
        return _latest_job(result) if result["latest"] else _("You have no exports yet.")
    if not result["latest"]:
        return _capital(_("{when} you began no export.").format(when=period(days)))
    text = ngettext("{when} you began one run.", "{when} you began {n} runs.", result["total"])
    head = _capital(text.format(when=period(days), n=result["total"]))
    return f"{head} {_latest_job({**result, 'total': 1})}"


def _latest_job(result: Result) -> str:
    newest = result["latest"][0]
    kind = _named(KINDS, newest["kind"])
    what = f"{kind}, {literal(newest['network'])}" if newest["network"] else kind
    lines = [
        _("Your latest run: {what}, begun {at}. State: **{state}**.").format(
            what=what, at=moment(newest["created"]), state=_named(STATES, newest["state"]).lower()
        )
    ]
    if newest["state"] == "running":
        lines.append(_("It is at {percent} %.").format(percent=newest["percent"]))
    if error := newest.get("error"):
        lines.append(error.get(get_language() or "en", error["en"]))
    lines += _outcome(newest.get("result") or {})
    if files := newest.get("files"):
        lines.append(ngettext("It left one file.", "It left {n} files.", files).format(n=files))
    if result["running"]:
        text = ngettext("One run is not finished.", "{n} runs are not finished.", result["running"])
        lines.append(text.format(n=result["running"]))
    if (rest := result["total"] - 1) > 0:
        text = ngettext("You have one run before it.", "You have {n} runs before it.", rest)
        lines.append(text.format(n=rest))
    return " ".join(lines)


def _outcome(found: Mapping[str, Any]) -> list[str]:
    lines = []
    if label := found.get("label"):
        lines.append(f"{_named(LABELS, label)}.".replace("..", "."))
    named = found.get("integer_name") or found.get("predicted_name")
    answer = named or found.get("integer_class", found.get("predicted_class"))
    if answer is not None:
        lines.append(_("Class of the picture: {answer}.").format(answer=literal(str(answer))))
    if "cycles" in found:
        lines.append(_("Cycles a picture: {n}.").format(n=whole(found["cycles"])))
    return lines


STRATEGIES: Final[dict[str, Callable[[], str]]] = {
    "hold": lambda: _("Hold"),
    "momentum": lambda: _("Momentum"),
    "reversal": lambda: _("Reversal"),
    "rsi": lambda: "RSI",
    "agent": lambda: _("Trained agent"),
}
SESSION_STATES: Final[dict[str, Callable[[], str]]] = {
    "connecting": lambda: _("Connecting"),
    "verifying": lambda: _("Waiting for a code"),
    "connected": lambda: _("Connected"),
    "reconnecting": lambda: _("Reconnecting"),
    "closing": lambda: _("Settling what is open"),
    "disconnected": lambda: _("Disconnected"),
    "failed": lambda: _("Not connected"),
}
BROKERS: Final[dict[str, Callable[[], str]]] = {
    "paper": lambda: _("Paper"),
    "exnova": lambda: "Exnova",
    "iqoption": lambda: "IQ Option",
}


def trading(result: Result, days: Days | None) -> str:
    if not result["sessions"]:
        return _("You have no trading session.")
    told = _standing(result)
    return f"{_settled(result, days)}\n\n{told}" if days else told


def _settled(result: Result, days: Days | None) -> str:
    """What was won and lost in those days; each account for itself, as play money is no money."""
    if not result["settled"]:
        return _capital(_("{when} no order of yours was settled.").format(when=period(days)))
    text = _("{when}, {account}: profit {amount}; won {won}, lost {lost}, tied {tied}.")
    lines = [
        _capital(
            text.format(
                when=period(days),
                account=one["account_type"],
                amount=f"{money(one['profit'])} {one['currency']}".strip(),
                won=one["won"],
                lost=one["lost"],
                tied=one["tied"],
            )
        )
        for one in result["settled"]
    ]
    return "\n\n".join(lines)


def _standing(result: Result) -> str:
    if not result["live"]:
        head = _("No trading session of yours is live, and no bot is running. The last one:")
    elif result["bots_running"]:
        head = ngettext(
            "**One bot of yours is running.**",
            "**{n} bots of yours are running.**",
            result["bots_running"],
        ).format(n=result["bots_running"])
    else:
        head = _("**No bot of yours is running.**")
    return "\n".join([head, "", *(_session(row) for row in result["sessions"])])


def _session(row: Mapping[str, Any]) -> str:
    currency = f" {row['currency']}" if row["currency"] else ""
    facts = [_named(SESSION_STATES, row["state"]).lower()]
    if row["bot_running"]:
        strategy = _named(STRATEGIES, row["strategy"])
        facts.append(
            _("bot on: {strategy}, {asset}").format(strategy=strategy, asset=literal(row["asset"]))
        )
    else:
        facts.append(_("bot off"))
    if row["halted"]:
        facts.append(_("halted: no order passes"))
    if row["balance"] is not None:
        facts.append(_("balance {amount}").format(amount=money(row["balance"]) + currency))
    facts.append(_("profit {amount}").format(amount=money(row["profit"]) + currency))
    facts.append(
        _("won {won}, lost {lost}, tied {tied}, open {open}").format(
            won=row["won"], lost=row["lost"], tied=row["tied"], open=row["open_orders"]
        )
    )
    return f"- {_named(BROKERS, row['broker'])} {row['account_type']}: " + "; ".join(facts) + "."


def usage(result: Result) -> str:
    lines = [_("Your plan is {plan}.").format(plan=literal(result["plan"]))]
    for one in result["limits"]:
        if one["used"] is None:
            continue
        used = _quantity(one["used"], is_bytes=one["bytes"])
        if one["most"] is None:
            text = _("- {what}: {used} used, without a limit")
            lines.append(text.format(what=one["label"], used=used))
            continue
        most = _quantity(one["most"], is_bytes=one["bytes"])
        text = _("- {what}: {used} used, at most {most}")
        lines.append(text.format(what=one["label"], used=used, most=most))
    bill = _("This month so far: {amount}.").format(amount=result["bill_so_far"])
    return "\n".join([lines[0], "", *lines[1:], "", bill])


PARTS: Final[dict[str, Callable[[], str]]] = {
    "ok": lambda: _("Everything works."),
    "degraded": lambda: _("It works, but a part of it does not."),
    "down": lambda: _("A part that is needed does not work."),
}


def site(result: Result) -> str:
    bad = [name for name, state in result["parts"].items() if state != "ok"]
    text = _named(PARTS, result["status"])
    return text + (" " + _("Not well: {parts}.").format(parts=", ".join(bad)) if bad else "")


TELLINGS: Final[dict[str, Callable[[Result, Days | None], str]]] = {
    "my_predictions": predictions,
    "my_sessions": lambda result, _days: logins(result),
    "my_jobs": jobs,
    "my_trading": trading,
    "my_usage": lambda result, _days: usage(result),
    "site_status": lambda result, _days: site(result),
}
TITLES: Final[dict[str, Callable[[], str]]] = {
    "history": lambda: _("History"),
    "sessions": lambda: _("My sessions"),
    "export": lambda: _("Export"),
    "hardware": lambda: _("Hardware"),
    "board": lambda: _("Trading session"),
    "trading home": lambda: _("Trading"),
    "usage": lambda: _("Usage"),
    "invoices": lambda: _("Invoices"),
    "status": lambda: _("Status"),
}


def title_of(name: str) -> str:
    return _named(TITLES, name)


def period(days: Days | None) -> str:
    """How a sentence begins that tells of these days."""
    if days is None:
        return _("in all")
    names: dict[str, Callable[[], str]] = {
        "today": lambda: _("today (UTC)"),
        "yesterday": lambda: _("yesterday (UTC)"),
        "two_days_ago": lambda: _("the day before yesterday (UTC)"),
        "this_week": lambda: _("this week"),
        "last_week": lambda: _("last week"),
        "this_month": lambda: _("this month"),
        "last_month": lambda: _("last month"),
    }
    if days.name in names:
        return names[days.name]()
    if days.start == days.end:
        return _("on {day}").format(day=_day(days.start))
    return _("from {start} to {end}").format(start=_day(days.start), end=_day(days.end))


def moment(text: str) -> str:
    at = datetime.fromisoformat(text)
    return date_format(at, "Y-m-d H:i") + " UTC"


def literal(text: str) -> str:
    """A name that somebody chose, such that it is no Markdown."""
    if re.fullmatch(r"[\w ·.:,/()-]*", text) and "_" not in text and "://" not in text:
        return text
    return "`" + text.replace("`", "'").replace("\n", " ") + "`"


def _day(day: date) -> str:
    return day.isoformat()


def _quantity(number: int, *, is_bytes: bool) -> str:
    return f"{number_format(number / 2**20, 1)} MB" if is_bytes else whole(number)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _named(words: Mapping[str, Callable[[], str]], name: str) -> str:
    """The words for a code; the code itself where another app knows more than this one."""
    return words[name]() if name in words else name
