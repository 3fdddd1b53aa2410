"""The canonical paths of this app, below `/api/v1/`."""

from django.urls import re_path

from contact import api

urlpatterns = [
    re_path(r"^contact/messages/?$", api.messages, name="api-contact-messages"),
    re_path(r"^contact/senders/?$", api.senders, name="api-contact-senders"),
    re_path(
        r"^contact/messages/(?P<message_id>\d{1,18})/?$", api.message, name="api-contact-message"
    ),
]
