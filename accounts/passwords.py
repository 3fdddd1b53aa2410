"""Which new passwords are too easy to guess, beyond what Django looks at."""

import re
import unicodedata

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

EDGE = 4  # a word with more than this around it is not one that is tried first
SPANISH = {
    "acceso", "administrador", "amigos", "bienvenida", "bienvenido", "camara", "clave", "colombia",
    "contrasena", "contrasenya", "espana", "familia", "hola", "holamundo", "inicio", "madrid",
    "mexico", "mellamo", "miclave", "micontrasena", "peru", "princesa", "prueba", "secreta",
    "secreto", "segura", "seguro", "teamo", "temporal", "tequiero", "usuario", "visionai",
}  # fmt: skip


class CommonWordValidator:
    """Refuses a common word that is only dressed up with digits or signs around it."""

    def __init__(self) -> None:
        self._common = SPANISH | CommonPasswordValidator().passwords

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        del user  # part of Django's interface
        letters = unicodedata.normalize("NFKD", password.casefold())
        plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
        word = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
        if word in self._common and len(plain) - len(word) <= EDGE:
            raise ValidationError(self.get_help_text(), code="password_too_common")

    def get_help_text(self) -> str:
        return _("The password must not be a common word with a few digits or signs around it.")
