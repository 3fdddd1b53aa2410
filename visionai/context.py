"""What the frame around every page needs to know."""

import re

from django.conf import settings
from django.http import HttpRequest

SECRET = re.compile("token|passw|secret|key|code", re.IGNORECASE)
THEMES = {"light", "dark"}


def page(request: HttpRequest) -> dict[str, object]:
    """The theme somebody chose (none: as their system says) and who may register."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "registration_mode": settings.REGISTRATION,
        "here": here(request),
    }


def here(request: HttpRequest) -> str:
    """The address to come back to, without what a careless link carries: a page repeats no secret.

    A form that was sent has only its path.
    """
    if request.method != "GET":
        return request.path
    query = request.GET.copy()
    for name in [name for name in query if SECRET.search(name)]:
        del query[name]
    return f"{request.path}?{query.urlencode()}" if query else request.path
