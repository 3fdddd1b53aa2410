from datetime import UTC, datetime
from itertools import count

from accounts.models import User
from sessions_app.client import Client
from sessions_app.models import Sesion
from sessions_app.services import start_session

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HERE = Client(ip="192.0.2.7", user_agent="Firefox on a laptop")
_numbers = count(1)


def a_user(username: str = "", **fields: str) -> User:
    return User.objects.create_user(username or f"ana{next(_numbers)}", **fields)


def a_session(
    user: User | None = None, *, kind: Sesion.Kind = Sesion.Kind.BROWSER, at: datetime = NOON
) -> Sesion:
    return start_session(user or a_user(), kind=kind, client=HERE, at=at)
