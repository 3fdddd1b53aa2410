"""What people and programs may do with trading sessions. The node does what needs the broker."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.acts import TRADING_SESSIONS
from accounts.models import User
from accounts.plans import check_quota
from sessions_app.changes import announce
from sessions_app.models import Sesion
from trading import commands, forming, gate, real, sealed, switches
from trading.events import TRADING_WORK, emit_bot, emit_log, emit_state
from trading.lab_services import strategy_for
from trading.limits import make_limits
from trading.models import AccountKind, Challenge, Command, Order, TradingSession
from trading.refusals import Conflict, InvalidCredentials, NotAccepted, NotFound, TooManyRequests

State, Wanted = TradingSession.State, TradingSession.Wanted
MOST_LIVE = 20  # sessions of one user
LOGINS_A_MINUTE = 30  # of one user
ATTEMPTS = 5  # codes tried for one challenge
ALIASES = {"iq": "iqoption"}
BROKER_NAMES = ("paper", "exnova", "iqoption")


def begin_connect(
    user: User,
    *,
    sesion: Sesion | None,
    broker: str,
    account_type: str,
    email: str = "",
    password: str = "",
    session_id: object = None,
    keep_password: bool = False,
    at: datetime,
) -> tuple[TradingSession, Command]:
    """Open a session, or one of the user's again. The command's answer holds the balance.

    Raises `NotAccepted`, `NotFound`, `Conflict`, `RealNotEnabled` or `TooManyRequests`.
    """
    broker = ALIASES.get(broker, broker)
    if broker not in BROKER_NAMES:
        raise NotAccepted(field="broker", why="unknown")
    if account_type not in AccountKind.values:
        raise NotAccepted(field="account_type", why="unknown")
    if account_type == AccountKind.REAL:
        real.require_to_connect(user, at=at)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two at once cannot pass the counts
        _check_logins(user, at=at)
        session = _session_to_connect(user, broker, account_type, session_id, at=at)
        secret = _login(session, email, password, keep_password=keep_password)
        session.sesion, session.last_used_at = sesion, at
        session.wanted = Wanted.CONNECTED
        session.save(update_fields=["sesion", "last_used_at", "wanted"])
        if session.state in TradingSession.AT_REST:
            session.state, session.reason, session.ended_at = State.CONNECTING, "", None
            session.save(update_fields=["state", "reason", "ended_at"])
            emit_state(session, at=at)
        command = commands.ask(session, "connect", secret=secret, at=at)
    return session, command


def begin_verify(
    user: User, *, challenge_id: object, code: str = "", method: str = "", at: datetime
) -> tuple[TradingSession, Command]:
    """Answer the broker's challenge with `code`, or have one sent by `method`.

    Raises `NotFound` (also past five minutes or five codes) or `TooManyRequests`.
    """
    mine = Challenge.objects.filter(session__user=user, ended_at=None, expires_at__gt=at)
    with transaction.atomic():
        found = mine.select_for_update().filter(pk=_uuid(challenge_id)).first()
        if found is None or found.attempts >= ATTEMPTS:
            raise NotFound
        session = found.session
        if code:
            found.attempts += 1
            found.save(update_fields=["attempts"])
            secret = sealed.seal(session, "command", json.dumps({"code": code}))
            command = commands.ask(
                session, "verify", {"challenge": str(found.pk)}, secret=secret, at=at
            )
        else:
            data = {"challenge": str(found.pk), "method": method or "sms"}
            command = commands.ask(session, "send_code", data, at=at)
    return session, command


def disconnect(session: TradingSession, *, at: datetime, reason: str = "user") -> None:
    """No new order; what is open is followed to its end; then the broker is left for good."""
    with transaction.atomic():
        row = TradingSession.objects.select_for_update().get(pk=session.pk)
        end(row, reason=reason, at=at)
    session.refresh_from_db()


def end(row: TradingSession, *, reason: str, at: datetime) -> None:
    """The same for a row that the caller has locked. The password is forgotten at once."""
    sealed.forget_password(row)
    Challenge.objects.filter(session=row, ended_at=None).update(ended_at=at, secret=None)
    if row.wanted == Wanted.DISCONNECTED and row.state != State.FAILED:
        return
    row.wanted, row.bot_wanted, row.reason = Wanted.DISCONNECTED, False, reason
    if row.state == State.FAILED:
        row.state, row.ended_at = State.DISCONNECTED, at
    row.save(update_fields=["wanted", "bot_wanted", "reason", "state", "ended_at"])
    emit_state(row, at=at)
    announce(TRADING_WORK, str(row.pk))


@transaction.atomic
def start_bot(
    session: TradingSession,
    *,
    sesion: Sesion | None = None,
    strategy: str | None = None,
    parameters: Mapping[str, object] | None = None,
    asset: str | None = None,
    stake: Decimal | None = None,
    minutes: int | None = None,
    candle_seconds: int | None = None,
    at: datetime,
) -> TradingSession:
    """Have the node run the bot; what is None stays as it was.

    Raises `NotAccepted`, `Conflict`, and for the strategy what `strategy_for` raises.
    """
    row = TradingSession.objects.select_for_update().get(pk=session.pk)
    if row.wanted != Wanted.CONNECTED or row.state in TradingSession.AT_REST:
        raise Conflict(reason="not_connected")
    if row.is_real:
        real.require(row.user)
    chosen = {
        "strategy": strategy,
        "parameters": None if parameters is None else dict(parameters),
        "bot_asset": asset,
        "bot_stake": stake,
        "bot_minutes": minutes,
        "candle_seconds": candle_seconds,
    }
    for name, value in chosen.items():
        if value is not None:
            setattr(row, name, value)
    _check_bot(row)
    row.sesion, row.last_used_at = sesion or row.sesion, at
    row.bot_wanted, row.bot_started_at = True, at
    row.save()
    emit_bot(row, at=at)
    announce(TRADING_WORK, str(row.pk))
    return row


@transaction.atomic
def stop_bot(session: TradingSession, *, at: datetime, reason: str = "user") -> TradingSession:
    """No further order of the bot, from the commit of this on; open ones are settled."""
    row = TradingSession.objects.select_for_update().get(pk=session.pk)
    row.last_used_at = at
    if row.bot_wanted:
        row.bot_wanted = False
        emit_bot(row, at=at, reason=reason)
        announce(TRADING_WORK, str(row.pk))
    row.save(update_fields=["bot_wanted", "last_used_at", "event_seq"])
    return row


def trade(
    session: TradingSession,
    *,
    key: uuid.UUID,
    asset: str,
    direction: str,
    stake: Decimal,
    minutes: int,
    at: datetime,
) -> Order:
    """Place an order by hand: through the gate here, to the broker by the node.

    `commands.placed` waits for the broker's answer. Raises what `pass_gate` raises.
    """
    touch([session.pk], at=at)
    return gate.pass_gate(
        session,
        key=key,
        asset=asset,
        direction=direction,
        stake=stake,
        minutes=minutes,
        source=Order.Source.MANUAL,
        at=at,
    )


def halt(session: TradingSession, *, by: User | None, reason: str = "", at: datetime) -> None:
    """The session's kill switch, on."""
    switches.set_switch(switches.session_scope(session), on=True, by=by, reason=reason, at=at)
    stop_bot(session, at=at, reason="halted")


