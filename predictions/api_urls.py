"""Paths below `/api/v1/`; the trailing slash is optional."""

from django.urls import re_path

from predictions import api, dashboard_api, letters_api, model_api

urlpatterns = [
    re_path(r"^predict/?$", api.predict, name="api-predict"),
    re_path(r"^emotions/?$", api.emotions, name="api-emotions"),
    re_path(r"^model/info/?$", api.model_info, name="api-model-info"),
    re_path(r"^model/card/?$", model_api.card, name="api-model-card"),
    re_path(r"^model/card/(?P<table>\w+)/?$", model_api.card_table, name="api-model-table"),
    re_path(r"^health/?$", api.health, name="api-health"),
    re_path(r"^dashboard/stats/?$", dashboard_api.stats, name="api-stats"),
    re_path(r"^dashboard/recent/?$", dashboard_api.recent, name="api-recent"),
    re_path(r"^dashboard/timeline/?$", dashboard_api.timeline, name="api-timeline"),
    re_path(r"^dashboard/emotion/(?P<name>\w+)/?$", dashboard_api.emotion, name="api-emotion"),
    re_path(r"^predictions/?$", api.predictions, name="api-predictions"),
    re_path(r"^predictions/export/?$", api.export_predictions, name="api-predictions-export"),
    re_path(r"^predictions/(?P<prediction_id>\d+)/?$", api.prediction, name="api-prediction"),
    re_path(r"^letters/predict/?$", letters_api.predict, name="api-letters-predict"),
    re_path(r"^letters/model/?$", letters_api.model, name="api-letters-model"),
    re_path(r"^consent/?$", api.consent, name="api-consent"),
]
