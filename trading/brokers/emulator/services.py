"""What the emulator answers to `sendMessage`, by the inner name."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from trading.brokers.emulator.desk import Refusal
from trading.brokers.emulator.ledger import Entry
from trading.brokers.emulator.market import DIGITAL_ASK, SIZES
from trading.brokers.emulator.session import Session

if TYPE_CHECKING:
    from trading.brokers.emulator.server import Emulator

Handler = Callable[[Session, str, dict[str, Any]], None]
MOST_CANDLES: Final = 1000
PRICES = "trading-settings.digital-option-client-price-generated"


class Services:
    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator
        self.handlers: dict[str, Handler] = {
            "core.get-profile": self._profile,
            "balances.get-available-balances": self._balances,
            "balances.get-balances": self._balances,
            "get-balances": self._balances,
            "internal-billing.reset-training-balance": self._refill,
            "binary-options.get-initialization-data": self._catalogue,
            "get-initialization-data": self._catalogue,
            "features.get-features": self._features,
            "digital-option-instruments.get-underlying-list": self._underlying,
            "digital-option-instruments.get-instruments": self._instruments,
            "quotes-history.get-candles": self._candles,
            "get-candles": self._candles,
            "binary-options.open-option": self._open,
            "digital-options.place-digital-option": self._digital,
            "binary-options.sell-options": self._sell,
            "digital-options.close-position": self._sell_digital,
            "portfolio.get-positions": self._positions,
            "portfolio.get-history-positions": self._history,
        }

    # Who and what

    def _profile(self, session: Session, number: str, body: dict[str, Any]) -> None:
        person = session.person
        assert person is not None
        first = person.balances[0]
        result = {
            "user_id": person.user_id,
            "first_name": "A",
            "last_name": "B",
            "email": person.email,
            "skey": "not-for-logs",
            "currency": first.currency,
            "balance_id": first.number,
            "balance_type": first.kind,
            "trade_restricted": False,
            "kyc_confirmed": True,
        }
        msg = {"isSuccessful": True, "message": [], "result": result}
        session.answer(number, "profile", msg)

    def _balances(self, session: Session, number: str, body: dict[str, Any]) -> None:
        assert session.person is not None
        kinds = body.get("types_ids") or [1, 4]
        shown = [one.shown() for one in session.person.balances if one.kind in kinds]
        session.answer(number, "balances", shown)

    def _refill(self, session: Session, number: str, body: dict[str, Any]) -> None:
        assert session.person is not None
        try:
            self._emulator.desk.refill(session.person, body.get("user_balance_id"))
        except Refusal as refusal:
            session.answer(number, "result", {"success": False, "reason": refusal.text})
            return
        session.answer(number, "result", {"success": True})

    def _catalogue(self, session: Session, number: str, body: dict[str, Any]) -> None:
        big = self._emulator.faults.big_catalogue
        msg = self._emulator.market.catalogue(self._emulator.now(), big=big)
        session.answer(number, "initialization-data", msg)

    def _features(self, session: Session, number: str, body: dict[str, Any]) -> None:
        assert session.person is not None
        state = "disabled" if session.person.digital_only else "enabled"
        names = [(f"{one}-instrument", state) for one in ("binary", "turbo", "blitz")]
        rows = [*names, ("digital-instrument", "enabled")]
        msg = {"features": [{"name": name, "status": status} for name, status in rows]}
        session.answer(number, "features", msg)

    def _underlying(self, session: Session, number: str, body: dict[str, Any]) -> None:
        msg = self._emulator.market.underlying(self._emulator.now())
        session.answer(number, "underlying-list", msg)

    def _instruments(self, session: Session, number: str, body: dict[str, Any]) -> None:
        asset = body.get("asset_id")
        if asset not in self._emulator.market.actives:
            session.answer(number, "instruments", {"asset_id": ["unknown"]}, 4220)
            return
        msg = self._emulator.market.instruments(asset, self._emulator.now())
        session.answer(number, "instruments", msg)

    def _candles(self, session: Session, number: str, body: dict[str, Any]) -> None:
        active, size = body.get("active_id"), body.get("size")
        now = int(self._emulator.now())
        to, count = body.get("to", now), body.get("count", 300)
        if active not in self._emulator.market.actives or size not in SIZES:
            session.answer(number, "candles", {"size": ["unknown"]}, 4220)
            return
        if not isinstance(to, int) or not isinstance(count, int) or to > now + 60:
            session.answer(number, "candles", {"to": ["to must not be in the future"]}, 4220)
            return
        count = max(0, min(count, MOST_CANDLES))
        found = self._emulator.market.history(active, size, to=to, count=count, now=now)
        if self._emulator.faults.candle_gap:
            found = [one for one in found if one["id"] % 3]
        session.answer(number, "candles", {"candles": found})

    # Orders

    def _open(self, session: Session, number: str, body: dict[str, Any]) -> None:
        person, faults = session.person, self._emulator.faults
        assert person is not None
        if faults.take("drop_before_order", person.email):
            session.drop()
            return
        try:
            entry = self._emulator.desk.open_option(person, body, self._emulator.now(), number)
        except Refusal as refusal:
            msg = {"message": refusal.text, "result": {}}
            session.answer(number, "option", msg, refusal.status)
            return
        if faults.take("drop_after_order", person.email):
            session.drop()
        elif faults.take("garble_option_reply", person.email):
            session.answer(number, "option", {"id": None, "exp": "soon"})
        elif faults.take("fail_order", person.email):
            session.answer(number, "option", {"message": "internal error"}, 5000)
        elif not faults.take("swallow_option_reply", person.email):
            session.answer(number, "option", _option(entry))
        self._emulator.desk.announce(entry)

    def _digital(self, session: Session, number: str, body: dict[str, Any]) -> None:
        assert session.person is not None
        faults, name = self._emulator.faults, "digital-option-placed"
        if faults.take("drop_before_order", session.person.email):
            session.drop()
            return
        now = self._emulator.now()
        try:
            order, then = self._emulator.desk.place_digital(session.person, body, now, number)
        except Refusal as refusal:
            session.answer(number, name, {"message": refusal.text}, refusal.status)
            return
        if faults.take("drop_after_order", session.person.email):
            session.drop()
        elif not faults.take("swallow_option_reply", session.person.email):
            session.answer(number, name, {"id": order})
        then()

    def _sell(self, session: Session, number: str, body: dict[str, Any]) -> None:
        assert session.person is not None
        for one in body.get("options_ids") or ():
            self._emulator.desk.sell(session.person, one, self._emulator.now())
        session.answer(number, "result", {"success": True})

    def _sell_digital(self, session: Session, number: str, body: dict[str, Any]) -> None:
        assert session.person is not None
        now = self._emulator.now()
        self._emulator.desk.sell(session.person, body.get("position_id"), now)
        session.answer(number, "result", {"success": True})

    # Portfolio

    def _positions(self, session: Session, number: str, body: dict[str, Any]) -> None:
        found = [one for one in self._mine(session, body) if one.reason is None]
        session.answer(number, "positions", _page(found, body))

    def _history(self, session: Session, number: str, body: dict[str, Any]) -> None:
        found = [one for one in self._mine(session, body) if one.reason is not None]
        if "external_id" in body:
            found = [one for one in found if one.external_id == body["external_id"]]
        if isinstance(body.get("start"), int):
            found = [one for one in found if one.expires >= body["start"]]
        if isinstance(body.get("end"), int):
            found = [one for one in found if one.expires <= body["end"]]
        session.answer(number, "history-positions", _page(found[::-1], body))

    def _mine(self, session: Session, body: dict[str, Any]) -> list[Entry]:
        assert session.person is not None
        kinds = body.get("instrument_types") or []
        mine = self._emulator.desk.ledger.of(session.person.user_id)
        return [one for one in mine if f"{one.kind}-option" in kinds]


def _option(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.number,
        "user_id": entry.user_id,
        "act": entry.active_id,
        "type": entry.kind,
        "direction": entry.direction,
        "price": float(entry.stake),
        "exp": entry.expires,
        "created": entry.opened_ms // 1000,
        "created_millisecond": entry.opened_ms,
        "time_rate": entry.opened_ms // 1000,
        "value": entry.open_quote,
        "exp_value": round(entry.open_quote * 10**6),
        "profit_income": int(entry.payout * 100) + 100,
        "profit_return": 0,
        "refund_value": 0,
        "client_platform_id": 82,
    }


def _page(entries: list[Entry], body: dict[str, Any]) -> dict[str, Any]:
    limit, offset = body.get("limit", 30), body.get("offset", 0)
    shown = [one.shown() for one in entries[offset : offset + limit]]
    return {"positions": shown, "limit": limit, "total": len(entries)}


def price_frame(asset: int, index: int, now: float) -> dict[str, Any]:
    ask = {"ask": DIGITAL_ASK, "bid": DIGITAL_ASK - 2.1}
    spot = {"strike": "SPT", "call": dict(ask), "put": dict(ask)}
    return {
        "asset_id": asset,
        "instrument_index": index,
        "instrument_type": "digital-option",
        "quote_time": int(now * 1000),
        "prices": [spot],
    }