def release(session: TradingSession, *, by: User | None, at: datetime) -> None:
    """The session's kill switch, off. A person has looked: it is blocked no more, and losses in a
    row count from here on.

    Raises `Conflict` where somebody else turned it on and `by` is not of the staff.
    """
    with transaction.atomic():
        switches.check_turner(switches.session_scope(session), by=by)
        switches.set_switch(switches.session_scope(session), on=False, by=by, at=at)
        row = TradingSession.objects.select_for_update().get(pk=session.pk)
        row.losses_since, row.blocked = at, ""
        row.save(update_fields=["losses_since", "blocked"])
        emit_log(row, "released", at=at)


@transaction.atomic
def halt_all(user: User, *, by: User | None, reason: str = "", at: datetime) -> None:
    """The kill switch over all sessions of a user, those that are yet to come too."""
    switches.set_switch(switches.user_scope(user.pk), on=True, by=by, reason=reason, at=at)
    for session in TradingSession.objects.live().filter(user=user, bot_wanted=True).order_by("pk"):
        stop_bot(session, at=at, reason="halted")


@transaction.atomic
def release_all(user: User, *, by: User | None, at: datetime) -> None:
    """The same switch off. Sessions that were halted one by one stay halted, bots stay stopped.

    Raises `Conflict` where somebody else turned it on and `by` is not of the staff.
    """
    switches.check_turner(switches.user_scope(user.pk), by=by)
    switches.set_switch(switches.user_scope(user.pk), on=False, by=by, at=at)


