"""What people type to connect, to trade and to hold themselves back."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from trading.models import BROKERS, AccountKind
from trading.reasons import LIMITS

CANDLE_SIZES = [(5, "5 s"), (15, "15 s"), (30, "30 s"), (60, "1 min"), (300, "5 min")]
MONEY = ("stake", "daily_loss", "drawdown")


def money_field(label: Any, **more: Any) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"})
    return forms.DecimalField(label=label, max_digits=14, decimal_places=2, widget=widget, **more)


class SecretInput(forms.PasswordInput):
    """Seen while it is typed, and never sent back."""

    input_type = "text"


class ConnectForm(forms.Form):
    broker = forms.ChoiceField(label=_("Broker"), choices=BROKERS, initial="paper")
    account_type = forms.ChoiceField(
        label=_("Account"),
        choices=AccountKind.choices,
        initial=AccountKind.PRACTICE,
        help_text=_("Real money needs the operator's, an administrator's and your own yes."),
    )
    email = forms.CharField(
        label=_("E-mail at the broker"),
        max_length=190,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("Paper needs neither e-mail nor password."),
    )
    password = forms.CharField(
        label=_("Password at the broker"),
        max_length=200,
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    keep_password = forms.BooleanField(
        label=_("Keep the password, sealed, to come back without me"),
        required=False,
        help_text=_("Without it only the broker's token is kept, until you disconnect."),
    )


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=SecretInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class TradeForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput)
    asset = forms.CharField(
        label=_("Asset"),
        max_length=40,
        widget=forms.TextInput(attrs={"list": "assets", "autocomplete": "off"}),
    )
    stake = money_field(_("Stake"), min_value=Decimal("0.01"))
    minutes = forms.IntegerField(label=_("Expiry in minutes"), min_value=1, max_value=1440)
    direction = forms.ChoiceField(choices=[("call", _("Up")), ("put", _("Down"))])


class BotForm(forms.Form):
    asset = forms.CharField(
        label=_("Asset"),
        max_length=40,
        widget=forms.TextInput(attrs={"list": "assets", "autocomplete": "off"}),
    )
    stake = money_field(_("Stake"), min_value=Decimal("0.01"))
    minutes = forms.IntegerField(label=_("Expiry in minutes"), min_value=1, max_value=1440)
    candle_seconds = forms.TypedChoiceField(
        label=_("Candles"), choices=CANDLE_SIZES, coerce=int, initial=60
    )


class LimitsForm(forms.Form):
    """One field for each limit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name: str
        label: Any
        for name, label in LIMITS.items():
            self.fields[name] = (
                money_field(label, min_value=0)
                if name in MONEY
                else forms.IntegerField(label=label, min_value=0, max_value=10**9)
            )


class RealForm(forms.Form):
    daily_loss = money_field(_("The most that a day may lose"), min_value=Decimal("0.01"))
    typed = forms.CharField(
        label=_("Type REAL and that amount with two decimals, as in: REAL 50.00"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=_("Your password here, to be sure it is you"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
