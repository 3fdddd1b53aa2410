"""Pages for people."""

from django.urls import path

from trading import lab_views, log_views, run_views, settings_views, views

ONE = "trading/sesiones/<uuid:session_id>/"

urlpatterns = [
    path("trading/", views.home, name="trading"),
    path("trading/papel/", views.paper, name="trading-paper"),
    path("trading/conectar/", views.connect, name="trading-connect"),
    path("trading/registro/", log_views.log, name="trading-logbook"),
    path("trading/registro/csv/", log_views.log_csv, name="trading-logbook-csv"),
    path("trading/codigo/<uuid:challenge_id>/", views.code, name="trading-code"),
    path("trading/detener/", views.halt_all, name="trading-halt-all"),
    path("trading/real/", settings_views.real, name="trading-real"),
    path(
        "trading/limites/<str:account_type>/", settings_views.user_limits, name="trading-my-limits"
    ),
    path("trading/pruebas/", lab_views.backtests, name="trading-backtests"),
    path("trading/pruebas/probar/", lab_views.start_backtest, name="trading-try"),
    path("trading/agentes/", lab_views.agents, name="trading-agents"),
    path("trading/agentes/entrenar/", lab_views.start_training, name="trading-train"),
    path("trading/velas/", lab_views.upload_candles, name="trading-upload"),
    path("trading/velas/<uuid:uid>/borrar/", lab_views.delete_candles, name="trading-candles-off"),
    path("trading/agentes/<uuid:uid>/usar/", lab_views.promote, name="trading-promote"),
    path(ONE, views.board, name="trading-board"),
    path(ONE + "piezas/", views.pieces, name="trading-pieces"),
    path(ONE + "operar/", views.trade, name="trading-trade"),
    path(ONE + "arrancar/", views.start, name="trading-start"),
    path(ONE + "rellenar/", views.refill, name="trading-refill"),
    path(ONE + "conectar/", views.reconnect, name="trading-reconnect"),
    path(ONE + "bot/", settings_views.bot, name="trading-bot"),
    path(ONE + "ordenes/", settings_views.orders, name="trading-orders"),
    path(ONE + "registro/", settings_views.log, name="trading-log"),
    path(ONE + "pasadas/", run_views.runs, name="trading-runs"),
    path(ONE + "pasadas/<int:run_id>/repetir/", run_views.replay, name="trading-replay"),
    path(ONE + "pasadas/<int:run_id>/avance/", run_views.progress, name="trading-replay-progress"),
    path(ONE + "pasadas/<int:run_id>/grabacion/", run_views.recording, name="trading-recording"),
    path(ONE + "limites/", settings_views.session_limits, name="trading-limits"),
    path(ONE + "<str:what>/", views.act, name="trading-act"),
    # After the sessions, whose addresses look alike.
    path("trading/<str:kind>/<uuid:uid>/", lab_views.job, name="trading-job"),
    path("trading/<str:kind>/<uuid:uid>/avance/", lab_views.progress, name="trading-progress"),
    path("trading/<str:kind>/<uuid:uid>/archivos/<str:name>", lab_views.file, name="trading-file"),
    path("trading/<str:kind>/<uuid:uid>/<str:what>/", lab_views.end_job, name="trading-end-job"),
]
