"""The ledger of a paper account in the database: it outlives any process."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from channels.db import database_sync_to_async
from django.db import transaction
from django.db.models import Sum

from trading.brokers.paper_ledger import NoMoney
from trading.core.market import Direction
from trading.core.paper_market import PaperOrder
from trading.paper_models import PaperAccount, PaperTrade

CENT = Decimal("0.01")


class RowLedger:
    """Of the account `key`, which is made when it is first asked for."""

    def __init__(self, key: str, *, start_balance: Decimal) -> None:
        self._key, self._start = key, start_balance

    async def add(self, order: PaperOrder) -> PaperOrder:
        return await database_sync_to_async(self._add)(order)

    async def open_orders(self, *, at: datetime) -> list[PaperOrder]:
        rows = PaperTrade.objects.filter(account__key=self._key, expires_at__gt=at)
        return [_order(row) async for row in rows.order_by("pk")]

    async def closed_orders(self, *, since: datetime, at: datetime) -> list[PaperOrder]:
        rows = PaperTrade.objects.filter(account__key=self._key, expires_at__range=(since, at))
        return [_order(row) async for row in rows.order_by("expires_at", "pk")]

    async def balance(self, *, at: datetime) -> Decimal:
        return await database_sync_to_async(self._balance)(at)

    async def refill(self, *, to: Decimal, at: datetime) -> Decimal:
        return await database_sync_to_async(self._refill)(to, at)

    @transaction.atomic
    def _add(self, order: PaperOrder) -> PaperOrder:
        account = self._lock()
        known = account.trades.filter(reference=order.reference).first()
        if known is None:
            if self._balance(order.opened_at) < order.stake:
                raise NoMoney
            known = account.trades.create(
                reference=order.reference,
                asset=order.asset,
                direction=order.direction.value,
                stake=order.stake,
                payout=order.payout,
                opened_at=order.opened_at,
                expires_at=order.expires_at,
                open_price=order.open_price,
                close_price=order.close_price,
                profit=order.profit,
            )
        return _order(known)

    @transaction.atomic
    def _refill(self, to: Decimal, at: datetime) -> Decimal:
        account = self._lock()
        account.refilled += max(Decimal(0), to - self._balance(at))
        account.save(update_fields=["refilled"])
        return self._balance(at)

    def _lock(self) -> PaperAccount:
        PaperAccount.objects.get_or_create(key=self._key)
        return PaperAccount.objects.select_for_update().get(key=self._key)

    def _balance(self, at: datetime) -> Decimal:
        account = PaperAccount.objects.filter(key=self._key).first()
        if account is None:
            return self._start
        running = account.trades.filter(expires_at__gt=at).aggregate(sum=Sum("stake"))["sum"]
        gained = account.trades.filter(expires_at__lte=at).aggregate(sum=Sum("profit"))["sum"]
        total: Decimal = self._start + account.refilled + (gained or 0) - (running or 0)
        return total.quantize(CENT)


def forget_account(key: str) -> None:
    """Delete the paper account and all that it traded."""
    forget_accounts([key])


def forget_accounts(keys: Iterable[str]) -> None:
    PaperAccount.objects.filter(key__in=list(keys)).delete()


def _order(row: PaperTrade) -> PaperOrder:
    return PaperOrder(
        reference=row.reference,
        asset=row.asset,
        direction=Direction(row.direction),
        stake=row.stake,
        payout=row.payout.normalize(),
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        open_price=row.open_price,
        close_price=row.close_price,
        broker_id=str(row.pk),
    )