def ask_assets(session: TradingSession, *, at: datetime) -> Command:
    """Answers `{assets: [{name, payout, is_open, …}]}`."""
    return commands.ask(session, "assets", at=at)


def ask_candles(
    session: TradingSession, *, asset: str, seconds: int, count: int, at: datetime
) -> Command:
    """Answers `{candles: [[start, open, high, low, close], …]}`, and has new ones watched."""
    data = {"count": min(max(count, 1), 1000), **_watched(asset, seconds)}
    return commands.ask(session, "candles", data, at=at)


def watch(session: TradingSession, *, asset: str, seconds: int, at: datetime) -> Command:
    """Have the candles of an asset come for the next five minutes, without a bot."""
    return commands.ask(session, "watch", _watched(asset, seconds), at=at)


def _watched(asset: str, seconds: int) -> dict[str, object]:
    return {"asset": asset, "seconds": seconds, "process": forming.process()}


def refill(session: TradingSession, *, at: datetime) -> Command:
    """Fill a PRACTICE account up again. Raises `Conflict` for a real one."""
    if session.is_real:
        raise Conflict(reason="real_account")
    return commands.ask(session, "refill", at=at)


def refresh_balance(session: TradingSession, *, at: datetime) -> Command:
    """Answers `{balance, currency}` as the broker says it now."""
    return commands.ask(session, "balance", at=at)


def touch(session_ids: Iterable[object], *, at: datetime) -> None:
    """The sessions are in use: a call, or a socket that is open."""
    ids = [_uuid(one) for one in session_ids]
    stale = at - timedelta(seconds=30)
    TradingSession.objects.filter(pk__in=ids, last_used_at__lt=stale).update(last_used_at=at)


def _check_logins(user: User, *, at: datetime) -> None:
    """In all sessions, old and new: brokers lock out the address, and that is everybody's."""
    minute = Command.objects.filter(session__user=user, created_at__gt=at - timedelta(minutes=1))
    if minute.filter(kind="connect").count() >= LOGINS_A_MINUTE:
        raise TooManyRequests(retry_after=60)


def _session_to_connect(
    user: User, broker: str, account_type: str, session_id: object, *, at: datetime
) -> TradingSession:
    mine = TradingSession.objects.owned_by(user)
    if session_id not in (None, ""):
        session = mine.select_for_update().filter(pk=_uuid(session_id)).first()
        if session is None:
            raise NotFound
        if (session.broker, session.account_type) != (broker, account_type):
            raise Conflict(reason="another_account")
        if session.wanted == Wanted.DISCONNECTED and session.state not in TradingSession.AT_REST:
            raise Conflict(reason="still_closing")
        return session
    live = mine.live().count()
    if live >= MOST_LIVE:
        raise Conflict(reason="too_many_sessions")
    check_quota(user, TRADING_SESSIONS.name, at=at, used=live)
    session = TradingSession.objects.create(
        user=user, broker=broker, account_type=account_type, created_at=at, last_used_at=at
    )
    make_limits(session)
    emit_state(session, at=at)
    return session


def _login(
    session: TradingSession, email: str, password: str, *, keep_password: bool
) -> bytes | None:
    """What goes to the node, sealed; None where a kept login or none is needed."""
    if password:
        login = {"email": email, "password": password, "keep": keep_password}
        return sealed.seal(session, "command", json.dumps(login))
    if session.broker == "paper" or sealed.has_login(session):
        return None
    raise InvalidCredentials


def _check_bot(row: TradingSession) -> None:
    checks = [
        ("asset", bool(row.bot_asset.strip())),
        ("stake", Decimal(row.bot_stake).is_finite() and row.bot_stake > 0),
        ("minutes", 1 <= row.bot_minutes <= gate.MOST_MINUTES),
        ("candle_seconds", row.candle_seconds in (5, 10, 15, 30, 60, 120, 300, 600, 900, 3600)),
    ]
    for field, holds in checks:
        if not holds:
            raise NotAccepted(field=field, why="out_of_range")
    strategy_for(
        row.user,
        row.strategy,
        row.parameters,
        seconds=row.candle_seconds,
        minutes=row.bot_minutes,
        real=row.is_real,
    )


def _uuid(value: object) -> uuid.UUID:
    """Raises `NotFound`: what is no number of ours is nobody's."""
    try:
        return uuid.UUID(str(value))
    except ValueError as error:
        raise NotFound from error
