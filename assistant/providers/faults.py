"""What an HTTP status of a provider means to us; nothing of what it said is repeated."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from assistant.providers.base import (
    ProviderBusy,
    ProviderFault,
    ProviderRefused,
    ProviderTimeout,
)

MOST_WAIT_S = 3600
log = logging.getLogger(__name__)


class ProviderLocked(ProviderFault):
    """401, 403, 404: the key, its rights or the model's name are wrong; the operator's to mend."""

    status, code, title = 502, "provider_locked", _("The provider does not let us in")
    detail = _("The assistant's provider refuses this site; its operator must check the settings.")
    retries: ClassVar[bool] = False


def fault_of_status(engine: str, status: int, headers: Mapping[str, str]) -> ProviderFault:
    """The fault that an answer with `status` is."""
    log.warning("%s answered %s", engine, status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderBusy(engine=engine, retry_after=retry_after(headers))
    if status in {401, 402, 403, 404}:
        return ProviderLocked(engine=engine)
    if status in {408, 504}:
        return ProviderTimeout(engine=engine)
    if status == 503:
        return ProviderBusy(engine=engine, retry_after=retry_after(headers))
    if 400 <= status < 500 and status != 409:
        return ProviderRefused(engine=engine)
    return ProviderFault(engine=engine)


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Whole seconds that the far side asks for; a date or nonsense is none."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), MOST_WAIT_S)
    return None
