import threading
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import SetupLink, User
from accounts.services import NotAccepted
from accounts.setup import (
    SetupLinkSpent,
    check_setup_token,
    make_setup_link,
    setup_path,
    use_setup_token,
)
from accounts.tests.factories import NOON, PASSWORD, a_user, an_administrator

pytestmark = pytest.mark.django_db
DAY = timedelta(hours=24)


def use(token: str, username: str = "root", password: str = PASSWORD) -> User:
    return use_setup_token(token, username=username, password=password, at=NOON)


def test_the_link_makes_one_administrator() -> None:
    a_user()  # an ordinary account changes nothing
    token = make_setup_link(at=NOON)
    assert token
    check_setup_token(token, at=NOON)
    user = use(token)
    assert user.is_superuser
    assert user.check_password(PASSWORD)
    with pytest.raises(SetupLinkSpent):
        use(token, "second")
    with pytest.raises(SetupLinkSpent):
        check_setup_token(token, at=NOON)
    assert make_setup_link(at=NOON) is None
    assert setup_path() is None


def test_the_token_itself_is_not_kept() -> None:
    token = make_setup_link(at=NOON)
    assert token not in SetupLink.objects.values_list("token_hash", flat=True)


def test_a_refused_password_leaves_the_link_usable() -> None:
    token = make_setup_link(at=NOON) or ""
    with pytest.raises(NotAccepted):
        use(token, password="pass123")
    assert use(token).username == "root"


def test_a_link_ends_after_a_day_with_a_newer_one_and_with_an_administrator() -> None:
    old = make_setup_link(at=NOON - DAY) or ""
    with pytest.raises(SetupLinkSpent):
        use(old)
    first, second = make_setup_link(at=NOON) or "", make_setup_link(at=NOON) or ""
    with pytest.raises(SetupLinkSpent):
        use(first)
    an_administrator()
    with pytest.raises(SetupLinkSpent):
        use(second, "other")


def test_the_path_is_that_of_the_page() -> None:
    path = setup_path()
    assert path
    assert path.startswith("/cuenta/primera/")


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_becomes_administrator() -> None:
    token = make_setup_link(at=NOON) or ""
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def attempt(number: int) -> None:
        start.wait()
        try:
            outcomes.append(use(token, f"root{number}").username)
        except SetupLinkSpent:
            outcomes.append("spent")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("spent") == 3
    assert User.objects.count() == 1
