"""What is shown of networks and exports."""

from datetime import datetime
from functools import cache
from typing import Any

from fpga_export import store
from fpga_export.core.loader import read_model
from fpga_export.core.summary import layer_facts, layer_summary
from fpga_export.models import Artifact, ExportSession, Owner, UploadedNetwork
from fpga_export.refusals import NoNetwork, RunFailed
from fpga_export.services import network_path, own_network
from visionai.lib.jobs import JobState
from visionai.lib.parsing import is_sound


@cache
def shipped_facts(name: str) -> dict[str, Any]:
    """What a shipped network is; its files never change while a process runs."""
    path = store.shipped()[name]
    graph = read_model(path, filename=name)
    return {
        "filename": name,
        "size": path.stat().st_size,
        "parameters": graph.parameters,
        "layers": [layer_facts(layer) for layer in graph.layers],
        "created_at": None,
        "shipped": True,
    }


def networks_of(owner: Owner) -> list[dict[str, Any]]:
    """The user's networks, the newest first, and after them the shipped ones."""
    own = [facts_of(one) for one in UploadedNetwork.objects.owned_by(owner)]
    return own + [shipped_facts(name) for name in store.shipped()]


def facts_of(network: UploadedNetwork) -> dict[str, Any]:
    """What an uploaded network is."""
    return {
        "filename": network.filename,
        "size": network.size,
        "parameters": network.parameters,
        "layers": network.layers,
        "created_at": network.created_at,
        "shipped": False,
    }


def network_of(owner: Owner, name: str) -> dict[str, Any]:
    """One of them. Raises `NoNetwork`."""
    own = own_network(owner, name)
    if own is not None:
        return facts_of(own)
    if name not in store.shipped():
        raise NoNetwork
    return shipped_facts(name)


def layer_of(owner: Owner, name: str, layer: str) -> dict[str, Any]:
    """A layer with its weights' figures. Raises `NoNetwork`."""
    graph = read_model(network_path(owner, name), filename=name)
    for one in graph.layers:
        if one.name == layer:
            return layer_summary(one)
    raise NoNetwork


def latest_look(owner: Owner, name: str) -> ExportSession | None:
    """The user's newest finished run, layer by layer, of that network."""
    kind = ExportSession.Kind.INFERENCE
    mine = ExportSession.objects.owned_by(owner).filter(network=name, kind=kind)
    return mine.filter(state=JobState.DONE).first()


def export_body(export: ExportSession) -> dict[str, Any]:
    """A run as the API tells it."""
    body: dict[str, Any] = {
        "session_id": export.session_id,
        "kind": export.kind,
        "network": export.network,
        "state": export.state,
        "progress": export.progress,
        "step": export.step,
        "created_at": export.created_at,
        "ended_at": export.ended_at,
        "result": export.result if export.state == JobState.DONE else None,
        "error": None,
    }
    if export.error:
        body["error"] = {"code": export.error.get("code"), "detail": error_sentence(export)}
    return body


def error_sentence(export: ExportSession) -> str:
    """Why a run failed, for people."""
    error = export.error or {}
    return RunFailed(str(error.get("code", "internal")), **error.get("facts", {})).sentence()


def find_file(owner: Owner, wanted: str, *, session_id: str = "") -> Artifact | None:
    """A file of that name in the user's own exports, the newest first; never a path on the disk.

    `wanted` may carry the folder and the session before the name, as a client saw them.
    """
    name = wanted.strip("/")
    if not is_sound([name, session_id]):
        return None
    mine = Artifact.objects.filter(export__in=ExportSession.objects.owned_by(owner))
    if session_id:
        mine = mine.filter(export__session_id=session_id)
    newest = mine.select_related("export").order_by("-export__created_at", "-export_id")
    found = newest.filter(name=name).first()
    if found is not None:
        return found
    folder, _, rest = name.partition("/")
    if folder in store.FOLDERS and rest:
        session, _, inner = rest.partition("/")
        return newest.filter(folder=folder, export__session_id=session, name=inner).first()
    return None


def original_body(export: ExportSession) -> dict[str, Any]:
    """The answer of the original system to the request behind a finished run."""
    result = export.result
    names = list(export.artifacts.values_list("name", flat=True))
    body: dict[str, Any] = {"success": True, "session_id": export.session_id}
    if export.kind in {ExportSession.Kind.INFERENCE, ExportSession.Kind.FAULTS}:
        layers = {layer["name"]: layer for layer in result["layers"]}
        keys = ("predicted_class", "confidence", "all_probabilities")
        body |= {key: result[key] for key in keys}
        body |= {
            "layer_outputs": layers,
            "excel_files": [name for name in names if name.endswith(".xlsx")],
            "image_files": [name for name in names if name.endswith(".png")],
            "model_used": export.network,
        }
        if export.kind == ExportSession.Kind.FAULTS:
            body["fault_injection"] = result["fault_injection"]
    elif export.kind == ExportSession.Kind.IMAGE:
        path = store.published("vhdl_outputs", export.session_id) / result["file"]
        body |= {
            "file_path": result["file"],
            "vhdl_code": path.read_text("utf-8"),
            "decimal_matrix": result["decimal_matrix"],
            "hex_matrix": result["hex_matrix"],
        }
    else:
        body |= {"files": names, "model": export.network}
    return body


def session_line(export: ExportSession, *, files: int, at: datetime) -> dict[str, Any]:
    """A run in the original's list."""
    age = (at - export.created_at).total_seconds() / 3600
    return {
        "session_id": export.session_id,
        "session_type": export.kind,
        "created_at": export.created_at.isoformat(),
        "age_hours": round(age, 3),
        "file_count": files,
    }
