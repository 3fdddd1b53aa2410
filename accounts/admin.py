"""For staff: accounts and invitations. What has consequences goes through the services."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.billing_admin import UserLimitInline, UserPlanInline
from accounts.codes import hash_of, new_code
from accounts.invitations import LIFETIME
from accounts.models import Invitation, User
from accounts.services import (
    LastAdministrator,
    disable,
    enable,
    erase_account,
    keep_an_administrator,
)

if TYPE_CHECKING:
    Admin = ModelAdmin[Any]
    UserModelForm = forms.ModelForm[User]
else:
    Admin = ModelAdmin
    UserModelForm = forms.ModelForm


class UserForm(UserModelForm):
    class Meta:
        model = User
        fields = ["username", "email", "name", "role"]

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        if self.instance.pk and role != User.Role.ADMIN:
            try:
                keep_an_administrator(without=User.objects.get(pk=self.instance.pk))
            except LastAdministrator as refusal:
                raise forms.ValidationError(refusal.sentence(), code=refusal.code) from refusal
        return role


admin.site.unregister(Group)  # what somebody may do hangs on their role alone


@admin.register(User)
class UserAdmin(Admin):
    form = UserForm
    list_display = ["username", "email", "name", "role", "is_active", "created_at", "last_login"]
    list_filter = ["role", "is_active", "created_at"]
    search_fields = ["username_key", "email", "name"]
    ordering = ["-id"]
    readonly_fields = ["is_active", "created_at", "last_login"]
    fields = ["username", "email", "name", "role", *readonly_fields]
    inlines = [UserPlanInline, UserLimitInline]
    actions = ["disable_accounts", "enable_accounts", "make_reset_link"]

    def save_model(self, request: HttpRequest, obj: User, form: object, change: bool) -> None:  # noqa: FBT001
        if not change:
            obj.set_unusable_password()
            words = _("The account has no password yet: make a reset link for it.")
            messages.info(request, words)
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        # An administrator is made an ordinary user first, which the last one cannot be. A list of
        # accounts is not erased at once.
        ordinary = isinstance(obj, User) and obj.role != User.Role.ADMIN
        return ordinary and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase_account(obj)

    @admin.action(description=gettext_lazy("Disable the selected accounts and end their sessions"))
    def disable_accounts(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        disabled = 0
        for user in queryset.filter(is_active=True).order_by("pk"):
            try:
                disable(user)
            except LastAdministrator as refusal:
                messages.error(request, refusal.sentence())
            else:
                disabled += 1
        words = ngettext("%(n)d account disabled.", "%(n)d accounts disabled.", disabled)
        messages.success(request, words % {"n": disabled})

    @admin.action(description=gettext_lazy("Enable the selected accounts"))
    def enable_accounts(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = list(queryset.filter(is_active=False).order_by("pk"))
        for user in users:
            enable(user)
        words = ngettext("%(n)d account enabled.", "%(n)d accounts enabled.", len(users))
        messages.success(request, words % {"n": len(users)})

    @admin.action(description=gettext_lazy("Make a link with which one user chooses a password"))
    def make_reset_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        if len(queryset) != 1 or not queryset[0].is_active:
            messages.error(request, _("Select one active account."))
            return
        user = queryset[0]
        uid = urlsafe_base64_encode(force_bytes(user.pk))
        token = default_token_generator.make_token(user)
        link = request.build_absolute_uri(reverse("password-reset-confirm", args=[uid, token]))
        words = _("Give this link to %(user)s; it works once and for an hour: %(link)s")
        messages.success(request, words % {"user": user, "link": link})


@admin.register(Invitation)
class InvitationAdmin(Admin):
    list_display = ["note", "made_by", "made_at", "expires_at", "used_at", "used_by"]
    list_filter = ["made_at", "used_at"]
    list_select_related = ["made_by", "used_by"]
    search_fields = ["note", "used_by__username"]
    ordering = ["-id"]
    fields = ["note"]

    def save_model(
        self,
        request: HttpRequest,
        obj: Invitation,
        form: object,
        change: bool,  # noqa: FBT001
    ) -> None:
        code = new_code()
        assert isinstance(request.user, User)
        obj.code_hash, obj.made_by, obj.made_at = hash_of(code), request.user, timezone.now()
        obj.expires_at = obj.made_at + LIFETIME
        super().save_model(request, obj, form, change)
        link = f"{request.build_absolute_uri(reverse('register'))}?invitation={code}"
        words = _("Give this link to the person; it is shown once and works once: %(link)s")
        messages.success(request, words % {"link": link})

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
