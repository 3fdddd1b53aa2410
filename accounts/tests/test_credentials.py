import threading
from datetime import timedelta
from unittest.mock import patch

import bcrypt
import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts import lockout
from accounts.credentials import (
    AccountDisabled,
    WrongCredentials,
    WrongPassword,
    check_credentials,
    confirm_password,
)
from accounts.lockout import TooManyAttempts, prune_attempts
from accounts.models import Attempt, User
from accounts.tests.factories import ELSEWHERE, HERE, NOON, PASSWORD, a_user

pytestmark = pytest.mark.django_db
LIMITS = lockout.LIMITS[lockout.SIGN_IN]


def sign_in(
    login: str, password: str = PASSWORD, *, ip: str | None = HERE, minutes: float = 0
) -> User:
    at = NOON + timedelta(minutes=minutes)
    return check_credentials(login, password=password, ip=ip, at=at)


def fail(login: str, times: int, *, ip: str | None = HERE, minutes: float = 0) -> None:
    for _time in range(times):
        with pytest.raises(WrongCredentials):
            sign_in(login, "wrong", ip=ip, minutes=minutes)


@pytest.mark.parametrize(
    "login", ["Ana", "ANA", " ana ", "ａｎａ", "ana@example.org", "ANA@Example.org"]
)
def test_one_signs_in_by_username_or_e_mail_in_any_case(login: str) -> None:
    user = a_user("Ana", email="Ana@example.org")
    assert sign_in(login) == user


def test_an_e_mail_belongs_to_its_user_even_where_another_has_it_as_name() -> None:
    owner = a_user("ana", email="ana@example.org")
    other = a_user("ana@example.org", password="another-cold-morning")  # of an older system
    assert sign_in("ana@example.org") == owner
    owner.delete()
    assert sign_in("ana@example.org", "another-cold-morning") == other


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer() -> None:
    a_user("ana")
    answers = []
    for login in ("ana", "nobody"):
        with pytest.raises(WrongCredentials) as refusal:
            sign_in(login, "wrong")
        answers.append((refusal.value.status, refusal.value.sentence(), refusal.value.facts))
    assert answers[0] == answers[1] == (401, answers[0][1], {})


def test_an_unknown_user_costs_one_hash_as_a_known_one_does() -> None:
    a_user("ana")
    hasher = "tests.hashers.QuickArgon2PasswordHasher"
    with patch(f"{hasher}.encode", autospec=True, return_value="argon2$x") as unknown:
        fail("nobody", 1)
    with patch(f"{hasher}.verify", autospec=True, return_value=False) as known:
        fail("ana", 1)
    assert unknown.call_count == known.call_count == 1


def test_an_account_without_password_cannot_be_signed_in_to() -> None:
    user = a_user("ana")
    user.set_unusable_password()
    user.save()
    for password in ("", user.password, "!"):
        with pytest.raises(WrongCredentials):
            sign_in("ana", password)


def test_a_disabled_account_is_named_only_to_whom_knows_the_password() -> None:
    user = a_user("ana")
    User.objects.filter(pk=user.pk).update(is_active=False)
    fail("ana", 1)
    with pytest.raises(AccountDisabled) as refusal:
        sign_in("ana")
    assert refusal.value.status == 401


@pytest.mark.parametrize("prefix", ["", "bcrypt$"])
@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
def test_a_bcrypt_hash_of_the_originals_is_accepted_once_and_replaced(
    prefix: str, version: str
) -> None:
    user = a_user("ana")
    raw = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("2b", version, 1)
    User.objects.filter(pk=user.pk).update(password=prefix + raw)
    fail("ana", 1)
    assert User.objects.get().password == prefix + raw
    assert sign_in("ana").password.startswith("argon2$")
    assert User.objects.get().password.startswith("argon2$")
    assert sign_in("ana") == user


def test_a_long_password_hashed_by_bcrypt_still_works() -> None:
    user = a_user("ana")
    long = "ñ" * 50
    raw = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    User.objects.filter(pk=user.pk).update(password=raw)
    assert sign_in("ana", long) == user


@pytest.mark.parametrize("damaged", ["$2b$04$short", "bcrypt$nonsense", "nonsense", "", "argon2$"])
def test_a_damaged_hash_lets_nobody_in(damaged: str) -> None:
    user = a_user("ana")
    User.objects.filter(pk=user.pk).update(password=damaged)
    fail("ana", 1)


