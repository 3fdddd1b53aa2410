"""Pages about one's own account: what it says, its password, its end."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import User
from accounts.services import update_profile
from sessions_app.account import erase_own_account
from sessions_app.browser import sesion_of, sign_out_browser
from sessions_app.client import client_of
from sessions_app.forms import (
    EraseForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetForm,
    ProfileForm,
)
from sessions_app.pages import form_page
from sessions_app.passwords import (
    BadResetLink,
    change_password,
    check_reset,
    confirm_reset,
    request_reset,
)
from visionai.lib.errors import DomainError


@sensitive_post_parameters("password")
@login_required
def account(request: HttpRequest) -> HttpResponse:
    user, refusal = cast("User", request.user), None
    said = {"name": user.name, "email": user.email or ""}
    form = ProfileForm(request.POST or None, initial=said)
    if form.is_valid():
        ip, at = client_of(request).ip, timezone.now()
        try:
            update_profile(user, **form.cleaned_data, ip=ip, at=at)
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, _("Saved."))
            return redirect("account")
    return form_page(request, "sessions_app/account.html", form, refusal=refusal)


@sensitive_post_parameters("current", "password")
@login_required
def password_change(request: HttpRequest) -> HttpResponse:
    user, refusal = cast("User", request.user), None
    form = PasswordChangeForm(request.POST or None)
    if form.is_valid():
        data, sid = form.cleaned_data, sesion_of(request).pk
        current, new, ip = data["current"], data["password"], client_of(request).ip
        try:
            change_password(user, current=current, new=new, keep=sid, ip=ip, at=timezone.now())
        except DomainError as error:
            refusal = error
        else:
            update_session_auth_hash(request, user)  # this browser stays signed in
            messages.success(request, _("The password was changed; your other sessions ended."))
            return redirect("account")
    return form_page(request, "sessions_app/password_change.html", form, refusal=refusal)


def password_reset(request: HttpRequest) -> HttpResponse:
    """Always the same answer, or a stranger could ask which addresses have an account."""
    form, refusal, sent = PasswordResetForm(request.POST or None), None, False
    if form.is_valid():
        site, ip = request.build_absolute_uri("/")[:-1], client_of(request).ip
        try:
            request_reset(form.cleaned_data["email"], site=site, ip=ip, at=timezone.now())
        except DomainError as error:
            refusal = error
        else:
            sent = True
    template = "sessions_app/password_reset.html"
    return form_page(request, template, form, refusal=refusal, sent=sent)


@sensitive_post_parameters("password")
def password_reset_confirm(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    template, form = (
        "sessions_app/password_reset_confirm.html",
        NewPasswordForm(request.POST or None),
    )
    refusal: DomainError | None = None
    try:
        check_reset(uid, token)
        if form.is_valid():
            confirm_reset(uid, token, password=form.cleaned_data["password"], at=timezone.now())
            messages.success(request, _("The password was changed. Sign in with the new one."))
            return redirect("sign-in")
    except BadResetLink:
        return form_page(request, template, form, spent=True)
    except DomainError as error:
        refusal = error
    return form_page(request, template, form, refusal=refusal)


@sensitive_post_parameters("password")
@login_required
def erase(request: HttpRequest) -> HttpResponse:
    user, refusal = cast("User", request.user), None
    form = EraseForm(request.POST or None, has_password=user.has_usable_password())
    if request.method == "POST" and form.is_valid():
        password, ip = form.cleaned_data.get("password", ""), client_of(request).ip
        sesion, at = sesion_of(request), timezone.now()
        try:
            erase_own_account(user, sesion=sesion, password=password, ip=ip, at=at)
        except DomainError as error:
            refusal = error
        else:
            sign_out_browser(request)
            messages.success(request, _("Your account has been erased."))
            return redirect("home")
    return form_page(request, "sessions_app/erase.html", form, refusal=refusal)
