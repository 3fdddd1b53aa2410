"""Which language an answer is written in."""

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation


class LanguageMiddleware(LocaleMiddleware):
    """The one chosen on a page (a cookie); else Spanish on pages.

    A program has no switch to press: for anything but a page `Accept-Language` counts.
    """

    def process_request(self, request: HttpRequest) -> None:
        chosen = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
        if not chosen and "text/html" in request.headers.get("Accept", ""):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
            return
        super().process_request(request)
