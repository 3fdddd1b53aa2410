"""Trading sessions, their orders and events, and what holds them back."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sessions_app.models import Sesion
from trading.core.levels import INFO

AnyUser = AbstractBaseUser | AnonymousUser
BROKERS = [("paper", _("Paper")), ("exnova", "Exnova"), ("iqoption", "IQ Option")]


class AccountKind(models.TextChoices):
    PRACTICE = "PRACTICE", _("Practice")
    REAL = "REAL", _("Real")


class TradingSessionQuerySet(models.QuerySet["TradingSession"]):
    def owned_by(self, user: AnyUser) -> Self:
        """The user's own; none for an anonymous user."""
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def live(self) -> Self:
        """Those that are, or are on their way to be, connected; or still close what is open."""
        return self.exclude(state__in=TradingSession.AT_REST)

    def free_at(self, at: datetime) -> Self:
        """Owned by no node, or by one whose lease has run out."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=at))


class TradingSession(models.Model):
    """One account at one broker. What should be is `wanted`; what is, `state`."""

    class State(models.TextChoices):
        CONNECTING = "connecting", _("Connecting")
        VERIFYING = "verifying", _("Waiting for a code")
        CONNECTED = "connected", _("Connected")
        RECONNECTING = "reconnecting", _("Reconnecting")
        CLOSING = "closing", _("Settling what is open")
        DISCONNECTED = "disconnected", _("Disconnected")
        FAILED = "failed", _("Not connected")

    AT_REST = (State.DISCONNECTED, State.FAILED)

    class Wanted(models.TextChoices):
        CONNECTED = "connected", _("Connected")
        DISCONNECTED = "disconnected", _("Disconnected")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trading_sessions"
    )
    # The login under which it was connected last.
    sesion = models.ForeignKey(
        Sesion, on_delete=models.SET_NULL, null=True, related_name="trading_sessions"
    )
    broker = models.CharField(_("broker"), max_length=20, choices=BROKERS)
    account_type = models.CharField(_("account"), max_length=10, choices=AccountKind.choices)
    currency = models.CharField(_("currency"), max_length=10, blank=True)
    balance = models.DecimalField(
        max_digits=18, decimal_places=2, verbose_name=_("balance"), null=True
    )
    state = models.CharField(
        _("state"), max_length=15, choices=State.choices, default=State.CONNECTING
    )
    wanted = models.CharField(
        _("wanted"), max_length=15, choices=Wanted.choices, default=Wanted.CONNECTED
    )
    reason = models.CharField(_("why"), max_length=40, blank=True)  # a code, for the last state
    blocked = models.CharField(_("blocked"), max_length=40, blank=True)  # a code; no order passes

    bot_wanted = models.BooleanField(_("bot wanted"), default=False)
    bot_running = models.BooleanField(_("bot running"), default=False)
    bot_started_at = models.DateTimeField(null=True)
    strategy = models.CharField(_("strategy"), max_length=40, default="hold")
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    bot_asset = models.CharField(_("asset"), max_length=40, blank=True)
    bot_stake = models.DecimalField(
        max_digits=18, decimal_places=2, verbose_name=_("stake"), default=1
    )
    bot_minutes = models.PositiveSmallIntegerField(_("expiry in minutes"), default=1)
    candle_seconds = models.PositiveIntegerField(_("candle in seconds"), default=60)

    # What its settled orders earned, the most that this has been, and since when losses count.
    realised = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    realised_peak = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    losses_since = models.DateTimeField(null=True)

    node = models.CharField(_("node"), max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True)
    # Since when the broker's connection stands, and how long those before it stood.
    connected_at = models.DateTimeField(_("connected since"), null=True)
    connected_seconds = models.PositiveBigIntegerField(default=0)
    reconnects = models.PositiveIntegerField(_("reconnects"), default=0)
    event_seq = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = TradingSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("trading session")
        verbose_name_plural = _("trading sessions")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "state"], name="trading_of_user"),
            models.Index(fields=["state", "lease_until"], name="trading_to_claim"),
            models.Index(fields=["node"], name="trading_of_node"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_real(self) -> bool:
        return self.account_type == AccountKind.REAL

    @property
    def drawdown(self) -> Decimal:
        return self.realised_peak - self.realised


class Credential(models.Model):
    """What the broker must be shown, sealed. Gone when the session is disconnected."""

    session = models.OneToOneField(
        TradingSession, on_delete=models.CASCADE, related_name="credential"
    )
    email = models.BinaryField(null=True)
    password = models.BinaryField(null=True)  # only where the user asked for it
    token = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"credential {self.pk}"


class AccountHold(models.Model):
    """One live session for an account: of two, neither could tell its orders from the other's."""

    broker = models.CharField(max_length=20)
    account = models.CharField(max_length=80)
    session = models.OneToOneField(TradingSession, on_delete=models.CASCADE, related_name="hold")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["broker", "account"], name="one_session_an_account")
        ]

    def __str__(self) -> str:
        return f"{self.broker} {self.session_id}"


class OrderQuerySet(models.QuerySet["Order"]):
    def owned_by(self, user: AnyUser) -> Self:
        return self.filter(session__user_id=user.pk) if user.is_authenticated else self.none()

    def at_risk(self) -> Self:
        """Those whose stake may be lost yet."""
        return self.filter(state__in=Order.AT_RISK)


