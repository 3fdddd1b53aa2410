"""The codes of trading in the reader's words."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trading.core.levels import ERROR, INFO, WARNING
from trading.lab_refusals import worded
from trading.models import Event, TradingSession
from trading.reasons import NEEDS, reason
from visionai.lib.amounts import money
from visionai.lib.errors import DomainError

STRATEGIES: Final[dict[str, tuple[str | Promise, str | Promise]]] = {
    "hold": (_("Hold"), _("Never trades. What every other one is measured against.")),
    "momentum": (_("Momentum"), _("Expects that what moved enough goes on.")),
    "reversal": (_("Reversal"), _("Expects that what went too far comes back.")),
    "rsi": (_("RSI"), _("Trades against an asset that is overbought or oversold.")),
    "random": (_("Chance"), ""),
    "agent": (_("Trained agent"), _("What one of your agents learned from past candles.")),
}
PARAMETERS: Final[dict[str, str | Promise]] = {
    "period": _("Candles looked at"),
    "threshold": _("Least movement, in average ranges"),
    "width": _("Distance, in standard deviations"),
    "low": _("Oversold below"),
    "high": _("Overbought above"),
    "lower": _("Oversold below"),
    "upper": _("Overbought above"),
    "agent": _("Agent"),
}


LEVELS: Final[dict[str, str | Promise]] = {
    INFO: _("Information"),
    WARNING: _("Warning"),
    ERROR: _("Error"),
}
KINDS: Final[dict[str, str | Promise]] = {
    "state": _("Connection"),
    "bot": _("Bot"),
    "order": _("Order"),
    "balance": _("Balance"),
    "log": _("Log"),
    "halt": _("Halt"),
    "limits": _("Limits"),
}


def said(refusal: DomainError) -> str:
    """A refusal in one sentence."""
    if refusal.code == "real_not_enabled":
        return str(NEEDS.get(str(refusal.facts.get("needs")), refusal.sentence()))
    return refusal.sentence()


def fault_of(error: Mapping[str, Any]) -> str:
    """A job's error in one sentence; empty where it has none."""
    return worded(str(error["code"]), error.get("facts", {})) if error else ""


def told(event: Event) -> str:
    """What happened, in one sentence for the log."""
    data: Mapping[str, Any] = event.data
    words = _TOLD.get(event.kind)
    return words(data) if words else event.kind


def _order(data: Mapping[str, Any]) -> str:
    way = gettext("up") if data["direction"] == "call" else gettext("down")
    facts = {"asset": data["asset"], "way": way, "stake": money(data["stake"])}
    state = data["state"]
    if state == "settled":
        sentences = {"won": gettext("won"), "lost": gettext("lost"), "tied": gettext("tied")}
        outcome = sentences.get(str(data["outcome"]), "")
        return gettext("{asset} {way}, {stake}: {outcome}, {profit}").format(
            **facts, outcome=outcome, profit=money(data["profit"])
        )
    sentence = {
        "pending": gettext("{asset} {way}, {stake}: waits to be sent"),
        "sent": gettext("{asset} {way}, {stake}: sent"),
        "open": gettext("{asset} {way}, {stake}: open"),
        "rejected": gettext("{asset} {way}, {stake}: not taken. {why}"),
        "unknown": gettext("{asset} {way}, {stake}: no answer; it is being looked for"),
        "not_placed": gettext("{asset} {way}, {stake}: it was never placed"),
    }.get(str(state), str(state))
    return str(sentence).format(**facts, why=reason(str(data.get("reason", ""))))


def _state(data: Mapping[str, Any]) -> str:
    name = dict(TradingSession.State.choices).get(data["state"], data["state"])
    why = str(data.get("blocked") or data.get("reason") or "")
    return f"{name}. {reason(why)}" if why else str(name)


def _bot(data: Mapping[str, Any]) -> str:
    running = data.get("running") or data.get("wanted")
    name = str(STRATEGIES.get(str(data.get("strategy")), (data.get("strategy"), ""))[0])
    sentence = gettext("Bot on: {name}, {asset}") if running else gettext("Bot off")
    text = sentence.format(name=name, asset=data.get("asset"))
    why = str(data.get("reason") or "")
    return f"{text}. {reason(why)}" if why else text


def _halt(data: Mapping[str, Any]) -> str:
    return gettext("Halted: no order passes") if data["on"] else gettext("Orders pass again")


def _log(data: Mapping[str, Any]) -> str:
    facts = data.get("facts") or {}
    code = str(data.get("code", ""))
    why = facts.get("reason")
    head = reason(code)
    if isinstance(why, str) and why:
        head = f"{head}: {reason(why)}"
    confidence = facts.get("confidence")
    return head if confidence is None else f"{head} ({round(float(confidence) * 100)} %)"


def _balance(data: Mapping[str, Any]) -> str:
    facts = {"balance": money(data["balance"]), "currency": data["currency"]}
    return gettext("Balance: {balance} {currency}").format(**facts)


def _limits(data: Mapping[str, Any]) -> str:  # noqa: ARG001
    return gettext("The limits were changed")


_TOLD: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "order": _order,
    "state": _state,
    "bot": _bot,
    "halt": _halt,
    "log": _log,
    "balance": _balance,
    "limits": _limits,
}
