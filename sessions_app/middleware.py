"""Binds each page request to its open `Sesion`."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def sesion_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    return get_response
