from datetime import UTC, datetime
from itertools import count

from accounts.models import User

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PASSWORD = "a-cold-morning-in-may"
HERE = "192.0.2.7"
ELSEWHERE = "198.51.100.9"
_numbers = count(1)


def a_user(username: str = "", *, password: str = PASSWORD, **fields: str) -> User:
    return User.objects.create_user(
        username or f"user{next(_numbers)}", password=password, **fields
    )


def an_administrator(username: str = "root") -> User:
    return User.objects.create_superuser(username, password=PASSWORD)