def test_replacing_an_old_hash_does_not_undo_a_change_of_password() -> None:
    user = a_user("ana")
    raw = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    User.objects.filter(pk=user.pk).update(password=raw)
    stale = User.objects.get()
    changed = make_password("a-warm-evening-in-june")
    User.objects.filter(pk=user.pk).update(password=changed)
    assert stale.check_password(PASSWORD)
    assert User.objects.get().password == changed


def test_after_ten_failures_even_the_right_password_waits() -> None:
    a_user("ana")
    fail("ana", LIMITS.per_pair)
    with pytest.raises(TooManyAttempts) as refusal:
        sign_in("ana", minutes=5)
    assert (refusal.value.status, refusal.value.retry_after) == (429, 600)
    assert "10 minut" in refusal.value.sentence()
    with pytest.raises(TooManyAttempts) as refusal:
        sign_in("ana", minutes=14.5)
    assert refusal.value.retry_after == 30
    assert "30 s" in refusal.value.sentence()
    sign_in("ana", minutes=15)


def test_what_is_refused_does_not_lengthen_the_wait() -> None:
    a_user("ana")
    fail("ana", LIMITS.per_pair)
    for minute in range(1, 15):
        with pytest.raises(TooManyAttempts):
            sign_in("ana", "wrong", minutes=minute)
    sign_in("ana", minutes=15)


def test_all_names_of_an_account_share_its_failures() -> None:
    a_user("ana", email="ana@example.org")
    for login in ("ana", "ANA", "ana@example.org", "Ana@Example.org", " ana "):
        fail(login, 2)
    with pytest.raises(TooManyAttempts):
        sign_in("ana")


def test_all_writings_of_an_unknown_name_share_theirs() -> None:
    fail("nobody", 5)
    fail("NOBODY", 5)
    with pytest.raises(TooManyAttempts):
        sign_in("Nobody", "wrong")


def test_a_stranger_elsewhere_does_not_lock_the_owner_out() -> None:
    a_user("ana")
    fail("ana", LIMITS.per_pair, ip=ELSEWHERE)
    sign_in("ana")


def test_a_success_clears_the_pair_alone() -> None:
    a_user("ana")
    fail("ana", LIMITS.per_pair - 1)
    fail("ana", 3, ip=ELSEWHERE)
    fail("nobody", 2)
    sign_in("ana")
    assert Attempt.objects.count() == 5
    fail("ana", LIMITS.per_pair - 1)
    sign_in("ana")


def test_an_address_that_tries_many_accounts_is_refused_everywhere() -> None:
    a_user("ana")
    for number in range(LIMITS.per_address):
        fail(f"nobody{number}", 1)
    with pytest.raises(TooManyAttempts):
        sign_in("ana")
    sign_in("ana", ip=ELSEWHERE)


def test_an_ipv6_customer_has_one_address() -> None:
    a_user("ana")
    for number in range(LIMITS.per_pair):
        fail("ana", 1, ip=f"2001:db8::{number + 1}")
    with pytest.raises(TooManyAttempts):
        sign_in("ana", ip="2001:db8::ffff")
    sign_in("ana", ip="2001:db8:0:1::1")
    sign_in("ana", ip=None)


def test_a_name_that_was_typed_is_not_kept() -> None:
    fail("my-password-by-mistake", 1)
    assert "password" not in Attempt.objects.get().account


def test_old_attempts_are_removed() -> None:
    fail("nobody", 2)
    fail("nobody", 1, minutes=2)
    prune_attempts(at=NOON + timedelta(minutes=61))
    assert Attempt.objects.count() == 1


def test_confirming_a_password_counts_with_signing_in() -> None:
    user = a_user("ana")
    confirm_password(user, password=PASSWORD, ip=HERE, at=NOON)
    for _time in range(LIMITS.per_pair):
        with pytest.raises(WrongPassword):
            confirm_password(user, password="wrong", ip=HERE, at=NOON)
    with pytest.raises(TooManyAttempts):
        confirm_password(user, password=PASSWORD, ip=HERE, at=NOON)
    with pytest.raises(TooManyAttempts):
        sign_in("ana")


@pytest.mark.django_db(transaction=True)
def test_parallel_tries_do_not_outrun_the_count() -> None:
    a_user("ana")
    outcomes: list[str] = []
    start = threading.Barrier(25)

    def attempt() -> None:
        start.wait()
        try:
            sign_in("ana", "wrong")
        except (WrongCredentials, TooManyAttempts) as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _number in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 25
    assert 1 <= outcomes.count("wrong_credentials") <= LIMITS.per_pair
