"""The canonical paths of this app, below `/api/v1/`."""

from django.urls import re_path

from assistant import api, chat_api, speech_api

TALK = r"^assistant/conversations/(?P<pk>[0-9a-fA-F-]{1,64})"
MESSAGE = TALK + r"/messages/(?P<message_id>[0-9a-fA-F-]{1,64})"

urlpatterns = [
    re_path(r"^assistant/conversations/?$", chat_api.conversations),
    re_path(TALK + r"/?$", chat_api.conversation),
    re_path(TALK + r"/export/?$", chat_api.export),
    re_path(TALK + r"/messages/?$", chat_api.messages),
    re_path(MESSAGE + r"/?$", chat_api.message),
    re_path(MESSAGE + r"/stop/?$", chat_api.stop),
    re_path(MESSAGE + r"/retry/?$", chat_api.retry),
    re_path(MESSAGE + r"/edit/?$", chat_api.edit),
    re_path(r"^assistant/attachments/?$", chat_api.upload),
    re_path(r"^assistant/attachments/(?P<pk>[0-9a-fA-F-]{1,64})/?$", chat_api.attachment),
    re_path(r"^assistant/images/?$", api.look, name="api-assistant-images"),
    re_path(r"^assistant/transcribe/?$", speech_api.transcribe, name="api-assistant-transcribe"),
    re_path(r"^assistant/speak/?$", speech_api.speak, name="api-assistant-speak"),
    re_path(r"^assistant/voices/?$", speech_api.voices, name="api-assistant-voices"),
]
