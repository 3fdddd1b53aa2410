"""The product's settings for nodes under test: many accounts log in at once."""

from visionai.settings import *  # noqa: F403

BROKER_LOGIN_PACE = 0.0
