"""The canonical paths of this app, below `/api/v1/`."""

from django.urls import re_path

from assistant import api

urlpatterns = [re_path(r"^assistant/images/?$", api.look, name="api-assistant-images")]
