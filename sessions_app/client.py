"""Who is on the other side of a connection."""

from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Client:
    ip: str | None
    user_agent: str


def client_of(request: HttpRequest) -> Client:
    return Client(
        ip=request.META.get("REMOTE_ADDR") or None,
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:300],
    )
