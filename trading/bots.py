"""A session's bot: asks its strategy at the close of each candle, and the gate for its orders."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from trading import connections, gate
from trading.brokers.base import BrokerError
from trading.core.bot import Command, Plan, command_of
from trading.events import emit_log
from trading.feeds import Feed
from trading.lab_services import strategy_for
from trading.looks import Look, Looks, begin_run, write_passage
from trading.models import Order, TradingSession
from trading.order_flow import Owner
from trading.ownership import Fenced, owned
from trading.refusals import RiskLimit, short_code
from visionai.lib.errors import DomainError

if TYPE_CHECKING:
    from trading.keeper import Keeper

log = logging.getLogger(__name__)
# Limits that do not pass by themselves within the day: the bot stops, and says so.
ENDING: Final = {"daily_loss", "drawdown", "consecutive_losses", "run_minutes", "unclear"}
NO_USE_TO_GO_ON: Final = {"no_money", "unknown_asset", "restricted", "invalid"}
WHY = "bot"


class Bot:
    """Of one keeper; in its event loop."""

    def __init__(self, keeper: "Keeper") -> None:
        self._keeper = keeper
        self._plan: Plan | None = None
        self._looks: Looks | None = None
        self._made_of: tuple[object, ...] = ()
        self._feed: Feed | None = None
        self._deciding: asyncio.Task[None] | None = None
        self._said = ""

    async def converge(self, session: TradingSession) -> None:
        """Run as the session's row wants it. The broker is connected."""
        if not session.bot_wanted:
            await self.end(reason="")
            return
        if self._plan is None or self._made_of != _made_of(session):
            await self._begin(session)

    async def end(self, *, reason: str) -> None:
        if self._plan is not None:
            self.forget()
            keeper = self._keeper
            await keeper.db(
                connections.mark_bot, keeper.owner, running=False, reason=reason, at=keeper.now()
            )

    def forget(self) -> None:
        """Without a word: another node goes on, or the row says it already."""
        if self._deciding is not None and self._deciding is not asyncio.current_task():
            self._deciding.cancel()
        if self._feed is not None:
            self._keeper.drop_feed(self._feed, why=WHY)
        self._plan = self._feed = self._deciding = None

    def candle_closed(self, feed: Feed) -> None:
        if feed is not self._feed or self._plan is None:
            return
        if self._deciding is None or self._deciding.done():  # else the one before takes too long
            self._deciding = asyncio.create_task(self._decide(self._plan, feed))

    async def rejected(self, reason: str) -> None:
        """The broker refused an order for a reason that will not pass by itself."""
        if reason in NO_USE_TO_GO_ON and self._plan is not None:
            await self._stop(reason)

    async def _begin(self, session: TradingSession) -> None:
        keeper = self._keeper
        self.forget()
        try:
            plan = await keeper.db(_plan, session)
            feed = await keeper.take_feed(
                session.bot_asset, seconds=session.candle_seconds, why=WHY
            )
        except DomainError as error:
            await self._stop(error.code)
            return
        except (BrokerError, ValueError) as error:
            log.info("The bot of %s found no candles: %s", session.pk, type(error).__name__)
            if getattr(error, "reason", "") in NO_USE_TO_GO_ON or isinstance(error, ValueError):
                await self._stop("unknown_asset")
            return
        run_id = await keeper.db(begin_run, keeper.owner, at=keeper.now())
        self._plan, self._feed, self._made_of = plan, feed, _made_of(session)
        self._looks = Looks(run_id, plan.strategy.needs)

    async def _decide(self, plan: Plan, feed: Feed) -> None:
        keeper, broker, looks = self._keeper, self._keeper.broker, self._looks
        if broker is None or self._plan is not plan or looks is None:
            return
        try:
            candles, now = feed.candles(), broker.now().timestamp()
            look = looks.look(feed, candles, now=now)
            command = command_of(plan, candles, now=now)
            if command is None:
                keeper.node.note_look(keeper.owner, looks, look, seconds=feed.seconds)
            else:
                keeper.node.note_look(keeper.owner, looks, None, seconds=feed.seconds)
                await self._ask(command, looks, look)
        except Fenced:
            keeper.stop()
        except Exception:
            log.exception("The bot of session %s", keeper.owner.session_id)

    async def _ask(self, command: Command, looks: Looks, look: Look) -> None:
        keeper = self._keeper
        try:
            await keeper.db(_pass_gate, keeper.owner, command, look)
        except DomainError as refused:
            looks.written(look)
            code = short_code(refused)
            if isinstance(refused, RiskLimit) and code in ENDING:
                await self._stop(code)
            else:
                await self._say(code)
        else:
            looks.written(look)
            self._said = ""
            keeper.wake()

    async def _say(self, code: str) -> None:
        """Once for as long as it stays the same."""
        if code != self._said:
            self._said = code
            await self._keeper.db(_log, self._keeper.owner, code)

    async def _stop(self, reason: str) -> None:
        keeper = self._keeper
        self.forget()
        await keeper.db(connections.stop_wanting_bot, keeper.owner, reason=reason, at=keeper.now())
        keeper.wake()


def _made_of(session: TradingSession) -> tuple[object, ...]:
    return (
        session.strategy,
        repr(session.parameters),
        session.bot_asset,
        session.bot_stake,
        session.bot_minutes,
        session.candle_seconds,
        session.bot_started_at,
    )


def _plan(session: TradingSession) -> Plan:
    return Plan(
        session=session.pk,
        strategy=strategy_for(
            session.user,
            session.strategy,
            session.parameters,
            seconds=session.candle_seconds,
            minutes=session.bot_minutes,
            real=session.is_real,
        ),
        asset=session.bot_asset,
        seconds=session.candle_seconds,
        stake=session.bot_stake,
        minutes=session.bot_minutes,
    )


def _pass_gate(owner: Owner, command: Command, look: Look) -> Order:
    from trading.keeper import Keeper

    return gate.pass_gate(
        TradingSession.objects.get(pk=owner.session_id),
        key=command.key,
        asset=command.asset,
        direction=command.direction.value,
        stake=command.stake,
        minutes=command.minutes,
        source=Order.Source.BOT,
        fence=owner.fence,
        note=partial(write_passage, look, command),
        at=Keeper.now(),
    )


def _log(owner: Owner, code: str) -> None:
    from trading.keeper import Keeper

    with owned(owner.session_id, owner.fence) as session:
        emit_log(session, "bot_held_back", at=Keeper.now(), reason=code)
