"""The codes of trading in the reader's words."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trading.models import Event, TradingSession
from visionai.lib.errors import DomainError

# Why a session is as it is, or something was not done.
REASONS: Final[dict[str, str | Promise]] = {
    "not_connected": _("The session is not connected; connect it first."),
    "another_account": _("The session belongs to another broker or account; open a new one."),
    "still_closing": _("The session is still settling what is open; wait until it has ended."),
    "too_many_sessions": _("You have too many live sessions; disconnect one first."),
    "in_flight": _("An order just like it has no answer yet; wait for that."),
    "key_used": _("This order was sent already, with other values."),
    "fenced": _("Another node owns the session now."),
    "lease": _("The session has no node at present; wait a moment."),
    "taken_over": _("Another node took the session over before it was sent."),
    "restarted": _("The node was started again."),
    "disconnecting": _("The session is being disconnected."),
    "bot_stopped": _("The bot was stopped."),
    "login_ended": _("The sign-in under which it was started was taken back; connect again."),
    "real_account": _("A real account is not filled up."),
    "real_revoked": _("The right to trade real money was given up or taken back."),
    "no_open_asset": _("No asset is open for this expiry now; choose another one."),
    "halted": _("It was halted."),
    "halted_by_staff": _("An administrator halted it; ask them to let it go on."),
    "user": _("You asked for it."),
    "staff": _("An administrator asked for it."),
    "idle": _("Nobody had used it for an hour and no bot was running."),
    "revoked": _("The sign-in under which it was started was taken back."),
    "password_changed": _("The password was changed."),
    "run_minutes": _("It ran as long as its limit allows."),
    "two_factor_required": _("The broker waits for a code."),
    "invalid_credentials": _("The broker does not accept the e-mail and password."),
    "broker_rate_limited": _("The broker refuses sign-ins for a while."),
    "broker_unreachable": _("The broker does not answer."),
    "account_held": _("Another session holds this account of the broker."),
    "no_money": _("The balance is too small."),
    "suspended": _("The asset is suspended."),
    "closed": _("The asset is closed now."),
    "dead_time": _("It is too late for this expiry."),
    "late": _("It could not be sent in time, so it was not sent."),
    "stake": _("The broker does not take a stake of this size."),
    "expiry": _("The broker does not offer this expiry."),
    "risk": _("The broker takes no more of these orders for now."),
    "stale": _("The broker's clock stood still, so no order was sent."),
    "unknown_asset": _("The broker has no asset of this name."),
    "restricted": _("The broker does not let this account trade it."),
    "ambiguous": _("Several positions at the broker fit one order; look there, then ask staff."),
    "other": _("The broker refused it."),
    "out_of_range": _("The value is out of range."),
    "too_precise": _("Two decimals at most."),
    "no_number": _("That is no number."),
    "not_the_sentence": _("Type the sentence exactly as it is shown."),
    "unknown": _("There is no such choice."),
    "missing": _("It is missing."),
}
LIMITS: Final[dict[str, str | Promise]] = {
    "stake": _("Largest stake"),
    "daily_loss": _("Largest loss a day"),
    "drawdown": _("Largest fall from the best"),
    "consecutive_losses": _("Losses in a row"),
    "trades_per_hour": _("Trades an hour"),
    "open_positions": _("Open positions"),
    "run_minutes": _("Minutes that a bot runs"),
}
NEEDS: Final[dict[str, str | Promise]] = {
    "setting": _("The operator has not turned it on (REAL_TRADING)."),
    "grant": _("An administrator must grant it to you first."),
    "confirmation": _("You must confirm it below, with your password."),
}
STRATEGIES: Final[dict[str, tuple[str | Promise, str | Promise]]] = {
    "hold": (_("Hold"), _("Never trades. What every other one is measured against.")),
    "momentum": (_("Momentum"), _("Expects that what moved enough goes on.")),
    "reversal": (_("Reversal"), _("Expects that what went too far comes back.")),
    "rsi": (_("RSI"), _("Trades against an asset that is overbought or oversold.")),
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


def reason(code: str) -> str:
    """Why, in words; the code itself where it has none."""
    return str(REASONS.get(code, code))


def said(refusal: DomainError) -> str:
    """A refusal in one sentence, as exact as its facts allow."""
    facts = refusal.facts
    if refusal.code == "real_not_enabled":
        return str(NEEDS.get(str(facts.get("needs")), refusal.sentence()))
    if refusal.code == "risk_limit" and facts.get("limit") in LIMITS:
        return gettext("{limit}: {allowed} are allowed, this makes {found}.").format(
            limit=LIMITS[str(facts["limit"])], allowed=facts["allowed"], found=facts["found"]
        )
    if refusal.code == "not_accepted":
        field = str(facts.get("field"))
        name = LIMITS.get(field) or PARAMETERS.get(field) or field
        return f"{name}: {reason(str(facts.get('why')))}"
    why = facts.get("reason")
    return reason(why) if isinstance(why, str) and why in REASONS else refusal.sentence()


def told(event: Event) -> str:
    """What happened, in one sentence for the log."""
    data: Mapping[str, Any] = event.data
    words = _TOLD.get(event.kind)
    return words(data) if words else event.kind


def _order(data: Mapping[str, Any]) -> str:
    way = gettext("up") if data["direction"] == "call" else gettext("down")
    facts = {"asset": data["asset"], "way": way, "stake": data["stake"]}
    state = data["state"]
    if state == "settled":
        sentences = {"won": gettext("won"), "lost": gettext("lost"), "tied": gettext("tied")}
        outcome = sentences.get(str(data["outcome"]), "")
        return gettext("{asset} {way}, {stake}: {outcome}, {profit}").format(
            **facts, outcome=outcome, profit=data["profit"]
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
    return gettext("Balance: {balance} {currency}").format(**data)


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
