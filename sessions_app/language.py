"""Which language a socket speaks."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.conf import settings
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from sessions_app.origins import header


def language_of_scope(scope: Mapping[str, Any]) -> str:
    """The one chosen on a page (a cookie), else the program's own wish, else Spanish."""
    wishes = [code for code, _ in parse_accept_lang_header(header(scope, b"accept-language"))]
    try:
        chosen = SimpleCookie(header(scope, b"cookie")).get(settings.LANGUAGE_COOKIE_NAME)
    except CookieError:
        chosen = None
    for code in [chosen.value, *wishes] if chosen else wishes:
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
