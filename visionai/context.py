"""What the frame around every page needs to know."""

from django.conf import settings
from django.http import HttpRequest

THEMES = {"light", "dark"}


def page(request: HttpRequest) -> dict[str, object]:
    """The theme somebody chose (none: as their system says) and who may register."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "registration_mode": settings.REGISTRATION,
    }
