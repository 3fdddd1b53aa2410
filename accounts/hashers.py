"""Password hashes that the original systems stored."""

import bcrypt
from django.contrib.auth.hashers import BCryptPasswordHasher

LENGTH = 72  # bytes; bcrypt never looked at more


class OriginalBCryptPasswordHasher(BCryptPasswordHasher):
    """bcrypt as the originals used it: what follows the 72nd byte does not count.

    Today's library refuses a longer password instead of cutting it.
    """

    def encode(self, password: str, salt: bytes | str) -> str:
        raw = salt if isinstance(salt, bytes) else salt.encode("ascii")
        digest = bcrypt.hashpw(password.encode()[:LENGTH], raw)
        return f"{self.algorithm}${digest.decode('ascii')}"
