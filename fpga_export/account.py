"""What an account's owner may ask of this app."""

from collections.abc import Iterator, Mapping

from accounts.models import User
from fpga_export.models import ExportSession, FaultDefault, UploadedNetwork
from fpga_export.services import erase_of

Part = tuple[str, Iterator[Mapping[str, object]]]


def export_networks(user: User) -> Part:
    rows = UploadedNetwork.objects.owned_by(user)
    return "networks", rows.values("filename", "size", "sha256", "created_at").iterator()


def export_exports(user: User) -> Part:
    rows = ExportSession.objects.owned_by(user)
    return "exports", rows.values("session_id", "kind", "network", "created_at").iterator()


def export_faults(user: User) -> Part:
    rows = FaultDefault.objects.filter(owner=user)
    return "fault_configurations", rows.values("config", "saved_at").iterator()


def erase_exports(user: User) -> None:
    erase_of(user)
