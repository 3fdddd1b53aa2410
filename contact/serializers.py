"""The JSON of messages, with the field names of the contract."""

from typing import Any

from rest_framework import serializers

from contact.models import (
    EMAIL_LENGTH,
    NAME_LENGTH,
    SUBJECT_LENGTH,
    TEXT_LENGTH,
    ContactMessage,
)
from visionai.lib.openapi import shows

MESSAGE = {
    "id": 31,
    "nombre": "Lucía Prado",
    "email": "lucia@example.org",
    "asunto": "Permiso para un taller",
    "mensaje": "¿Podemos usar la cámara con quince alumnos adultos?",
    "leido": False,
    "fecha": "2026-11-21T09:54:42Z",
}


class MessageInput(serializers.Serializer[Any]):
    nombre = serializers.CharField(max_length=NAME_LENGTH)
    email = serializers.EmailField(max_length=EMAIL_LENGTH)
    asunto = serializers.CharField(
        max_length=SUBJECT_LENGTH, required=False, allow_blank=True, default=""
    )
    mensaje = serializers.CharField(max_length=TEXT_LENGTH)
    sitio_web = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="Leave it out: what fills it is taken for a program.",
    )


@shows(MESSAGE)
class MessageOutput(serializers.ModelSerializer[ContactMessage]):
    nombre = serializers.CharField(source="name")
    asunto = serializers.CharField(source="subject")
    mensaje = serializers.CharField(source="text")
    leido = serializers.BooleanField(source="is_read")
    fecha = serializers.DateTimeField(source="created_at")

    class Meta:
        model = ContactMessage
        fields = ["id", "nombre", "email", "asunto", "mensaje", "leido", "fecha"]
        read_only_fields = fields


class ListInput(serializers.Serializer[Any]):
    """What a list of messages may be asked for."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    offset = serializers.IntegerField(min_value=0, max_value=10**9, default=0)
    leido = serializers.BooleanField(required=False, allow_null=True, default=None)
    email = serializers.CharField(required=False, allow_blank=True, default="")
    sospechosos = serializers.BooleanField(
        default=False, help_text="Those that a program seems to have written, instead."
    )


@shows({"email": "lucia@example.org", "mensajes": 3, "sin_leer": 1})
class SenderOutput(serializers.Serializer[Any]):
    email = serializers.CharField()
    mensajes = serializers.IntegerField(source="messages")
    sin_leer = serializers.IntegerField(source="unread")


class ReadInput(serializers.Serializer[Any]):
    leido = serializers.BooleanField(default=True, help_text="False makes it unread again.")
