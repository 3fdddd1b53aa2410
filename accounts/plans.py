"""What an account may use: its own limit, else its plan's, else no limit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.acts import LIMITS, Limit
from accounts.models import Plan, PlanLimit, User, UserLimit, UserPlan
from accounts.usage import used_today
from visionai.lib.errors import DomainError


class LimitReached(DomainError):
    status, code, title = 409, "plan_limit_reached", _("Your plan's limit is reached")
    detail = _(
        "{what}: {used} of {limit} in your plan ({plan}). End or delete one, or ask an "
        "administrator for a larger plan."
    )


class DailyLimitReached(DomainError):
    status, code, title = 429, "daily_limit_reached", _("The day's limit is reached")
    detail = _(
        "{what}: {used} of {limit} in your plan ({plan}). Go on after midnight (UTC), or ask an "
        "administrator for a larger plan."
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A limit of a user, and how much of it is used where that is known."""

    limit: Limit
    most: int | None  # None is no limit
    used: int | None


def plan_of(user: User) -> Plan:
    """The user's plan; the first of the list unless staff chose another."""
    chosen = Plan.objects.filter(members__user=user).first()
    return chosen or Plan.objects.first() or Plan(name="free")


def limit_of(user: User, name: str) -> int | None:
    """The most that the user may have; None where there is no limit. Raises `KeyError`."""
    own, by_plan = _limits(user, LIMITS[name])
    if own:
        return own[0]
    return by_plan.get(plan_of(user).pk) if by_plan else None


def _limits(user: User, limit: Limit) -> tuple[list[int | None], dict[int, int]]:
    """(the user's own, where there is one; those of all plans that have one)"""
    mine = UserLimit.objects.filter(user=user, name=limit.name)
    of_plans = PlanLimit.objects.filter(name=limit.name)
    return list(mine.values_list("most", flat=True)), dict(of_plans.values_list("plan_id", "most"))


def check_quota(
    user: User, name: str, *, at: datetime, used: int | None = None, adding: int = 1
) -> None:
    """Raises `DailyLimitReached` or `LimitReached` where `adding` more would be too many.

    `used` may be left out for a limit of acts a day. Of calls at once only those see each other
    that hold the same lock: lock the user's row first where that matters.
    """
    limit = LIMITS[name]
    own, by_plan = _limits(user, limit)
    possible = own or list(by_plan.values())
    if all(one is None for one in possible):
        return
    if used is None:
        assert limit.act is not None, "only acts are counted here"
        used = used_today(user, limit.act, at=at)
    if all(one is None or used + adding <= one for one in possible):
        return  # whichever plan it is
    most = own[0] if own else by_plan.get(plan_of(user).pk)
    if most is None or used + adding <= most:
        return
    facts: dict[str, Any] = {
        "what": limit.label,
        "used": used,
        "limit": most,
        "plan": plan_of(user).name,
    }
    if limit.act is None:
        raise LimitReached(**facts)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    raise DailyLimitReached(retry_after=int((midnight - at).total_seconds()) + 1, **facts)


def standings(user: User, *, at: datetime) -> list[Standing]:
    """Every limit of the user, in the order of the registry."""
    found = []
    for limit in LIMITS.values():
        used = used_today(user, limit.act, at=at) if limit.act else None
        found.append(Standing(limit, limit_of(user, limit.name), used))
    return found


def put_on_plan(user: User, plan: Plan) -> None:
    UserPlan.objects.update_or_create(user=user, defaults={"plan": plan})
