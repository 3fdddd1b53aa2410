"""Pages on which a session is opened, watched and steered."""

import hashlib
import re
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.pages import form_page
from trading import commands, real, selectors, services, session_figures, switches
from trading.api import first_open
from trading.forms import CANDLE_SIZES, CodeForm, ConnectForm, TradeForm
from trading.models import Challenge, KillSwitch, Order, TradingSession
from trading.patience import Waited, page_after, patient
from trading.refusals import NotFound, TwoFactorRequired
from trading.words import said
from visionai.lib.errors import DomainError

RECENT = 8  # rows of a piece
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')
FORGET_AFTER = 30  # sessions on the first page


def user_of(request: HttpRequest) -> User:
    return cast("User", request.user)


def sesion_of(request: HttpRequest) -> Sesion | None:
    found = getattr(request, "sesion", None)
    return found if isinstance(found, Sesion) else None


def own(request: HttpRequest, session_id: object) -> TradingSession:
    """One of the visitor's own. Raises `Http404`."""
    try:
        return selectors.own_session(request.user, session_id)
    except NotFound as error:
        raise Http404 from error


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    mine = TradingSession.objects.owned_by(user_of(request))
    facts = {
        "live": mine.live(),
        "ended": mine.filter(state__in=TradingSession.AT_REST)[:FORGET_AFTER],
        "halted": KillSwitch.objects.filter(
            scope=switches.user_scope(user_of(request).pk), is_on=True
        ).first(),
    }
    return render(request, "trading/home.html", facts)


def _connect(request: HttpRequest, data: dict[str, Any], refused: Any) -> HttpResponse:
    try:
        session, command = services.begin_connect(
            user_of(request), sesion=sesion_of(request), **data, at=timezone.now()
        )
    except DomainError as refusal:
        return cast("HttpResponse", refused(refusal))

    def answered(refusal: DomainError) -> HttpResponse:
        if isinstance(refusal, TwoFactorRequired):
            return redirect("trading-code", challenge_id=refusal.facts["challenge_id"])
        return cast("HttpResponse", refused(refusal))

    return page_after(command, lambda _result: redirect("trading-board", session.pk), answered)


@sensitive_post_parameters("password")
@login_required
def _connect_page(request: HttpRequest) -> HttpResponse:
    form = ConnectForm(request.POST or None)
    facts: dict[str, Any] = {"needs": real.missing(user_of(request))}

    def refused(refusal: DomainError) -> HttpResponse:
        form.add_error(None, said(refusal))
        return form_page(request, "trading/connect.html", form, **facts)

    if form.is_valid():
        return _connect(request, form.cleaned_data, refused)
    return form_page(request, "trading/connect.html", form, **facts)


@login_required
@require_POST
def _paper(request: HttpRequest) -> HttpResponse:
    """One press: a paper account of one's own."""
    return _connect(
        request,
        {"broker": "paper", "account_type": "PRACTICE"},
        lambda refusal: _back(request, refusal, "trading"),
    )


@login_required
@require_POST
def _reconnect(request: HttpRequest, session_id: str) -> HttpResponse:
    found = own(request, session_id)
    data = {"broker": found.broker, "account_type": found.account_type, "session_id": found.pk}
    return _connect(
        request, data, lambda refusal: _back(request, refusal, "trading-board", found.pk)
    )


def _back(request: HttpRequest, refusal: DomainError, name: str, *where: object) -> HttpResponse:
    messages.error(request, f"{refusal.title}. {said(refusal)}")
    return redirect(name, *where)


@sensitive_post_parameters("code")
@login_required
def _code(request: HttpRequest, challenge_id: uuid.UUID) -> HttpResponse:
    at = timezone.now()
    asked = Challenge.objects.filter(
        pk=challenge_id, session__user=user_of(request), ended_at=None, expires_at__gt=at
    ).select_related("session")
    challenge = asked.first()
    if challenge is None:
        messages.error(request, _("The code is not asked for any more. Connect again."))
        return redirect("trading-connect")
    form = CodeForm(request.POST if "code" in request.POST else None)
    facts: dict[str, Any] = {"challenge": challenge, "session": challenge.session}

    def refused(refusal: DomainError) -> HttpResponse:
        form.add_error(None, said(refusal))
        return form_page(request, "trading/code.html", form, **facts)

    sends = request.method == "POST" and "send" in request.POST
    if not sends and not form.is_valid():
        return form_page(request, "trading/code.html", form, **facts)
    answer = {"method": "sms"} if sends else {"code": form.cleaned_data["code"]}
    try:
        session, command = services.begin_verify(
            user_of(request), challenge_id=challenge_id, **answer, at=at
        )
    except DomainError as refusal:
        return refused(refusal)

    def finish(_result: object) -> HttpResponse:
        if not sends:
            return redirect("trading-board", session.pk)
        messages.success(request, _("A code is on its way."))
        return redirect("trading-code", challenge_id)

    def answered(refusal: DomainError) -> HttpResponse:
        if isinstance(refusal, TwoFactorRequired) or sends:
            messages.error(request, said(refusal))
            return redirect("trading-code", refusal.facts.get("challenge_id", challenge_id))
        return refused(refusal)

    return page_after(command, finish, answered)


