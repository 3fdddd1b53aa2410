"""What may happen: a network is uploaded, something is made of it, and all of it is deleted."""

import hashlib
import logging
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.acts import EXPORT_RUN, EXPORTS_A_DAY
from accounts.models import User
from accounts.plans import check_quota
from accounts.usage import record
from fpga_export import store
from fpga_export.child import Ended, run_child
from fpga_export.core.limits import FILE_BYTES
from fpga_export.models import (
    Artifact,
    ExportQuerySet,
    ExportSession,
    FaultDefault,
    Guest,
    Owner,
    UploadedNetwork,
    belonging,
)
from fpga_export.refusals import (
    AddressBusy,
    BusyAlready,
    NameTaken,
    NetworkRefused,
    NoDesign,
    NoNetwork,
    TooManyNetworks,
)
from fpga_export.room import check_room, fits, room_facts, size_text
from sessions_app.firebase import subject_of
from sessions_app.models import Sesion
from visionai.lib.jobs import ATTEMPTS, ENDED, JobState, claim, silent_at
from visionai.lib.parsing import is_sound

log = logging.getLogger(__name__)

MOST_NETWORKS: Final = 50
AGE: Final = timedelta(hours=24)
LONGEST_S: Final = 300.0
NETLIST_S: Final = 900.0
CHECK_CPU_S: Final = 5.0
CHECK_S: Final = 20.0  # a sound network takes a second, or many where others keep the machine busy
BEAT_S: Final = 2.0
PLAIN_UID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
FILENAME: Final = re.compile(r"[\w .()+-]{1,110}\.(keras|h5|hdf5)", re.IGNORECASE)


def upload_network(owner: Owner, *, filename: str, data: bytes, at: datetime) -> UploadedNetwork:
    """Look at a file in a child process, and keep it.

    Raises `NetworkRefused`, `NameTaken`, `TooManyNetworks` and `QuotaReached`.
    """
    name = Path(filename.replace("\\", "/")).name.strip()
    if not FILENAME.fullmatch(name):
        raise NetworkRefused("bad_name", layer=name[:60])
    if len(data) > FILE_BYTES:
        raise NetworkRefused("file_too_large", limit=FILE_BYTES)
    mine = UploadedNetwork.objects.owned_by(owner)
    if mine.filter(filename=name).exists() or name in store.shipped():
        raise NameTaken(filename=name)
    if mine.count() >= MOST_NETWORKS:
        raise TooManyNetworks(limit=MOST_NETWORKS)
    check_room(owner, len(data))
    facts = _looked_at(name, data)
    keep(owner)
    stored = secrets.token_hex(16)
    store.write_private(store.networks() / stored, data)
    try:
        with transaction.atomic():
            return UploadedNetwork.objects.create(
                **belonging(owner),
                filename=name,
                stored=stored,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                parameters=facts["parameters"],
                layers=facts["layers"],
                created_at=at,
            )
    except IntegrityError as error:
        (store.networks() / stored).unlink(missing_ok=True)
        raise NameTaken(filename=name) from error


def _looked_at(name: str, data: bytes) -> dict[str, Any]:
    """What the loader says of a file. Raises `NetworkRefused`."""
    with tempfile.TemporaryDirectory(dir=store.root(), prefix="check-") as folder:
        path = Path(folder) / "network"
        path.write_bytes(data)
        ended = run_child(
            Path(folder),
            _request("check", name, path),
            seconds=CHECK_S,
            cpu_seconds=CHECK_CPU_S,
        )
    if ended.error:
        raise NetworkRefused(str(ended.error["code"]), **ended.error.get("facts", {}))
    if ended.code != 0:
        raise NetworkRefused("too_slow")
    return ended.result


def _request(kind: str, network: str, path: Path | None) -> dict[str, Any]:
    return {"kind": kind, "network": network, "network_path": str(path) if path else ""}


def own_network(owner: Owner, name: str) -> UploadedNetwork | None:
    """An uploaded network of theirs. PostgreSQL cannot even be asked for a name with a zero."""
    mine = UploadedNetwork.objects.owned_by(owner)
    return mine.filter(filename=name).first() if is_sound(name) else None


def network_path(owner: Owner, name: str) -> Path:
    """The file of one of the owner's networks, or of a shipped one. Raises `NoNetwork`."""
    own = own_network(owner, name)
    if own is not None:
        return store.networks() / own.stored
    if name in store.shipped():
        return store.shipped()[name]
    raise NoNetwork


def delete_network(owner: Owner, name: str) -> None:
    """Forget an uploaded network. Raises `NoNetwork`, for a shipped one too."""
    own = own_network(owner, name)
    if own is None:
        raise NoNetwork
    own.delete()
    (store.networks() / own.stored).unlink(missing_ok=True)


