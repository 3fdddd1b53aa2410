"""A page around one form, whatever came of it."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.lockout import TooManyAttempts
from sessions_app.forms import show_refusal
from visionai.lib.errors import DomainError


def form_page(
    request: HttpRequest,
    template: str,
    form: forms.Form,
    *,
    refusal: DomainError | None = None,
    **facts: object,
) -> HttpResponse:
    """The form as typed, with the refusal beside it; a lock-out stands above and is a 429."""
    locked = isinstance(refusal, TooManyAttempts)
    if refusal and not locked:
        show_refusal(form, refusal)
    words = refusal.sentence() if refusal and locked else ""
    response = render(request, template, {"form": form, "locked": words, **facts})
    if refusal and locked:
        response.status_code = refusal.status
        response["Retry-After"] = str(refusal.retry_after)
    return response


def destination(request: HttpRequest) -> str:
    """Where the visitor wanted to go, if it is one of our own pages."""
    asked = request.POST.get("next") or request.GET.get("next") or "/"
    ours = url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked if ours else "/"
