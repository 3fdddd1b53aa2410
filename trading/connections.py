"""What a node writes about a session's connection. Each step is one transaction of its owner."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction

from trading import sealed, uptime
from trading.brokers.base import Account, SecondFactor
from trading.core.states import session_move
from trading.events import (
    emit_balance,
    emit_bot,
    emit_state,
    next_event,
    state_data,
    write_events,
)
from trading.models import AccountHold, Challenge, Command, TradingSession
from trading.order_flow import Owner
from trading.ownership import owned
from trading.turns import turn

State, Wanted = TradingSession.State, TradingSession.Wanted
CHALLENGE_LASTS = timedelta(minutes=5)


class AccountInUse(Exception):
    """Another live session trades on this account."""


def load(owner: Owner) -> TradingSession:
    """The session as it is. Raises `Fenced`."""
    with owned(owner.session_id, owner.fence) as session:
        return session


def waiting_commands(owner: Owner) -> list[Command]:
    """Those that nobody took, oldest first; what an earlier owner took and left has failed."""
    commands = Command.objects.filter(session_id=owner.session_id)
    return list(commands.filter(state=Command.State.WAITING).order_by("pk"))


def take_command(owner: Owner, command: Command) -> bool:
    mine = Command.objects.filter(pk=command.pk, state=Command.State.WAITING)
    return bool(mine.update(state=Command.State.TAKEN, fence=owner.fence))


def fail_left_commands(owner: Owner, *, at: datetime) -> None:
    """A login that a node died in is not tried again without the person."""
    left = Command.objects.filter(session_id=owner.session_id, state=Command.State.TAKEN)
    left.exclude(fence=owner.fence).update(
        state=Command.State.FAILED, secret=None, ended_at=at, result={"code": "broker_unreachable"}
    )


def answer_command(command: Command, result: Mapping[str, object], *, at: datetime) -> None:
    _end_command(command, Command.State.DONE, result, at=at)


def fail_command(command: Command, error: Mapping[str, object], *, at: datetime) -> None:
    _end_command(command, Command.State.FAILED, error, at=at)


def mark_connected(owner: Owner, account: Account, *, at: datetime) -> TradingSession:
    """The account is open and held by this session alone. Raises `AccountInUse`."""
    try:
        with owned(owner.session_id, owner.fence) as session:
            _hold(session, account)
            session.currency = account.currency
            session.balance = round(account.balance, 2)
            uptime.begin(session, again=session.state == State.RECONNECTING, at=at)
            if session.state != State.CLOSING:
                session.state = session_move(session.state, State.CONNECTED)
            session.reason = ""
            session.save(update_fields=["currency", "balance", "state", "reason", *uptime.FIELDS])
            if account.token is not None:
                sealed.keep(session, token=account.token.value.reveal())
            emit_state(session, at=at)
            emit_balance(session, at=at)
            return session
    except IntegrityError as error:
        raise AccountInUse from error


def mark_state(owner: Owner, state: str, *, reason: str = "", at: datetime) -> TradingSession:
    """Raises `IllegalMove`."""
    with owned(owner.session_id, owner.fence) as session:
        if (session.state, session.reason) != (state, reason):
            session.state, session.reason = session_move(session.state, state), reason
            if state == State.RECONNECTING:
                uptime.end(session, at=at)
            session.save(update_fields=["state", "reason", *uptime.FIELDS])
            emit_state(session, at=at)
        return session


def mark_left(owners: Sequence[Owner], *, at: datetime) -> None:
    """Their node stopped and freed them; those that another one has by now are its own."""
    fences = {one.session_id: one.fence for one in owners}
    with turn(), transaction.atomic():
        free = TradingSession.objects.select_for_update().filter(node="", state=State.CONNECTED)
        events = []
        for row in free.filter(pk__in=fences).order_by("pk"):
            if row.fence == fences[row.pk]:
                row.state, row.reason = session_move(row.state, State.RECONNECTING), "restarting"
                uptime.end(row, at=at)
                events.append(next_event(row, "state", state_data(row), at=at))
                row.save(update_fields=["state", "reason", "event_seq", *uptime.FIELDS])
        write_events(events)


def mark_failed(owner: Owner, *, reason: str, at: datetime) -> TradingSession:
    """It needs the person; the bot stops. What is open stays to be followed after a connect."""
    with owned(owner.session_id, owner.fence) as session:
        session.state, session.reason = session_move(session.state, State.FAILED), reason
        session.bot_wanted = session.bot_running = False
        session.ended_at = at
        uptime.end(session, at=at)
        session.save()
        AccountHold.objects.filter(session=session).delete()
        emit_state(session, at=at)
        return session


def mark_disconnected(owner: Owner, *, at: datetime) -> TradingSession:
    """The end: nothing of the login is kept."""
    with owned(owner.session_id, owner.fence) as session:
        sealed.forget(session)
        AccountHold.objects.filter(session=session).delete()
        session.state = session_move(session.state, State.DISCONNECTED)
        session.bot_wanted = session.bot_running = False
        session.ended_at = at
        uptime.end(session, at=at)
        session.save()
        emit_state(session, at=at)
        return session


def mark_bot(owner: Owner, *, running: bool, reason: str = "", at: datetime) -> None:
    with owned(owner.session_id, owner.fence) as session:
        if session.bot_running != running:
            session.bot_running = running
            session.save(update_fields=["bot_running"])
            emit_bot(session, at=at, reason=reason)


def stop_wanting_bot(owner: Owner, *, reason: str, at: datetime) -> None:
    """The bot cannot go on by itself: a limit, no money, parameters that do not fit."""
    with owned(owner.session_id, owner.fence) as session:
        if session.bot_wanted:
            session.bot_wanted = session.bot_running = False
            session.save(update_fields=["bot_wanted", "bot_running"])
            emit_bot(session, at=at, reason=reason)


def mark_balance(owner: Owner, balance: Decimal, *, at: datetime) -> TradingSession:
    with owned(owner.session_id, owner.fence) as session:
        if session.balance != round(balance, 2):
            session.balance = round(balance, 2)
            session.save(update_fields=["balance"])
            emit_balance(session, at=at)
        return session


def make_challenge(owner: Owner, asked: SecondFactor, login: str, *, at: datetime) -> Challenge:
    """The broker wants a code. `login` is what finishes it later; both are kept sealed."""
    with owned(owner.session_id, owner.fence) as session:
        Challenge.objects.filter(session=session, ended_at=None).update(ended_at=at, secret=None)
        challenge = Challenge.objects.create(
            session=session, method=asked.method or "", expires_at=at + CHALLENGE_LASTS
        )
        save_challenge(session, challenge, asked.state.reveal(), login)
        session.state = session_move(session.state, State.VERIFYING)
        session.reason = "two_factor_required"
        session.save(update_fields=["state", "reason"])
        emit_state(session, at=at)
        return challenge


def save_challenge(session: TradingSession, challenge: Challenge, state: str, login: str) -> None:
    field = f"challenge:{challenge.pk}"
    challenge.secret = sealed.seal(session, field, f"{state}\x1f{login}")
    challenge.save(update_fields=["secret"])


def open_challenge(
    session: TradingSession, challenge_id: object, *, at: datetime
) -> tuple[Challenge, str, str] | None:
    """(the challenge, the broker's state, the login); None where its time is over."""
    open_ones = Challenge.objects.filter(session=session, ended_at=None, expires_at__gt=at)
    challenge = open_ones.filter(pk=str(challenge_id)).first()
    if challenge is None or challenge.secret is None:
        return None
    both = sealed.unseal(session, f"challenge:{challenge.pk}", challenge.secret)
    state, _cut, login = both.partition("\x1f")
    return challenge, state, login


def end_challenge(challenge: Challenge, *, at: datetime) -> None:
    Challenge.objects.filter(pk=challenge.pk).update(ended_at=at, secret=None)


def _hold(session: TradingSession, account: Account) -> None:
    """Raises `IntegrityError` where another session holds it."""
    names = {"broker": session.broker, "account": account.balance_id}
    if AccountHold.objects.filter(session=session, **names).exists():
        return
    AccountHold.objects.filter(session=session).delete()
    with transaction.atomic():
        AccountHold.objects.create(session=session, **names)


def _end_command(
    command: Command, state: str, result: Mapping[str, object], *, at: datetime
) -> None:
    mine = Command.objects.filter(pk=command.pk, state=Command.State.TAKEN)
    mine.update(state=state, result=dict(result), secret=None, ended_at=at)
