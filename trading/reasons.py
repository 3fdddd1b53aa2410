"""What the codes of a refusal mean to people."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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
    "replay_busy": _("Another replay of yours is still running; wait for it."),
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
    "no_day": _("A day is written as 2026-11-21."),
    "not_the_sentence": _("Type the sentence exactly as it is shown."),
    "unknown": _("There is no such choice."),
    "missing": _("It is missing."),
    "page": _("There is no such page."),
    "daily_loss": _("The largest loss of a day is reached."),
    "drawdown": _("The largest fall from the best is reached."),
    "consecutive_losses": _("So many losses in a row are not allowed."),
    "trades_per_hour": _("So many trades an hour are not allowed."),
    "open_positions": _("So many open positions are not allowed."),
    "risk_limit": _("A limit holds the order back."),
    "blocked": _("No further order passes."),
    "bot_order": _("The bot asks for an order"),
    "released": _("Somebody has looked: losses in a row count anew"),
    "bot_held_back": _("The bot is held back"),
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
FIELDS: Final[dict[str, str | Promise]] = {
    **LIMITS,
    "stake": _("Stake"),
    "amount": _("Amount"),
    "minutes": _("Expiry in minutes"),
    "expiration": _("Expiry in minutes"),
    "asset": _("Asset"),
    "direction": _("Direction (call or put)"),
    "broker": _("Broker"),
    "account_type": _("Account (PRACTICE or REAL)"),
    "candle_seconds": _("Seconds of a candle"),
    "strategy": _("Strategy"),
    "typed": _("Sentence"),
    "level": _("Level"),
    "kind": _("Kind"),
    "from": _("From"),
    "to": _("To"),
}


def reason(code: str) -> str:
    """Why, in words; the code itself where it has none."""
    return str(REASONS.get(code, code))
