"""Letters of a hand that a Space reads in the place of the network that is shipped."""

import time

from asgiref.sync import async_to_sync
from django.conf import settings

from assistant.far_eyes import encoded_again
from assistant.providers.base import ProviderFault
from assistant.providers.configured import guard_for, space
from predictions.core.images import decode
from predictions.hooks import FarLetters


def read_far(picture: bytes) -> FarLetters | None:
    """What the configured Space reads, without guesses when it fails; None without a Space."""
    reader = space()
    if reader is None:
        return None
    guard = guard_for("letters", reader)
    by = time.monotonic() + float(settings.CHAT_DEADLINE_S)
    sent = encoded_again(decode(picture).pixels)
    try:
        guesses = async_to_sync(guard.call)(lambda: reader.letters(sent), by=by)
    except ProviderFault:
        return FarLetters(f"space {reader.model}", ())
    return FarLetters(f"space {reader.model}", tuple(guesses))
