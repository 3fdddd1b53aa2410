"""The original export system's entrances: thin, in its words, waiting for the run as it did."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from fpga_export.api import sent, started
from fpga_export.edges import edge, owner_of
from fpga_export.guests import HEADER
from fpga_export.models import ExportSession
from fpga_export.refusals import BadInput, NoExport, NoFile, RunFailed
from fpga_export.selectors import find_file, network_of, networks_of, original_body, session_line
from fpga_export.services import clean_up, delete_network, upload_network
from visionai.lib.errors import DomainError
from visionai.lib.jobs import ENDED, JobState
from visionai.lib.parsing import JSONParser
from visionai.lib.problems import problem_response

LONGEST_WAIT_S: Final = 60.0
LOOK_S: Final = 0.1
# Django's stubs know no asynchronous views.
View = Callable[..., Any]


@extend_schema(exclude=True)
@api_view(["POST"])
@edge(original=True)
@parser_classes([MultiPartParser, FormParser, JSONParser])
def _start(request: Request, *, kind: ExportSession.Kind) -> Response:
    return started(request, kind)


def waiting(kind: ExportSession.Kind) -> View:
    """A view that starts a run and waits for its end, without holding a thread meanwhile."""

    @csrf_exempt
    async def view(request: HttpRequest) -> HttpResponseBase:
        begun = await sync_to_async(_start)(request, kind=kind)
        if begun.status_code != 202:
            return begun
        session_id = begun.data["session_id"]
        until = time.monotonic() + LONGEST_WAIT_S
        while time.monotonic() < until:
            row = await ExportSession.objects.filter(session_id=session_id).afirst()
            if row is None or row.state in ENDED:
                done = await sync_to_async(_ended)(row)
                if HEADER in begun:
                    done[HEADER], done.cookies = begun[HEADER], begun.cookies
                return done
            await asyncio.sleep(LOOK_S)
        return begun

    return view


def _ended(export: ExportSession | None) -> JsonResponse:
    """The original's answer, or the problem that the run ended with."""
    if export is None:
        return _problem(NoExport())
    if export.state != JobState.DONE:
        error = export.error or {}
        code = "cancelled" if export.state == JobState.CANCELLED else error.get("code", "internal")
        return _problem(RunFailed(str(code), **error.get("facts", {})))
    return JsonResponse(original_body(export) | {"message": _("Done.")})


def _problem(refusal: DomainError) -> JsonResponse:
    return problem_response(
        status=refusal.status,
        code=refusal.code,
        title=str(refusal.title),
        detail=refusal.sentence(),
    )


manual_inference = waiting(ExportSession.Kind.INFERENCE)
convert_image = waiting(ExportSession.Kind.IMAGE)
extract_weights = waiting(ExportSession.Kind.WEIGHTS)
fault_inference = waiting(ExportSession.Kind.FAULTS)


@extend_schema(exclude=True)
@api_view(["GET"])
@edge(original=True)
def list_models(request: Request) -> Response:
    models = [
        {
            "filename": one["filename"],
            "path": one["filename"],
            "size_kb": round(one["size"] / 1024, 2),
            "created_at": one["created_at"],
            "layers": len(one["layers"]),
        }
        for one in networks_of(owner_of(request))
    ]
    return Response({"models": models})


@extend_schema(exclude=True)
@api_view(["POST"])
@edge(original=True)
@parser_classes([MultiPartParser, FormParser])
def upload_model(request: Request) -> Response:
    if "file" not in request.FILES:
        raise NoFile
    file = request.FILES["file"]
    made = upload_network(
        owner_of(request), filename=str(file.name), data=bytes(file.read()), at=timezone.now()
    )
    info = {
        "name": made.filename,
        "path": made.filename,
        "layers": len(made.layers),
        "parameters": made.parameters,
        "input_shape": made.layers[0]["output_shape"],
        "output_shape": made.layers[-1]["output_shape"],
    }
    return Response({"message": _("The network was uploaded."), "model_info": info})


@extend_schema(exclude=True)
@api_view(["POST"])
@edge(original=True)
def delete_models(request: Request) -> Response:
    names: Any = request.data
    if not isinstance(names, list) or len(names) > 100:
        raise BadInput(reason=_("Send a list of names."))
    deleted, errors = [], []
    for name in names:
        try:
            delete_network(owner_of(request), str(name))
            deleted.append(name)
        except DomainError as refusal:
            errors.append({"path": name, "error": refusal.sentence()})
    return Response({"success": not errors, "deleted_models": deleted, "errors": errors})


@extend_schema(exclude=True)
@api_view(["GET"])
@edge(original=True)
def model_layers(request: Request) -> Response:
    found = network_of(owner_of(request), request.query_params.get("model_path", ""))
    return Response({"layers": found["layers"]})


@extend_schema(exclude=True)
@api_view(["GET"])
@edge(original=True)
def download_file(request: Request, file_path: str = "") -> HttpResponseBase:
    wanted = file_path or request.query_params.get("file_path", "")
    session_id = request.query_params.get("t", "")
    found = find_file(owner_of(request), wanted, session_id=session_id)
    if found is None:
        raise NoExport
    return sent(found)


@extend_schema(exclude=True)
@api_view(["GET"])
@edge(original=True)
def list_sessions(request: Request) -> Response:
    mine = ExportSession.objects.owned_by(owner_of(request))
    rows = mine.annotate(files=Count("artifacts"))
    at = timezone.now()
    sessions = [session_line(row, files=int(vars(row)["files"]), at=at) for row in rows]
    return Response({"total_sessions": len(sessions), "sessions": sessions})


@extend_schema(exclude=True)
@api_view(["DELETE"])
@edge(original=True)
def cleanup_sessions(request: Request) -> Response:
    """The caller's own; with `all=true` everybody's, for staff."""
    text = request.query_params.get("max_age_hours", "24")
    try:
        hours = float(text)
    except ValueError as error:
        raise BadInput(reason=_("max_age_hours is a number.")) from error
    if not 0 <= hours <= 24 * 365 * 10:
        raise BadInput(reason=_("max_age_hours is between 0 and ten years."))
    owner = owner_of(request)
    everybody = owner.is_staff and request.query_params.get("all") == "true"
    whose = None if everybody else owner
    count = clean_up(at=timezone.now(), age=timedelta(hours=hours), owner=whose)
    told = _("{count} sessions were deleted.").format(count=count)
    return Response({"message": told, "cleaned_sessions": count})
