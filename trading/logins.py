"""How a session gets its broker: by the person's login, a kept token, or a code.

A password is tried once for each time that the person gave it; a token that is refused is
followed by one login with a kept password, and then by the person.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from trading import connections, sealed
from trading.brokers.base import (
    AccountUnavailable,
    Broker,
    BrokerError,
    BrokerRateLimited,
    BrokerUnreachable,
    Connector,
    Credentials,
    Password,
    SecondFactor,
    Secret,
    Token,
    TokenExpired,
)
from trading.brokers.registry import connector
from trading.connections import AccountInUse
from trading.core.market import AccountType
from trading.models import Challenge, Command, TradingSession

if TYPE_CHECKING:
    from trading.keeper import Keeper

log = logging.getLogger(__name__)
State, Wanted = TradingSession.State, TradingSession.Wanted
NOBODY = Password("", Secret(""))  # for a broker that asks nobody


@dataclass(frozen=True, slots=True)
class Kept:
    """What the session can come back with, the best first."""

    token: Token | None
    password: Password | None


class Logins:
    """Of one keeper."""

    def __init__(self, keeper: "Keeper") -> None:
        self._keeper = keeper

    async def connect(self, session: TradingSession, command: Command) -> Mapping[str, object]:
        """For the person who asks: what the call answers. Raises `BrokerError`…"""
        keeper = self._keeper
        if keeper.broker is None:
            given = await keeper.db(_given, session, command)
            if given is None:
                await self._with_what_is_kept(session)
            else:
                password, keep = given
                await self._with(session, password, login=_text(password, keep=keep))
                if keep:
                    secret = password.password.reveal()
                    await keeper.db(sealed.keep, session, email=password.email, password=secret)
        return await keeper.db(_balance, session)

    async def come_back(self, session: TradingSession) -> None:
        """Without the person, after a connection was lost or a node was."""
        keeper = self._keeper
        try:
            await self._with_what_is_kept(session)
        except (BrokerUnreachable, BrokerRateLimited) as error:
            keeper.back_off(at_least=getattr(error, "retry_after", 0.0))
        except SecondFactor:
            await self.fail(session, "two_factor_required")
        except AccountInUse:
            await self.fail(session, "account_in_use")
        except AccountUnavailable:
            await self.fail(session, "account_unavailable")
        except BrokerError as error:
            await self.fail(session, error.code)

    async def can_come_back(self, session: TradingSession) -> bool:
        return session.broker == "paper" or await self._keeper.db(sealed.has_login, session)

    async def send_code(self, session: TradingSession, command: Command) -> Mapping[str, object]:
        """Have the broker send a code. Raises `BrokerError`, `LookupError`."""
        keeper = self._keeper
        challenge, state, login = await self._challenge(session, command)
        method = str(command.data.get("method", "sms"))
        new = await self._connector(session).send_code(Secret(state), method=method)
        await keeper.db(connections.save_challenge, session, challenge, new.reveal(), login)
        return {"challenge_id": str(challenge.pk), "method": method}

    async def verify(self, session: TradingSession, command: Command) -> Mapping[str, object]:
        """Finish a login with the person's code. Raises `BrokerError`, `LookupError`."""
        keeper = self._keeper
        challenge, state, login = await self._challenge(session, command)
        code = json.loads(await keeper.db(_secret, session, command))["code"]
        words = json.loads(login)
        password = Password(words["email"], Secret(words["password"]))
        broker = await self._connector(session).answer(
            Secret(state), code, password, account_type=AccountType(session.account_type)
        )
        await self._use(session, broker)
        await keeper.db(connections.end_challenge, challenge, at=keeper.now())
        if words["keep"]:
            await keeper.db(sealed.keep, session, email=password.email, password=words["password"])
        return await keeper.db(_balance, session)

    async def give_up_late_code(self, session: TradingSession) -> None:
        """No code came within the challenge's minutes."""
        if not await self._keeper.db(_has_challenge, session, self._keeper.now()):
            await self.fail(session, "code_not_given")

    async def fail(self, session: TradingSession, reason: str) -> None:
        """Only the person can go on from here. One that is being left is left."""
        keeper = self._keeper
        if session.wanted == Wanted.DISCONNECTED:
            await keeper.db(connections.mark_disconnected, keeper.owner, at=keeper.now())
        else:
            await keeper.db(connections.mark_failed, keeper.owner, reason=reason, at=keeper.now())
        keeper.wake()

    async def _with_what_is_kept(self, session: TradingSession) -> None:
        kept = await self._keeper.db(_kept, session)
        if session.broker == "paper":
            await self._with(session, NOBODY)
            return
        if kept.token is not None:
            try:
                await self._with(session, kept.token)
            except TokenExpired:
                if kept.password is None:
                    raise
            else:
                return
        if kept.password is None:
            raise TokenExpired
        await self._with(session, kept.password)

    async def _with(
        self, session: TradingSession, credentials: Credentials, *, login: str = ""
    ) -> None:
        keeper = self._keeper
        account_type = AccountType(session.account_type)
        try:
            broker = await self._connector(session).connect(credentials, account_type=account_type)
        except SecondFactor as asked:
            if login:
                challenge = await keeper.db(
                    connections.make_challenge, keeper.owner, asked, login, at=keeper.now()
                )
                raise CodeNeeded(challenge, asked.method) from asked
            raise
        await self._use(session, broker)

    async def _use(self, session: TradingSession, broker: Broker) -> None:
        if broker.account.account_type != session.account_type:
            await broker.close(logout=True)
            raise AccountUnavailable
        await self._keeper.use(broker)

    async def _challenge(
        self, session: TradingSession, command: Command
    ) -> tuple[Challenge, str, str]:
        keeper, wanted = self._keeper, command.data.get("challenge")
        found = await keeper.db(connections.open_challenge, session, wanted, at=keeper.now())
        if found is None:
            raise LookupError
        return found

    @staticmethod
    def _connector(session: TradingSession) -> Connector:
        return connector(session.broker, account=str(session.pk))


class CodeNeeded(Exception):
    """The person has five minutes to answer the challenge."""

    def __init__(self, challenge: Challenge, method: str | None) -> None:
        super().__init__()
        self.challenge, self.method = challenge, method


def _secret(session: TradingSession, command: Command) -> str:
    assert command.secret is not None
    return sealed.unseal(session, "command", command.secret)


def _given(session: TradingSession, command: Command) -> tuple[Password, bool] | None:
    if command.secret is None:
        return None
    words = json.loads(_secret(session, command))
    return Password(words["email"], Secret(words["password"])), bool(words["keep"])


def _text(password: Password, *, keep: bool) -> str:
    words = {"email": password.email, "password": password.password.reveal(), "keep": keep}
    return json.dumps(words)


def _kept(session: TradingSession) -> Kept:
    token, email = sealed.kept(session, "token"), sealed.kept(session, "email")
    password = sealed.kept(session, "password")
    return Kept(
        token=None if token is None else Token(Secret(token)),
        password=None if not (email and password) else Password(email, Secret(password)),
    )


def _balance(session: TradingSession) -> dict[str, object]:
    row = TradingSession.objects.get(pk=session.pk)
    balance = None if row.balance is None else f"{row.balance:.2f}"
    return {"balance": balance, "currency": row.currency}


def _has_challenge(session: TradingSession, at: datetime) -> bool:
    open_ones = Challenge.objects.filter(session=session, ended_at=None, expires_at__gt=at)
    return open_ones.exists()
