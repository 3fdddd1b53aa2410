"""What the assistant counts: one call for each answer that a signed-in user got."""

import hashlib
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from accounts.acts import ASSISTANT_CALL, ASSISTANT_CALLS_A_DAY
from accounts.models import UsageRow, User
from accounts.plans import check_quota
from accounts.usage import record

Caller = User | AnonymousUser | None


def check_calls(user: Caller, *, at: datetime, key: str = "") -> None:
    """Before the work: raises `DailyLimitReached` where one call more would be too many.

    A call that was counted under this key is not one more.
    """
    if isinstance(user, User) and not _is_counted(key):
        check_quota(user, ASSISTANT_CALLS_A_DAY.name, at=at)


@transaction.atomic
def count_call(
    user: Caller, *, key: str, at: datetime, session_id: int | str | None = None
) -> bool:
    """After the work, in the transaction of what it made: count it, once for each key.

    False where it was counted before, and for a visitor. What was begun is counted even where
    others used up the day meanwhile.
    """
    if not isinstance(user, User):
        return False
    return record(user, act=ASSISTANT_CALL, key=key, at=at, session_id=session_id)


@transaction.atomic
def claim_call(user: User, *, key: str, at: datetime, session_id: int | str | None = None) -> bool:
    """Count a call that leaves no row of its own, within the day's limit however many ask at once.

    False where it was counted before. Raises `DailyLimitReached`.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if _is_counted(key):
        return False
    check_calls(user, at=at)
    return record(user, act=ASSISTANT_CALL, key=key, at=at, session_id=session_id)


def key_of(kind: str, user: User, repeat: str, *content: bytes) -> str:
    """The name of a call that its client may repeat: the same words under the same `repeat`.

    The content is in it, so that one `repeat` cannot carry two different calls.
    """
    digest = hashlib.sha256()
    for part in (repeat.encode(), *content):
        digest.update(len(part).to_bytes(8, "big") + part)
    return f"{kind}:{user.pk}:{digest.hexdigest()[:40]}"


def _is_counted(key: str) -> bool:
    return bool(key) and UsageRow.objects.filter(act=ASSISTANT_CALL.name, key=key).exists()
