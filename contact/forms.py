"""What a visitor types."""

from django import forms
from django.utils.translation import gettext_lazy as _

from contact.models import EMAIL_LENGTH, NAME_LENGTH, SUBJECT_LENGTH, TEXT_LENGTH


class MessageForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=EMAIL_LENGTH,
        help_text=_("To answer you, and for nothing else."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    subject = forms.CharField(label=_("Subject"), max_length=SUBJECT_LENGTH, required=False)
    text = forms.CharField(
        label=_("Message"), max_length=TEXT_LENGTH, widget=forms.Textarea(attrs={"rows": 8})
    )
