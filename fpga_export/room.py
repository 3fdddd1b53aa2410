"""How much may lie on the disk, of one owner and of all guests together."""

from typing import Any, Final

from django.db.models import Sum
from django.template.defaultfilters import filesizeformat

from accounts.acts import STORAGE
from accounts.plans import limit_of
from fpga_export.models import Artifact, ExportSession, Guest, Owner, UploadedNetwork
from fpga_export.refusals import GuestsQuotaReached, QuotaReached

NO_LIMIT: Final = 2**62
GUEST_QUOTA: Final = 100 * 2**20
LARGEST: Final = 3  # networks and exports that a refusal names
GUESTS_QUOTA: Final = 2 * 2**30  # of all guests together


def quota_of(owner: Owner) -> int:
    """How many bytes networks and exports of theirs may take."""
    if isinstance(owner, Guest):
        return GUEST_QUOTA
    most = limit_of(owner, STORAGE.name)
    return NO_LIMIT if most is None else most


def used_bytes(owner: Owner) -> int:
    """What an owner's networks and exports take on the disk."""
    networks = UploadedNetwork.objects.owned_by(owner).aggregate(total=Sum("size"))["total"] or 0
    mine = Artifact.objects.filter(export__in=ExportSession.objects.owned_by(owner))
    return int(networks + (mine.aggregate(total=Sum("size"))["total"] or 0))


def guests_bytes() -> int:
    """What all guests' networks and exports take together."""
    networks = UploadedNetwork.objects.exclude(guest=None).aggregate(total=Sum("size"))["total"]
    made = Artifact.objects.exclude(export__guest=None).aggregate(total=Sum("size"))["total"]
    return int((networks or 0) + (made or 0))


def check_room(owner: Owner, more: int = 0) -> None:
    """Raises `QuotaReached` where `more` bytes have no place."""
    if used_bytes(owner) + more > quota_of(owner):
        raise no_room(owner)
    if isinstance(owner, Guest) and guests_bytes() + more > GUESTS_QUOTA:
        raise GuestsQuotaReached


def no_room(owner: Owner) -> QuotaReached:
    """The refusal, with what may be deleted."""
    return QuotaReached(**room_facts(owner))


def room_facts(owner: Owner) -> dict[str, Any]:
    """How much is used of how much, and what takes the most, for people."""
    networks = UploadedNetwork.objects.owned_by(owner).order_by("-size")[:LARGEST]
    exports = ExportSession.objects.owned_by(owner).annotate(size=Sum("artifacts__size"))
    found = [(one.size, one.filename) for one in networks]
    largest = exports.filter(size__gt=0).order_by("-size")[:LARGEST]
    found += [(int(vars(one)["size"]), one.session_id) for one in largest]
    told = [f"{name} ({size_text(size)})" for size, name in sorted(found, reverse=True)[:LARGEST]]
    return {
        "used": size_text(used_bytes(owner)),
        "limit": size_text(quota_of(owner)),
        "largest": ", ".join(told) or "—",
    }


def size_text(count: int) -> str:
    """Bytes for people, without signs that no terminal shows."""
    return filesizeformat(count).replace("\xa0", " ")


def fits(owner: Owner, more: int) -> bool:
    """Whether `more` bytes have a place."""
    try:
        check_room(owner, more)
    except (QuotaReached, GuestsQuotaReached):
        return False
    return True
