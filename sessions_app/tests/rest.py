"""Clients of the REST entrances, and what a refusal looks like."""

from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import PASSWORD
from sessions_app.signin import SignedIn, sign_in
from sessions_app.tests.factories import HERE

PROBLEM = {"type", "title", "status", "detail", "code"}


def signed_in(user: User) -> SignedIn:
    return sign_in(user.username, password=PASSWORD, client=HERE, at=timezone.now())


def as_of(login: SignedIn | str) -> APIClient:
    token = login if isinstance(login, str) else login.tokens.access
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def by_cookie(user: User) -> APIClient:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(body) >= PROBLEM
    assert body["detail"]
    return body
