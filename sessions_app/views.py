"""Pages around a session: to come in, to leave, to see and end one's own."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts import services as accounts
from accounts.models import User
from accounts.setup import check_setup_token, use_setup_token
from sessions_app.browser import sesion_of, sign_in_browser, sign_out_browser
from sessions_app.client import client_of
from sessions_app.forms import AccountForm, InvitedForm, SignInForm
from sessions_app.models import Sesion
from sessions_app.pages import destination, form_page
from sessions_app.services import end_session, end_sessions_of
from sessions_app.signin import sign_in_page
from visionai.lib.errors import DomainError

ENDED_SHOWN = 10


@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    wanted = destination(request)
    if request.user.is_authenticated:
        return redirect(wanted)
    form, refusal = SignInForm(request.POST or None), None
    if form.is_valid():
        data = form.cleaned_data
        try:
            sign_in_page(request, data["login"], password=data["password"])
        except DomainError as error:
            refusal = error
        else:
            return redirect(wanted)
    template = "sessions_app/sign_in.html"
    return form_page(request, template, form, refusal=refusal, next=wanted)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    sign_out_browser(request)
    messages.success(request, _("You have signed out."))
    return redirect("home")


@sensitive_post_parameters("password", "invitation")
def register(request: HttpRequest) -> HttpResponse:
    """In by oneself; by invitation with its code; or, where it is closed, a word about that."""
    wanted = destination(request)
    if request.user.is_authenticated:
        return redirect(wanted)
    template = "sessions_app/register.html"
    if settings.REGISTRATION == accounts.CLOSED:
        return render(request, template, {"form": None})
    kind = InvitedForm if settings.REGISTRATION == accounts.INVITE else AccountForm
    form = kind(request.POST or None, initial={"invitation": request.GET.get("invitation", "")})
    refusal = None
    if form.is_valid():
        ip, at = client_of(request).ip, timezone.now()
        try:
            user = accounts.register(**form.cleaned_data, ip=ip, at=at)
        except DomainError as error:
            refusal = error
        else:
            sign_in_browser(request, user)
            return redirect(wanted)
    return form_page(request, template, form, refusal=refusal, next=wanted)


@sensitive_post_parameters("password")
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """The first administrator, by the link that works once."""
    check_setup_token(token, at=timezone.now())
    form, refusal = AccountForm(request.POST or None), None
    if form.is_valid():
        try:
            user = use_setup_token(token, **form.cleaned_data, at=timezone.now())
        except accounts.NotAccepted as error:
            refusal = error
        else:
            sign_in_browser(request, user)
            return redirect("home")
    return form_page(request, "sessions_app/setup.html", form, refusal=refusal)


@login_required
@require_GET
def my_sessions(request: HttpRequest) -> HttpResponse:
    mine = Sesion.objects.owned_by(request.user)
    facts = {
        "open": mine.open_at(timezone.now()).order_by("-last_seen"),
        "ended": mine.exclude(fecha_fin=None).order_by("-fecha_fin")[:ENDED_SHOWN],
        "current": sesion_of(request).pk,
    }
    return render(request, "sessions_app/my_sessions.html", facts)


@require_POST
@login_required
def end_one_session(request: HttpRequest, sid: int) -> HttpResponse:
    sesion = get_object_or_404(Sesion.objects.owned_by(request.user), pk=sid)
    end_session(sesion, reason=Sesion.EndReason.REVOKED_BY_USER, at=timezone.now())
    messages.success(request, _("The session was ended."))
    return redirect("my-sessions")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    count = end_sessions_of(
        cast("User", request.user),
        reason=Sesion.EndReason.REVOKED_BY_USER,
        at=timezone.now(),
        keep=sesion_of(request).pk,
    )
    message = ngettext("%(count)s session was ended.", "%(count)s sessions were ended.", count)
    messages.success(request, message % {"count": count})
    return redirect("my-sessions")
