"""What people type to come in, and about their account."""

from typing import Any, cast

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.utils.translation import gettext_lazy as _

from accounts.services import NotAccepted
from visionai.lib.errors import DomainError


def _username_field(label: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"})
    return forms.CharField(label=label, max_length=190, widget=widget)


def _email_field(*, required: bool, help_text: Any = "") -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": "email"})
    return forms.EmailField(
        label=_("E-mail"), max_length=190, required=required, help_text=help_text, widget=widget
    )


def _known_password_field(label: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
    return forms.CharField(label=label, strip=False, widget=widget)


def _new_password_field(label: Any) -> forms.CharField:
    """The rules stand below it; who applies them is the service."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(
        label=label, strip=False, widget=widget, help_text=password_validators_help_text_html
    )


class SignInForm(forms.Form):
    login = _username_field(_("Username or e-mail"))
    password = _known_password_field(_("Password"))


class AccountForm(forms.Form):
    """A new account."""

    username = _username_field(_("Username"))
    email = _email_field(
        required=False,
        help_text=_("Without it nobody can send you a link for a forgotten password."),
    )
    password = _new_password_field(_("Password"))


class InvitedForm(AccountForm):
    invitation = forms.CharField(
        label=_("Invitation code"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class ProfileForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = _email_field(required=False)
    password = _known_password_field(_("Current password"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].required = False
        self.fields["password"].help_text = _("Needed to change the e-mail alone.")


class EraseForm(forms.Form):
    password = _known_password_field(_("Your password, to be sure it is you"))

    def __init__(self, *args: Any, has_password: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_password:  # who came by another identity has none to give
            del self.fields["password"]


class PasswordChangeForm(forms.Form):
    current = _known_password_field(_("Current password"))
    password = _new_password_field(_("New password"))


class PasswordResetForm(forms.Form):
    email = _email_field(required=True)


class NewPasswordForm(forms.Form):
    password = _new_password_field(_("New password"))


def show_refusal(form: forms.Form, refusal: DomainError) -> None:
    """Put a refusal where it belongs: beside the fields that it names, else above the form."""
    if not isinstance(refusal, NotAccepted):
        form.add_error(None, refusal.sentence())
        return
    errors = cast("dict[str, list[str]]", refusal.facts["errors"])
    for field, sentences in errors.items():
        for sentence in sentences:
            form.add_error(field if field in form.fields else None, sentence)
