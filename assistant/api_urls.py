"""The canonical paths of this app, below `/api/v1/`."""

from django.urls import re_path

from assistant import api, speech_api

urlpatterns = [
    re_path(r"^assistant/images/?$", api.look, name="api-assistant-images"),
    re_path(r"^assistant/transcribe/?$", speech_api.transcribe, name="api-assistant-transcribe"),
    re_path(r"^assistant/speak/?$", speech_api.speak, name="api-assistant-speak"),
    re_path(r"^assistant/voices/?$", speech_api.voices, name="api-assistant-voices"),
]
