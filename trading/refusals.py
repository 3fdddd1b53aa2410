"""What trading refuses, in words; the codes are the contract's."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from trading.reasons import FIELDS, LIMITS, REASONS, reason
from visionai.lib.errors import DomainError


class InvalidCredentials(DomainError):
    """`why` is `wrong_code` where it was a second factor's."""

    status, code, title = 422, "invalid_credentials", _("The broker does not accept the login")
    detail = _("The broker does not accept this e-mail and password; check them and connect again.")

    def sentence(self) -> str:
        if self.facts.get("why") == "wrong_code":
            return str(_("The broker does not accept this code; type it again, or have one sent."))
        return super().sentence()


class TwoFactorRequired(DomainError):
    """`challenge_id` and `method` are what `verify` and `send_code` need.

    `why` is `no_sms` where the broker sends this account no code.
    """

    status, code, title = 422, "two_factor_required", _("The broker asks for a code")
    detail = _("Answer with the code that the broker sent you, within five minutes.")

    def sentence(self) -> str:
        if self.facts.get("why") == "no_sms":
            return str(
                _(
                    "The broker sends this account no code that way; use SMS as the second factor"
                    " at the broker, or turn it off there."
                )
            )
        return super().sentence()


class BrokerRateLimited(DomainError):
    status, code, title = 429, "broker_rate_limited", _("The broker wants a pause")
    detail = _("The broker refuses logins for a while; try again later.")


class BrokerUnreachable(DomainError):
    status, code, title = 503, "broker_unreachable", _("The broker cannot be reached")
    detail = _("The broker does not answer; try again in a moment.")


class RealNotEnabled(DomainError):
    """`needs` says what is missing: setting, grant or confirmation."""

    status, code, title = 403, "real_not_enabled", _("Real money is off")
    detail = _(
        "Trading real money needs the operator's setting, an administrator's grant and your own"
        " confirmation; use a PRACTICE account, or ask an administrator."
    )


class RiskLimit(DomainError):
    """`limit`, `allowed` and `found` say which."""

    status, code, title = 409, "risk_limit", _("A limit holds the order back")
    detail = _("The order was not placed: the limit {limit} allows {allowed}; this makes {found}.")

    def sentence(self) -> str:
        name = str(self.facts.get("limit"))
        facts = {**self.facts, "limit": f"“{LIMITS.get(name, name)}”"}
        return str(self.detail).format(**facts)


class Halted(DomainError):
    status, code, title = 409, "risk_limit", _("Trading is halted")
    detail = _("The order was not placed: trading is halted ({found}); resume it first.")


class Conflict(DomainError):
    status, code, title = 409, "conflict", _("That does not fit what is there")
    detail = _("The session or the order is not in a state for this ({reason}); look at it first.")

    def sentence(self) -> str:
        why = str(self.facts.get("reason"))
        return reason(why) if why in REASONS else super().sentence()


class NotFound(DomainError):
    status, code, title = 404, "not_found", _("Not found")
    detail = _("There is nothing with this number among what is yours.")


class TooManyRequests(DomainError):
    status, code, title = 429, "too_many_requests", _("Too many requests")
    detail = _("This session was asked too often; wait a moment.")


class NotAccepted(DomainError):
    """`field` names what is wrong and `why` says it, as a code."""

    status, code, title = 400, "not_accepted", _("The data are not accepted")
    detail = _("The value of {field} is not accepted ({why}); correct it.")

    def sentence(self) -> str:
        field, why = str(self.facts.get("field")), str(self.facts.get("why"))
        if why not in REASONS:
            return super().sentence()
        return f"{FIELDS.get(field, field)}: {reason(why)}"


_BY_CODE: dict[str, type[DomainError]] = {
    kind.code: kind
    for kind in (
        InvalidCredentials,
        TwoFactorRequired,
        BrokerRateLimited,
        BrokerUnreachable,
        RealNotEnabled,
        RiskLimit,
        Conflict,
        NotFound,
        NotAccepted,
    )
}


def short_code(refusal: DomainError) -> str:
    """Which limit or reason it is, as one word."""
    if isinstance(refusal, Halted):
        return "halted"
    if isinstance(refusal, RiskLimit):
        return str(refusal.facts["limit"])
    return str(refusal.facts.get("reason", refusal.code))


def refused(result: Mapping[str, object]) -> DomainError:
    """The refusal that a node wrote into a command: `{code, facts, retry_after?}`."""
    kind = _BY_CODE.get(str(result.get("code")), BrokerUnreachable)
    facts = result.get("facts")
    retry_after = result.get("retry_after")
    return kind(
        retry_after=int(retry_after) if isinstance(retry_after, int | float) else None,
        **(dict(facts) if isinstance(facts, Mapping) else {}),
    )
