"""The API of networks and exports."""

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from fpga_export import forms, store
from fpga_export.archive import CHUNK, Pieces, streamed
from fpga_export.edges import edge, owner_of
from fpga_export.fault_defaults import saved_fault_config
from fpga_export.models import Artifact, ExportSession
from fpga_export.pack_forms import with_pack
from fpga_export.refusals import BadInput, NoExport, NoFile
from fpga_export.selectors import export_body, facts_of, find_file, network_of, networks_of
from fpga_export.serializers import (
    STARTED,
    CancelledOutput,
    ExportInput,
    ExportsOutput,
    ExportWithFiles,
    NetworkInput,
    NetworkOutput,
    NetworksOutput,
    StartedOutput,
)
from fpga_export.services import (
    cancel_export,
    delete_export,
    delete_network,
    start_export,
    start_netlist,
    upload_network,
)
from sessions_app.models import Sesion
from visionai.lib.openapi import problems
from visionai.lib.parsing import JSONParser

TAGS = ["Hardware"]
KINDS = {kind.value: kind for kind in ExportSession.Kind}
PACKED = {ExportSession.Kind.DESIGN, ExportSession.Kind.CAMPAIGN}
SHOWN = {".png": "image/png"}  # pictures that we encoded ourselves may be looked at in the page


def sesion_of(request: Request) -> Sesion | None:
    """The login that the request came with."""
    return request.auth if isinstance(request.auth, Sesion) else None


def own_export(request: Request, session_id: str) -> ExportSession:
    """One of the caller's own. Raises `NoExport`, for somebody else's too."""
    mine = ExportSession.objects.owned_by(owner_of(request))
    found = mine.filter(session_id=session_id).first()
    if found is None:
        raise NoExport
    return found


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    operation_id="api_v1_hardware_networks_list",
    summary="List your networks and the shipped ones",
    responses={200: NetworksOutput, **problems(_401="bad_token")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Upload a network",
    request={"multipart/form-data": NetworkInput},
    responses={201: NetworkOutput, **problems(_400="no_file", _409="name_taken", _422="refused")},
)
@api_view(["GET", "POST"])
@edge()
@parser_classes([MultiPartParser, FormParser])
def networks(request: Request) -> Response:
    if request.method == "GET":
        return Response({"networks": networks_of(owner_of(request))})
    if "file" not in request.FILES:
        raise NoFile
    file = request.FILES["file"]
    made = upload_network(
        owner_of(request), filename=str(file.name), data=bytes(file.read()), at=timezone.now()
    )
    return Response(facts_of(made), status=201)


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="A network's layers",
    responses={200: NetworkOutput, **problems(_404="no_network")},
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Delete a network of yours",
    responses={204: None, **problems(_404="no_network")},
)
@api_view(["GET", "DELETE"])
@edge()
def network(request: Request, name: str) -> Response:
    if request.method == "DELETE":
        delete_network(owner_of(request), name)
        return Response(status=204)
    return Response(network_of(owner_of(request), name))


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    operation_id="api_v1_hardware_exports_list",
    summary="List your exports",
    responses={200: ExportsOutput, **problems(_401="bad_token")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Start an export",
    request={"multipart/form-data": ExportInput, "application/json": ExportInput},
    examples=[STARTED],
    responses={202: StartedOutput, **problems(_400="bad_input", _404="no_network", _409="busy")},
)
@api_view(["GET", "POST"])
@edge()
@parser_classes([MultiPartParser, FormParser, JSONParser])
def exports(request: Request) -> Response:
    if request.method == "GET":
        rows = ExportSession.objects.owned_by(owner_of(request))[:200]
        return Response({"exports": [export_body(one) | {"result": None} for one in rows]})
    kind = KINDS.get(str(forms.body_of(request).get("kind", "")))
    if kind is None or kind == ExportSession.Kind.NETLIST:  # it has an address of its own
        raise BadInput(reason="kind: " + ", ".join(KINDS))
    return started(request, kind)


