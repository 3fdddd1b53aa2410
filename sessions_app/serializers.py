"""The JSON of the auth entrances, with the field names of the contract."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.models import User

PASSWORD_LENGTH = 1000


def password_field(**options: Any) -> serializers.CharField:
    return serializers.CharField(
        max_length=PASSWORD_LENGTH, trim_whitespace=False, write_only=True, **options
    )


class LoginInput(serializers.Serializer[Any]):
    """`username` or `email`, either of which may hold the other."""

    username = serializers.CharField(max_length=254, required=False)
    email = serializers.CharField(max_length=254, required=False)
    password = password_field()

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        login = data.get("username") or data.get("email")
        if not login:
            raise serializers.ValidationError({"username": [_("Send a username or an e-mail.")]})
        return data | {"login": login}


class RegisterInput(serializers.Serializer[Any]):
    """Without `username` one is made from `nombre` or `email`."""

    username = serializers.CharField(max_length=150, required=False, allow_blank=True)
    email = serializers.CharField(max_length=190, required=False, allow_blank=True, allow_null=True)
    nombre = serializers.CharField(max_length=150, required=False, allow_blank=True)
    password = password_field()
    invitation = serializers.CharField(max_length=100, required=False, allow_blank=True)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if not any(data.get(name) for name in ("username", "nombre", "email")):
            raise serializers.ValidationError({"username": [_("Send a username.")]})
        return data


class RefreshInput(serializers.Serializer[Any]):
    """One of the two, or the refresh token as Bearer."""

    refresh_token = serializers.CharField(max_length=4000, required=False)
    refresh = serializers.CharField(max_length=4000, required=False)


class LogoutInput(serializers.Serializer[Any]):
    session_id = serializers.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1, help_text="Without it, this session."
    )


class PasswordInput(serializers.Serializer[Any]):
    current_password = password_field()
    new_password = password_field()


class ResetInput(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=190)


class ResetConfirmInput(serializers.Serializer[Any]):
    uid = serializers.CharField(max_length=100)
    token = serializers.CharField(max_length=200)
    password = password_field()


class EraseInput(serializers.Serializer[Any]):
    password = password_field(required=False, allow_blank=True, default="")


class FirebaseLinkInput(serializers.Serializer[Any]):
    id_token = serializers.CharField(max_length=8000)


class UserOutput(serializers.ModelSerializer[User]):
    user_id = serializers.IntegerField(source="pk")
    nombre = serializers.CharField(source="name")
    rol = serializers.ChoiceField(User.Role.choices, source="role")

    class Meta:
        model = User
        fields = [
            "id", "user_id", "username", "email", "nombre", "rol", "is_active", "created_at"
        ]  # fmt: skip
        read_only_fields = fields


class RegisteredOutput(serializers.ModelSerializer[User]):
    user_id = serializers.IntegerField(source="pk")

    class Meta:
        model = User
        fields = ["user_id", "username", "is_active", "created_at"]
        read_only_fields = fields


class SignedInOutput(serializers.Serializer[Any]):
    access_token = serializers.CharField(source="tokens.access")
    refresh_token = serializers.CharField(source="tokens.refresh")
    token_type = serializers.CharField(default="bearer")
    expires_in = serializers.IntegerField(source="tokens.expires_in", help_text="Seconds.")
    session_id = serializers.IntegerField(source="sesion.pk")
    user = UserOutput()


class VerifiedOutput(serializers.Serializer[Any]):
    valid = serializers.BooleanField()
    username = serializers.CharField()
    user_id = serializers.IntegerField()
    session_id = serializers.IntegerField()
    expires_at = serializers.DateTimeField()


class SuccessOutput(serializers.Serializer[Any]):
    success = serializers.BooleanField()
