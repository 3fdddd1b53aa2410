"""The faults that an owner has planted unless a request names others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fpga_export.models import FaultDefault, Owner, belonging
from fpga_export.services import keep


def save_fault_config(owner: Owner, config: Mapping[str, Any], *, at: datetime) -> None:
    """Keep a checked configuration as the owner's own default."""
    keep(owner)
    whose: dict[str, Any] = belonging(owner)
    FaultDefault.objects.update_or_create(
        **whose, defaults={"config": dict(config), "saved_at": at}
    )


def saved_fault_config(owner: Owner) -> dict[str, Any]:
    """The owner's default; without one, no faults."""
    known = owner.pk is not None
    found = FaultDefault.objects.filter(**belonging(owner)).first() if known else None
    return dict(found.config) if found else {"enabled": False, "layers": {}}