def started(request: Request, kind: ExportSession.Kind) -> Response:
    """Queue the run that a request describes; 202 says where to look."""
    body = forms.body_of(request)
    settings: dict[str, Any] = {}
    if kind == ExportSession.Kind.WEIGHTS:
        name = str(body.get("model_path") or body.get("network") or "")
        key = "bits_value" if "bits_value" in body else "bits"
        settings = {"bits": forms.whole_number(body, key, 8, 2, 16)}
        asked = forms.Asked(name, None, settings)
    else:
        if kind == ExportSession.Kind.IMAGE:
            settings = forms.image_settings(body)
        elif kind == ExportSession.Kind.DESIGN:
            settings = forms.design_settings(body)
        elif kind == ExportSession.Kind.FAULTS:
            settings = forms.fault_settings(body, saved_fault_config(owner_of(request)))
        elif kind == ExportSession.Kind.CAMPAIGN:
            settings = forms.campaign_settings(body)
        take = with_pack if kind in PACKED else forms.with_picture
        asked = take(request, settings)
    made = start_export(
        owner_of(request),
        sesion_of(request),
        kind=kind,
        asked=asked.settings,
        network="" if kind == ExportSession.Kind.IMAGE else asked.network,
        picture=asked.picture,
        pack=asked.pack,
        at=timezone.now(),
    )
    return queued(made)


def queued(made: ExportSession) -> Response:
    """202, and where to look."""
    url = f"/api/v1/hardware/exports/{made.session_id}"
    body_out = {"success": True, "session_id": made.session_id, "status": "running"}
    return Response(body_out | {"status_url": url}, status=202, headers={"Location": url})


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="How an export goes, and what came of it",
    responses={200: ExportWithFiles, **problems(_404="no_export")},
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Delete an export with its files",
    responses={204: None, **problems(_404="no_export")},
)
@api_view(["GET", "DELETE"])
@edge()
def export(request: Request, session_id: str) -> Response:
    found = own_export(request, session_id)
    if request.method == "DELETE":
        delete_export(found)
        return Response(status=204)
    files = found.artifacts.values("folder", "name", "size", "sha256")
    return Response(export_body(found) | {"files": list(files)})


@extend_schema(
    tags=TAGS,
    summary="Cancel an export",
    request=None,
    responses={200: CancelledOutput, **problems(_404="no_export")},
)
@api_view(["POST"])
@edge()
def cancel(request: Request, session_id: str) -> Response:
    found = own_export(request, session_id)
    return Response({"cancelled": cancel_export(found, at=timezone.now())})


@extend_schema(
    tags=TAGS,
    summary="Take a finished design past synthesis",
    request=None,
    examples=[STARTED],
    responses={202: StartedOutput, **problems(_404="no_export", _409="no_design")},
)
@api_view(["POST"])
@edge()
def netlist(request: Request, session_id: str) -> Response:
    design = own_export(request, session_id)
    made = start_netlist(owner_of(request), sesion_of(request), design, at=timezone.now())
    return queued(made)


@extend_schema(
    tags=TAGS,
    summary="One file",
    responses={200: OpenApiTypes.BINARY, **problems(_404="no_export")},
)
@api_view(["GET"])
@edge()
def file(request: Request, session_id: str, name: str) -> HttpResponseBase:
    export_of = own_export(request, session_id)
    found = find_file(owner_of(request), name, session_id=export_of.session_id)
    if found is None:
        raise NoExport
    return sent(found)


@extend_schema(
    tags=TAGS,
    summary="All files in a ZIP",
    responses={200: OpenApiTypes.BINARY, **problems(_404="no_export")},
)
@api_view(["GET"])
@edge()
def archive(request: Request, session_id: str) -> StreamingHttpResponse:
    found = own_export(request, session_id)
    if not found.artifacts.exists():
        raise NoExport
    response = StreamingHttpResponse(streamed(found), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{found.session_id}.zip"'
    guard(response)
    return response


def sent(artifact: Artifact) -> HttpResponseBase:
    """The file as an attachment; a picture that we encoded may be shown."""
    path = store.published(artifact.folder, artifact.export.session_id) / artifact.name
    kind = SHOWN.get(path.suffix)
    kinds = {"content_type": kind or "application/octet-stream"}
    response: HttpResponseBase
    try:
        if artifact.size <= CHUNK:
            response = HttpResponse(path.read_bytes(), **kinds)
        else:
            response = StreamingHttpResponse(Pieces(path), **kinds)
    except OSError as error:
        raise NoExport from error
    response["Content-Length"] = str(artifact.size)
    disposition = content_disposition_header(kind is None, path.name)
    if disposition:
        response["Content-Disposition"] = disposition
    guard(response)
    return response


def guard(response: HttpResponseBase) -> None:
    """No browser may take what is sent for a page."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "private, no-store"
