"""What a bot follows that is started without a strategy, as the original's clients do.

The original's bot traded at once. Here it does too where the money is play money: it follows the
newest agent that its user trained, as the original's did, or else RSI, which trades a few times an
hour. With real money nobody's choice is guessed: only an own agent with a demonstrated edge is
followed, or else nothing is traded.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from trading.core.strategies import Agent as AgentStrategy
from trading.core.strategies import Hold, Rsi, checked
from trading.models import Agent, TradingSession
from trading.words import STRATEGIES
from visionai.lib.jobs import JobState

FALLBACK: Final = Rsi.name


def chosen_for(session: TradingSession, data: Mapping[str, Any]) -> dict[str, Any]:
    """What to add to a start; nothing where a strategy is named now or was chosen before."""
    was_chosen = session.bot_started_at is not None or session.strategy != Hold.name
    if data.get("strategy") or was_chosen:
        return {}
    trained = Agent.objects.owned_by(session.user).filter(state=JobState.DONE)
    if session.is_real:
        trained = trained.filter(has_edge=True)
    for agent in trained.order_by("-pk")[:20]:
        terms = {"candle_seconds": agent.seconds, "minutes": agent.minutes}
        if all(data.get(name, value) == value for name, value in terms.items()):
            follows = {AgentStrategy.name: str(agent.uid)}
            return {"strategy": AgentStrategy.name, "parameters": follows, **terms}
    if session.is_real:
        return {}
    return {"strategy": FALLBACK, "parameters": checked(FALLBACK, {})}


def note_of(session: TradingSession, *, was_chosen_here: bool) -> str:
    """What a caller who named no strategy should know; empty where there is nothing to say."""
    name = str(STRATEGIES[session.strategy][0])
    if session.strategy == Hold.name:
        words = _("The bot follows “{name}”, which never trades; name another as `strategy`.")
        return words.format(name=name)
    if not was_chosen_here:
        return ""
    return _(
        "No strategy was named, so the bot follows “{name}”; an edge of it is not demonstrated"
        " unless its agent's page says so. Name another as `strategy`."
    ).format(name=name)