def keep(owner: Owner) -> None:
    """A guest is kept once it makes something."""
    if isinstance(owner, Guest) and owner.pk is None:
        owner.save()


def new_session_id(owner: Owner, sesion: Sesion | None, at: datetime) -> str:
    """`user_{uid}_{unix seconds}_{8 hex}`; an id of Firebase's only where it is plain."""
    uid = "anonymous" if isinstance(owner, Guest) else str(owner.pk)
    if sesion is not None and sesion.kind == Sesion.Kind.FIREBASE:
        subject = subject_of(sesion) or ""
        uid = subject if PLAIN_UID.fullmatch(subject) else uid
    return f"user_{uid}_{int(at.timestamp())}_{secrets.token_hex(4)}"


def start_export(
    owner: Owner,
    sesion: Sesion | None,
    *,
    kind: ExportSession.Kind,
    asked: Mapping[str, Any],
    network: str = "",
    picture: bytes | None = None,
    pack: bytes | None = None,
    at: datetime,
) -> ExportSession:
    """Queue a run. Raises `NoNetwork`, `BusyAlready`, `QuotaReached` and `DailyLimitReached`."""
    from fpga_export.tasks import run_export  # the task calls this module

    if kind not in {ExportSession.Kind.IMAGE, ExportSession.Kind.NETLIST}:
        network_path(owner, network)
    check_room(owner)
    keep(owner)
    session_id = new_session_id(owner, sesion, at)
    folder = store.work(session_id)
    with transaction.atomic():
        _check_idle(owner)
        if isinstance(owner, User):
            check_quota(owner, EXPORTS_A_DAY.name, at=at)
        export = ExportSession.objects.create(
            session_id=session_id,
            **belonging(owner),
            sesion=sesion,
            kind=kind,
            network=network,
            asked=dict(asked),
            created_at=at,
        )
        transaction.on_commit(lambda: run_export.apply_async(args=[export.pk], queue="heavy"))
        try:
            folder.mkdir(mode=0o700)
            if picture is not None:
                store.write_private(folder / "picture", picture)
            if pack is not None:
                store.write_private(folder / "pack", pack)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return export


def _check_idle(owner: Owner) -> None:
    """Raises `BusyAlready`: one run at a time, however many ask, guests' by their address."""
    runs = ExportSession.objects.exclude(state__in=ENDED)
    if isinstance(owner, Guest):
        # All guests of an address wait for the same row, so that two of them cannot both be first.
        alike = Guest.objects.filter(address=owner.address).order_by("pk")
        alike.select_for_update().first()
    else:
        User.objects.select_for_update().get(pk=owner.pk)  # a page's user is a lazy object
    running = runs.owned_by(owner).first()
    if running is not None:
        raise BusyAlready(session_id=running.session_id)
    if isinstance(owner, Guest) and runs.filter(guest__address=owner.address).exists():
        raise AddressBusy


def start_netlist(
    owner: Owner, sesion: Sesion | None, design: ExportSession, *, at: datetime
) -> ExportSession:
    """Queue a finished design for synthesis: is its netlist exact, how large, how fast.

    Raises `NoDesign`, `BusyAlready` and `QuotaReached`.
    """
    if design.kind != ExportSession.Kind.DESIGN or design.state != JobState.DONE:
        raise NoDesign
    return start_export(
        owner,
        sesion,
        kind=ExportSession.Kind.NETLIST,
        asked={"design": design.session_id},
        network=design.network,
        at=at,
    )


def run(pk: int) -> None:
    """Do what a row asks for, unless another worker does. Safe to call twice."""
    rows = ExportSession.objects.filter(pk=pk)
    if rows.to_be_stopped().exists():
        rows.update(wants_cancel=True)
    if not claim(rows, at=timezone.now()):
        rows.filter(wants_cancel=True).exclude(state__in=ENDED).update(
            state=JobState.CANCELLED, ended_at=timezone.now()
        )
        return
    export = rows.select_related("owner", "guest").get()
    if export.attempts > ATTEMPTS:
        _fail(export, "lost")
        return
    folder = store.work(export.session_id)
    try:
        path = _made_ready(export, folder)
    except NoNetwork:
        _fail(export, "internal")
        return
    except FileNotFoundError:
        _fail(export, "no_design")
        return
    asked = {**export.asked, **_request(export.kind, export.network, path)}
    asked["session_id"] = export.session_id
    asked["classes"] = store.class_names(export.network)
    seconds = NETLIST_S if export.kind == ExportSession.Kind.NETLIST else LONGEST_S
    ended = run_child(folder, asked, seconds=seconds, goes_on=lambda told: _note(rows, told))
    _settle(export, ended)
    shutil.rmtree(folder, ignore_errors=True)


