"""Pages around a session: to come in, to leave, to see and end one's own."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.models import User
from sessions_app.browser import sesion_of, sign_in_browser, sign_out_browser
from sessions_app.forms import (
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetForm,
    RegisterForm,
    SignInForm,
)
from sessions_app.models import Sesion
from sessions_app.services import end_session, end_sessions_of

ENDED_SHOWN = 10


@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_destination(request))
    form = SignInForm(request.POST or None)
    facts = {"form": form, "next": _destination(request)}
    if form.is_valid():
        user = authenticate(
            request,
            username=form.cleaned_data["login"],
            password=form.cleaned_data["password"],
        )
        if user:
            sign_in_browser(request, user)
            return redirect(_destination(request))
        form.add_error(None, _("That username and password do not belong together."))
    return render(request, "sessions_app/sign_in.html", facts)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    sign_out_browser(request)
    messages.success(request, _("You have signed out."))
    return redirect("home")


@login_required
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


@sensitive_post_parameters("password")
def register(request: HttpRequest) -> HttpResponse:
    form = RegisterForm(request.POST or None)
    if form.is_valid():
        data = form.cleaned_data
        user = User.objects.create_user(
            data["username"], password=data["password"], email=data["email"]
        )
        sign_in_browser(request, user)
        return redirect("home")
    return render(request, "sessions_app/register.html", {"form": form})


def setup(request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG001
    return render(request, "sessions_app/setup.html", {"form": RegisterForm()})


@login_required
def password_change(request: HttpRequest) -> HttpResponse:
    return render(request, "sessions_app/password_change.html", {"form": PasswordChangeForm()})


def password_reset(request: HttpRequest) -> HttpResponse:
    return render(request, "sessions_app/password_reset.html", {"form": PasswordResetForm()})


def password_reset_confirm(request: HttpRequest, uid: str, token: str) -> HttpResponse:  # noqa: ARG001
    return render(request, "sessions_app/password_reset_confirm.html", {"form": NewPasswordForm()})


def _destination(request: HttpRequest) -> str:
    """Where the visitor wanted to go, if it is one of our own pages."""
    asked = request.POST.get("next") or request.GET.get("next") or "/"
    ours = url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked if ours else "/"
