"""Pages on which somebody looks back, chooses a strategy and holds themselves back."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET

from accounts.models import User
from sessions_app.client import client_of
from sessions_app.pages import form_page
from trading import limits as holding
from trading import real as real_money
from trading import services
from trading.core.strategies import STRATEGIES
from trading.forms import BotForm, LimitsForm, RealForm
from trading.models import AccountKind, Agent, LimitSet
from trading.refusals import NotAccepted
from trading.views import own, sesion_of, user_of
from trading.words import PARAMETERS, said
from trading.words import STRATEGIES as STRATEGY_WORDS
from visionai.lib.errors import DomainError
from visionai.lib.jobs import JobState

A_PAGE = 50


@login_required
@require_GET
def orders(request: HttpRequest, session_id: str) -> HttpResponse:
    session = own(request, session_id)
    page = Paginator(session.orders.all(), A_PAGE).get_page(request.GET.get("page"))
    return render(request, "trading/orders.html", {"session": session, "page": page})


@login_required
@require_GET
def log(request: HttpRequest, session_id: str) -> HttpResponse:
    session = own(request, session_id)
    page = Paginator(session.events.order_by("-seq"), A_PAGE).get_page(request.GET.get("page"))
    return render(request, "trading/log.html", {"session": session, "page": page})


@login_required
def bot(request: HttpRequest, session_id: str) -> HttpResponse:
    """The strategy, what it looks at, and what it stakes."""
    session = own(request, session_id)
    now = {
        "asset": session.bot_asset,
        "stake": session.bot_stake,
        "minutes": session.bot_minutes,
        "candle_seconds": session.candle_seconds,
    }
    form = BotForm(request.POST or None, initial=now)
    chosen = request.POST.get("strategy", session.strategy)
    if form.is_valid():
        try:
            services.start_bot(
                session,
                sesion=sesion_of(request),
                strategy=chosen,
                parameters=parameters_in(request, chosen),
                **form.cleaned_data,
                at=timezone.now(),
            )
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            return redirect("trading-board", session.pk)
    facts: dict[str, Any] = {
        "session": session,
        "strategies": strategies_shown(chosen, session.parameters, session.strategy),
        "agents": trained_agents(user_of(request)),
    }
    return form_page(request, "trading/bot.html", form, **facts)


def strategies_shown(chosen: str, now: dict[str, object], current: str) -> list[dict[str, Any]]:
    """Each strategy with its words and parameters, as a form shows them."""
    shown = []
    for name, kind in STRATEGIES.items():
        label, told = STRATEGY_WORDS.get(name, (name, ""))
        fields = [
            {
                "name": f"{name}.{one.name}",
                "label": PARAMETERS.get(one.name, one.name),
                "parameter": one,
                "step": "1" if one.kind == "int" else "any",
                "value": now.get(one.name, one.default) if name == current else one.default,
            }
            for one in kind.parameters
        ]
        shown.append(
            {"name": name, "label": label, "told": told, "fields": fields, "on": name == chosen}
        )
    return shown


def trained_agents(user: User) -> QuerySet[Agent]:
    """Those that a bot or a backtest of the user's can follow."""
    return Agent.objects.owned_by(user).filter(state=JobState.DONE)


def parameters_in(request: HttpRequest, name: str) -> dict[str, object]:
    """What the form says of the strategy's parameters. Raises `NotAccepted`."""
    if name not in STRATEGIES:
        raise NotAccepted(field="strategy", why="unknown")
    found: dict[str, object] = {}
    for one in STRATEGIES[name].parameters:
        text = request.POST.get(f"{name}.{one.name}", "").strip()
        if not text:
            continue
        try:
            found[one.name] = {"int": int, "float": float}.get(one.kind, str)(text)
        except ValueError as error:
            raise NotAccepted(field=one.name, why="no_number") from error
    return found


def _limits_page(request: HttpRequest, row: LimitSet, **facts: Any) -> HttpResponse:
    at = timezone.now()
    now = holding.in_force(row, at=at)
    values = {name: getattr(now, name) for name in holding.NAMES}
    form = LimitsForm(request.POST or None, initial=values)
    if form.is_valid():
        try:
            after = holding.change_limits(
                row, user=user_of(request), values=form.cleaned_data, at=at
            )
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            _say(request, form.cleaned_data, after)
            return redirect(request.path)
    coming = row.changes.filter(effective_at__gt=at).order_by("effective_at")
    return form_page(request, "trading/limits.html", form, coming=coming, **facts)


def _say(request: HttpRequest, asked: dict[str, Any], after: object) -> None:
    waits = [name for name, value in asked.items() if value > getattr(after, name)]
    if waits:
        messages.success(request, _("Saved. What is higher holds in 24 hours."))
    else:
        messages.success(request, _("Saved. It holds from now on."))


@login_required
def session_limits(request: HttpRequest, session_id: str) -> HttpResponse:
    session = own(request, session_id)
    return _limits_page(request, holding.session_limits_of(session), session=session)


@login_required
def user_limits(request: HttpRequest, account_type: str) -> HttpResponse:
    if account_type not in AccountKind.values:
        raise Http404
    row = holding.user_limits_of(user_of(request), account_type)
    return _limits_page(request, row, account_type=account_type)


@sensitive_post_parameters("password")
@login_required
def real(request: HttpRequest) -> HttpResponse:
    """What real money needs, and the own yes to it."""
    user, at = user_of(request), timezone.now()
    if request.method == "POST" and "revoke" in request.POST:
        real_money.revoke(user, at=at)
        messages.success(request, _("Real money is off for you."))
        return redirect("trading-real")
    form = RealForm(request.POST or None)
    if form.is_valid():
        try:
            ip = client_of(request).ip
            real_money.confirm(user, **form.cleaned_data, ip=ip, at=at)
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            messages.success(request, _("Confirmed. Connect within fifteen minutes."))
            return redirect("trading-real")
    limits = holding.user_limits_of(user, AccountKind.REAL)
    facts: dict[str, Any] = {
        "needs": real_money.missing(user),
        "daily_loss": holding.in_force(limits, at=at).daily_loss,
    }
    return form_page(request, "trading/real.html", form, **facts)
