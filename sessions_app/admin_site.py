"""The operator's console. One comes in through the same service as everywhere else."""

from typing import Any, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.credentials import check_credentials
from sessions_app.client import client_of
from visionai.lib.errors import DomainError


class ConsoleLoginForm(AdminAuthenticationForm):
    refusal: DomainError | None = None

    def clean(self) -> dict[str, Any]:
        login, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not login or not password:
            return self.cleaned_data
        ip = client_of(cast("HttpRequest", self.request)).ip
        try:
            user = check_credentials(login, password=password, ip=ip, at=timezone.now())
        except DomainError as refusal:
            self.refusal = refusal
            raise ValidationError(refusal.sentence(), code=refusal.code) from refusal
        self.confirm_login_allowed(user)
        self.user_cache = user
        return self.cleaned_data


class ConsoleSite(AdminSite):
    login_form = ConsoleLoginForm

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = super().login(request, extra_context)
        facts = getattr(response, "context_data", None) or {}
        refusal = getattr(facts.get("form"), "refusal", None)
        if refusal is not None and refusal.retry_after is not None:
            response.status_code = refusal.status
            response["Retry-After"] = str(refusal.retry_after)
        return response

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        """Our page, which ends the other sessions."""
        return redirect("password-change")
