"""The product's settings with limits that a test can wait for."""

from datetime import timedelta

from visionai.settings import *  # noqa: F403
from visionai.settings import PASSWORD_HASHERS

BROWSER_IDLE_LIMIT = timedelta(seconds=3)
BROWSER_ABSOLUTE_LIMIT = timedelta(seconds=8)
API_SESSION_LIMIT = timedelta(seconds=6)
PASSWORD_HASHERS = ["tests.hashers.QuickArgon2PasswordHasher", *PASSWORD_HASHERS[1:]]