def _made_ready(export: ExportSession, folder: Path) -> Path | None:
    """The file of the run's network, with the folder as a first try finds it.

    Raises `NoNetwork`, and `FileNotFoundError` of a design.
    """
    shutil.rmtree(folder / "out", ignore_errors=True)
    if export.kind == ExportSession.Kind.NETLIST:
        shutil.rmtree(folder / "design", ignore_errors=True)
        store.copy_design(str(export.asked["design"]), folder / "design")
        return None
    return network_path(export.whose, export.network) if export.network else None


def _settle(export: ExportSession, ended: Ended) -> None:
    """What came of a run, by how its child ended."""
    if ended.error:
        _fail(export, str(ended.error["code"]), ended.error.get("facts", {}))
    elif ended.code != 0:
        cancelled = ExportSession.objects.filter(pk=export.pk).to_be_stopped().exists()
        _fail(export, "cancelled" if cancelled else "internal")
    elif not fits(export.whose, made := store.made_bytes(export.session_id)):
        _fail(export, "quota", {"made": size_text(made), **room_facts(export.whose)})
    else:
        _publish(export, ended.result)


def _note(rows: ExportQuerySet, told: Mapping[str, Any]) -> bool:
    """Tell the row how far its child is; whether it is to go on."""
    step = str(told.get("step", ""))[:200]
    at = timezone.now()
    found = rows.update(heartbeat_at=at, progress=told.get("progress", 0.0), step=step)
    return bool(found) and not rows.to_be_stopped().exists()


def _publish(export: ExportSession, result: dict[str, Any]) -> None:
    """Files first, then their rows: a row never names a file that is not whole."""
    found = list(store.publish(export.session_id))
    with transaction.atomic():
        # Deleted meanwhile: nothing of it stays.
        if not ExportSession.objects.select_for_update().filter(pk=export.pk).exists():
            store.forget(export.session_id)
            return
        Artifact.objects.filter(export=export).delete()
        Artifact.objects.bulk_create(
            Artifact(export=export, folder=folder, name=name, size=size, sha256=digest)
            for folder, name, size, digest in found
        )
        ExportSession.objects.filter(pk=export.pk).update(
            state=JobState.DONE,
            result=result,
            progress=1.0,
            step="",
            ended_at=timezone.now(),
        )
        if export.owner is not None:
            record(
                export.owner,
                act=EXPORT_RUN,
                key=f"export:{export.pk}",
                at=timezone.now(),
                session_id=export.session_id,
            )


def _fail(export: ExportSession, code: str, facts: Mapping[str, Any] | None = None) -> None:
    state = JobState.CANCELLED if code == "cancelled" else JobState.FAILED
    ExportSession.objects.filter(pk=export.pk).update(
        state=state, error={"code": code, "facts": dict(facts or {})}, ended_at=timezone.now()
    )
    shutil.rmtree(store.work(export.session_id), ignore_errors=True)


def cancel_export(export: ExportSession, *, at: datetime) -> bool:
    """Ask a run to end; one that waits ends at once. False where it had ended."""
    rows = ExportSession.objects.filter(pk=export.pk)
    waiting = rows.filter(state=JobState.QUEUED)
    if waiting.update(state=JobState.CANCELLED, wants_cancel=True, ended_at=at):
        shutil.rmtree(store.work(export.session_id), ignore_errors=True)
        return True
    return bool(rows.filter(state=JobState.RUNNING).update(wants_cancel=True))


def delete_export(export: ExportSession) -> None:
    """Forget a run with its files; a child of it ends when it finds its row gone."""
    session_id = export.session_id
    export.delete()
    store.forget(session_id)


def clean_up(*, at: datetime, age: timedelta = AGE, owner: Owner | None = None) -> int:
    """Delete exports older than `age`; those of `owner` alone if one is given."""
    old = ExportSession.objects.older_than(age, at).filter(state__in=ENDED)
    if owner is not None:
        old = old.owned_by(owner)
    count = 0
    for export in old:
        delete_export(export)
        count += 1
    return count


def send_silent_again(*, at: datetime) -> int:
    """Send rows again whose worker died, or whose message was lost."""
    from fpga_export.tasks import run_export  # the task calls this module

    silent = ExportSession.objects.filter(silent_at(at)).values_list("pk", flat=True)
    for pk in silent:
        run_export.apply_async(args=[pk], queue="heavy")
    return len(silent)


def erase_of(owner: Owner) -> None:
    """All that is theirs, rows and files."""
    for network in UploadedNetwork.objects.owned_by(owner):
        (store.networks() / network.stored).unlink(missing_ok=True)
        network.delete()
    for export in ExportSession.objects.owned_by(owner):
        delete_export(export)
    FaultDefault.objects.filter(**belonging(owner)).delete()