def pieces_of(request: HttpRequest, session: TradingSession) -> dict[str, str]:
    """The parts of the board that change, each with what tells whether it did."""
    orders = list(session.orders.all()[:RECENT])
    facts = {
        "session": session,
        "tally": selectors.tally(session),
        "switches": switches.switches_on(session),
        "orders": orders,
        "events": session.events.order_by("-seq")[:RECENT],
        "at_rest": session.state in TradingSession.AT_REST,
        "figures": session_figures.figures_of(session, at=timezone.now()),
    }
    found = {}
    for name in ("head", "bot", "orders", "log", "figures"):
        html = render_to_string(f"trading/_{name}.html", facts, request)
        digest = hashlib.sha256(TOKEN.sub("", html).encode()).hexdigest()[:16]
        found[name] = html.replace("DIGEST", digest, 1)
    return found


@login_required
@require_GET
def board(request: HttpRequest, session_id: str) -> HttpResponse:
    session = own(request, session_id)
    services.touch([session.pk], at=timezone.now())
    facts = {
        "session": session,
        "pieces": pieces_of(request, session),
        "at_rest": session.state in TradingSession.AT_REST,
        "trade": _trade_form(session),
        "sizes": CANDLE_SIZES,
    }
    return render(request, "trading/board.html", facts)


def _trade_form(session: TradingSession) -> TradeForm:
    last = session.orders.filter(source=Order.Source.MANUAL).first()
    return TradeForm(
        initial={
            "key": uuid.uuid4(),
            "asset": last.asset if last else session.bot_asset,
            "stake": last.stake if last else session.bot_stake,
            "minutes": last.minutes if last else session.bot_minutes,
        }
    )


@login_required
@require_GET
def pieces(request: HttpRequest, session_id: str) -> HttpResponse:
    """The same for the page that is open; its script takes what changed."""
    session = own(request, session_id)
    return render(request, "trading/_pieces.html", {"pieces": pieces_of(request, session)})


@login_required
@require_POST
def _trade(request: HttpRequest, session_id: str) -> HttpResponse:
    session = own(request, session_id)
    form = TradeForm(request.POST)
    back = redirect("trading-board", session.pk)
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        messages.error(request, f"{form.fields[field].label or field}: {errors[0]}")
        return back
    try:
        order = services.trade(session, **form.cleaned_data, at=timezone.now())
    except DomainError as refusal:
        return _back(request, refusal, "trading-board", session.pk)

    def finish(order: Order) -> HttpResponse:
        if order.state == Order.State.REJECTED:
            messages.error(request, _("The broker did not take the order."))
        elif order.state == Order.State.UNKNOWN:
            messages.warning(request, _("The broker gave no answer; the order is looked for."))
        else:
            messages.success(request, _("The order was placed."))
        return back

    return Waited(lambda: commands.placed(order), finish, lambda _refusal: back)


@login_required
@require_POST
def _start(request: HttpRequest, session_id: str) -> HttpResponse:
    session, at = own(request, session_id), timezone.now()

    def begin(asset: str | None = None) -> HttpResponse:
        services.start_bot(session, sesion=sesion_of(request), asset=asset, at=at)
        return redirect("trading-board", session.pk)

    def refused(refusal: DomainError) -> HttpResponse:
        return _back(request, refusal, "trading-board", session.pk)

    def named(result: Any) -> HttpResponse:
        try:
            return begin(first_open(result, session, {}))
        except DomainError as refusal:
            return refused(refusal)

    try:
        if session.bot_asset:
            return begin()
        return page_after(services.ask_assets(session, at=at), named, refused)
    except DomainError as refusal:
        return refused(refusal)


@login_required
@require_POST
def act(request: HttpRequest, session_id: str, what: str) -> HttpResponse:
    """What needs no broker: stop, halt, release, disconnect."""
    session, at = own(request, session_id), timezone.now()
    user = user_of(request)
    acts: dict[str, Callable[[], object]] = {
        "parar": lambda: services.stop_bot(session, at=at),
        "detener": lambda: services.halt(session, by=user, at=at),
        "reanudar": lambda: services.release(session, by=user, at=at),
        "desconectar": lambda: services.disconnect(session, at=at),
    }
    if what not in acts:
        raise Http404
    try:
        acts[what]()
    except DomainError as refusal:
        return _back(request, refusal, "trading-board", session.pk)
    return redirect("trading-board", session.pk)


@login_required
@require_POST
def _refill(request: HttpRequest, session_id: str) -> HttpResponse:
    session = own(request, session_id)

    def refused(refusal: DomainError) -> HttpResponse:
        return _back(request, refusal, "trading-board", session.pk)

    try:
        command = services.refill(session, at=timezone.now())
    except DomainError as refusal:
        return refused(refusal)
    return page_after(command, lambda _result: redirect("trading-board", session.pk), refused)


@login_required
@require_POST
def halt_all(request: HttpRequest) -> HttpResponse:
    """One's own kill switch over all sessions, on or off."""
    user, on, at = user_of(request), request.POST.get("on") == "1", timezone.now()
    try:
        (services.halt_all if on else services.release_all)(user, by=user, at=at)
    except DomainError as refusal:
        return _back(request, refusal, "trading")
    return redirect("trading")


connect, paper, reconnect = patient(_connect_page), patient(_paper), patient(_reconnect)
code, trade, start, refill = patient(_code), patient(_trade), patient(_start), patient(_refill)