class Order(models.Model):
    """One trade. An order without an answer is looked for, never sent again."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting to be sent")
        SENT = "sent", _("Sent")
        OPEN = "open", _("Open")
        SETTLED = "settled", _("Settled")
        REJECTED = "rejected", _("Rejected")
        UNKNOWN = "unknown", _("Being looked for")
        NOT_PLACED = "not_placed", _("Not placed")

    IN_FLIGHT = (State.PENDING, State.SENT, State.UNKNOWN)
    AT_RISK = (*IN_FLIGHT, State.OPEN)
    ENDED = (State.SETTLED, State.REJECTED, State.NOT_PLACED)

    class Source(models.TextChoices):
        MANUAL = "manual", _("By hand")
        BOT = "bot", _("Bot")

    class Outcome(models.TextChoices):
        WON = "won", _("Won")
        LOST = "lost", _("Lost")
        TIED = "tied", _("Tied")

    session = models.ForeignKey(TradingSession, on_delete=models.CASCADE, related_name="orders")
    key = models.UUIDField(_("key"), default=uuid.uuid4)
    asset = models.CharField(_("asset"), max_length=40)
    direction = models.CharField(
        _("direction"), max_length=4, choices=[("call", _("Up")), ("put", _("Down"))]
    )
    stake = models.DecimalField(max_digits=18, decimal_places=2, verbose_name=_("stake"))
    minutes = models.PositiveSmallIntegerField(_("expiry in minutes"))
    source = models.CharField(_("by"), max_length=10, choices=Source.choices)
    state = models.CharField(
        _("state"), max_length=12, choices=State.choices, default=State.PENDING
    )
    reason = models.CharField(_("why"), max_length=60, blank=True)
    fence = models.PositiveBigIntegerField(null=True)  # of the node that sent it
    broker_id = models.CharField(_("number at the broker"), max_length=60, blank=True)
    payout = models.DecimalField(_("payout"), max_digits=6, decimal_places=4, null=True)
    open_price = models.FloatField(_("opened at"), null=True)
    close_price = models.FloatField(_("closed at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=4, choices=Outcome.choices, blank=True)
    profit = models.DecimalField(
        max_digits=18, decimal_places=2, verbose_name=_("profit"), null=True
    )
    round_trip_ms = models.PositiveIntegerField(null=True)  # from the wire to the broker's answer
    clean_reads = models.PositiveSmallIntegerField(default=0)  # of the history, after the expiry
    created_at = models.DateTimeField(_("asked"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    opened_at = models.DateTimeField(_("opened"), null=True)
    expires_at = models.DateTimeField(_("expires"), null=True)
    settled_at = models.DateTimeField(_("settled"), null=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["session", "state"], name="orders_by_state"),
            models.Index(fields=["session", "created_at"], name="orders_by_time"),
            models.Index(fields=["session", "settled_at"], name="orders_by_settlement"),
            models.Index(fields=["state"], name="orders_to_send"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["session", "key"], name="one_order_a_key"),
            models.CheckConstraint(condition=Q(stake__gt=0), name="a_stake_is_positive"),
            models.CheckConstraint(
                condition=~Q(state="settled")
                | Q(profit__isnull=False, settled_at__isnull=False) & ~Q(outcome=""),
                name="a_settled_order_has_its_outcome",
            ),
            models.CheckConstraint(
                condition=Q(profit=None) | Q(profit__gte=-F("stake")), name="no_loss_beyond_a_stake"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.asset} {self.stake}"


class Event(models.Model):
    """What happened in a session, numbered without a gap."""

    session = models.ForeignKey(TradingSession, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=20)
    level = models.CharField(max_length=7, default=INFO)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["session", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["session", "seq"], name="one_event_a_number")
        ]
        indexes = [models.Index(fields=["at"], name="events_by_age")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.seq} {self.kind}"


class Command(models.Model):
    """What a node is asked to do with a session's broker, and what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        TAKEN = "taken"
        DONE = "done"
        FAILED = "failed"

    session = models.ForeignKey(TradingSession, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    secret = models.BinaryField(null=True)  # sealed; gone with the answer
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    fence = models.PositiveBigIntegerField(null=True)  # of the node that took it
    result = models.JSONField(default=dict)  # {code, facts} where it failed
    created_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "session"], name="commands_waiting")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Challenge(models.Model):
    """A second factor that the broker asked for. What it needs stays here, sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(TradingSession, on_delete=models.CASCADE, related_name="challenges")
    method = models.CharField(max_length=20, blank=True)
    secret = models.BinaryField(null=True)  # sealed: the broker's state and the login
    expires_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"challenge of {self.session_id}"


class ClosedCandle(models.Model):
    """A candle of a broker, the same for all its sessions; `start` is in seconds since 1970."""

    broker = models.CharField(max_length=20)
    asset = models.CharField(max_length=40)
    seconds = models.PositiveIntegerField()
    start = models.PositiveBigIntegerField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["broker", "asset", "seconds", "start"], name="one_candle_a_moment"
            )
        ]

    def __str__(self) -> str:
        return f"{self.broker} {self.asset} {self.start}"


# Of the same app; Django looks for them here.
from trading.figure_models import NodeReport as NodeReport  # noqa: E402
from trading.figure_models import RefusalCount as RefusalCount  # noqa: E402
from trading.guard_models import KillSwitch as KillSwitch  # noqa: E402
from trading.guard_models import LimitChange as LimitChange  # noqa: E402
from trading.guard_models import LimitSet as LimitSet  # noqa: E402
from trading.guard_models import RealGrant as RealGrant  # noqa: E402
from trading.lab_models import Agent as Agent  # noqa: E402
from trading.lab_models import Backtest as Backtest  # noqa: E402
from trading.lab_models import CandleFile as CandleFile  # noqa: E402
from trading.lab_models import Trials as Trials  # noqa: E402
from trading.paper_models import PaperAccount as PaperAccount  # noqa: E402
from trading.paper_models import PaperTrade as PaperTrade  # noqa: E402
from trading.run_models import BotLook as BotLook  # noqa: E402
from trading.run_models import BotRun as BotRun  # noqa: E402
from trading.run_models import Replay as Replay  # noqa: E402
