"""The canonical API, below /api/v1/."""

from django.urls import re_path

from trading import api, candle_api, guard_api, lab_api, log_api, market_api, run_api

ONE = r"^trading/sessions/(?P<session_id>[^/]{1,64})"
RUN = r"/runs/(?P<run_id>\d{1,18})"

LAB = r"^trading/(?P<kind>backtests|agents)"

urlpatterns = [
    re_path(r"^trading/sessions/?$", api.sessions),
    re_path(r"^trading/log/?$", log_api.log),
    re_path(r"^trading/log\.csv$", log_api.log_csv),
    re_path(r"^trading/verify/?$", api.verify),
    re_path(r"^trading/limits/(?P<account_type>\w{1,20})/?$", guard_api.user_limits),
    re_path(r"^trading/real/?$", guard_api.real),
    re_path(r"^trading/halt/?$", guard_api.halt_all),
    re_path(r"^trading/release/?$", guard_api.release_all),
    re_path(r"^trading/strategies/?$", candle_api.strategies),
    re_path(r"^trading/candles/?$", candle_api.candle_files),
    re_path(r"^trading/candles/(?P<uid>[0-9a-f-]{36})/?$", candle_api.candle_file),
    re_path(LAB + r"/?$", lab_api.jobs),
    re_path(LAB + r"/(?P<uid>[0-9a-f-]{36})/?$", lab_api.job),
    re_path(LAB + r"/(?P<uid>[0-9a-f-]{36})/cancel/?$", lab_api.cancel),
    re_path(r"^trading/agents/(?P<uid>[0-9a-f-]{36})/promote/?$", lab_api.promote),
    re_path(LAB + r"/(?P<uid>[0-9a-f-]{36})/files/(?P<name>[\w.]{1,60})$", lab_api.file),
    re_path(ONE + r"/?$", api.session),
    re_path(ONE + r"/bot/?$", api.bot),
    re_path(ONE + r"/orders/?$", api.orders),
    re_path(ONE + r"/orders\.csv$", market_api.orders_csv),
    re_path(ONE + r"/events/?$", api.events),
    re_path(ONE + r"/assets/?$", market_api.assets),
    re_path(ONE + r"/candles/?$", market_api.candles),
    re_path(ONE + r"/candles\.csv$", market_api.candles_csv),
    re_path(ONE + r"/figures/?$", log_api.figures),
    re_path(ONE + r"/runs/?$", run_api.runs),
    re_path(ONE + RUN + r"/recording\.jsonl$", run_api.recording),
    re_path(ONE + RUN + r"/replay/?$", run_api.replay),
    re_path(ONE + r"/limits/?$", guard_api.session_limits),
    re_path(ONE + r"/halt/?$", guard_api.halt),
    re_path(ONE + r"/release/?$", guard_api.release),
    re_path(ONE + r"/refill/?$", guard_api.refill),
]
