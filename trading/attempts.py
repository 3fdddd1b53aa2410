"""Orders by hand that the gate refused: so many a minute, of a session and of a user.

They are counted in the rows that the gate holds locked, so that attempts at once see each other;
beyond the count the gate looks at nothing more.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from trading.models import LimitSet
from trading.refusals import TooManyRequests

WINDOW: Final = timedelta(minutes=1)  # from the first refusal on
OF_SESSION: Final = 30
OF_USER: Final = 60  # in all sessions of one account type


def check_attempts(limits: Iterable[LimitSet], *, at: datetime) -> None:
    """Raises `TooManyRequests`, which does not count itself."""
    for row in limits:
        most = OF_USER if row.session_id is None else OF_SESSION
        if _is_open(row, at=at) and row.refused >= most:
            assert row.refused_since is not None
            left = (row.refused_since + WINDOW - at).total_seconds()
            raise TooManyRequests(retry_after=max(1, -int(-left // 1)))


def count_refusal(limits: Iterable[LimitSet], *, at: datetime) -> None:
    """In the gate's transaction."""
    for row in limits:
        if not _is_open(row, at=at):
            row.refused, row.refused_since = 0, at
        row.refused += 1
        row.save(update_fields=["refused", "refused_since"])


def _is_open(row: LimitSet, *, at: datetime) -> bool:
    # A moment before it is another machine's clock.
    return row.refused_since is not None and abs(at - row.refused_since) < WINDOW
