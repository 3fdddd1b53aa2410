"""Pages on which a network is opened, taken apart and carried onto an FPGA."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.acts import STORAGE
from accounts.models import User
from accounts.plans import limit_of
from fpga_export import forms
from fpga_export.core.diagram import bars, diagram
from fpga_export.core.faults import KINDS as FAULT_KINDS
from fpga_export.edges import count_page
from fpga_export.export_page import clock_facts, running_facts
from fpga_export.fault_words import campaign_tables, fault_name, weighted_layers
from fpga_export.models import ExportSession
from fpga_export.pack_forms import calibration_settings, pack_in
from fpga_export.refusals import BadInput, NoNetwork
from fpga_export.room import used_bytes
from fpga_export.selectors import error_sentence, latest_look, layer_of, network_of, networks_of
from fpga_export.services import (
    cancel_export,
    delete_export,
    delete_network,
    start_export,
    start_netlist,
    upload_network,
)
from fpga_export.store import class_names
from sessions_app.models import Sesion
from visionai.lib.errors import DomainError
from visionai.lib.jobs import JobState

RECENT = 30
PACKED = {ExportSession.Kind.DESIGN, ExportSession.Kind.CAMPAIGN}
KINDS = {
    "capas": "inference",
    "pesos": "weights",
    "vhdl": "design",
    "fallos": "faults",
    "campana": "campaign",
}


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


def _sesion(request: HttpRequest) -> Sesion | None:
    found = getattr(request, "sesion", None)
    return found if isinstance(found, Sesion) else None


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    facts = {
        "networks": networks_of(user),
        "exports": ExportSession.objects.owned_by(user)[:RECENT],
        "used": used_bytes(user),
        "quota": limit_of(user, STORAGE.name),
    }
    return render(request, "fpga_export/home.html", facts)


@login_required
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    count_page(request)
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, _("Choose a .keras or .h5 file first."))
        return redirect("hardware")
    try:
        made = upload_network(
            _user(request), filename=str(file.name), data=bytes(file.read()), at=timezone.now()
        )
    except DomainError as refusal:
        messages.error(request, f"{refusal.title}: {refusal.sentence()}")
        return redirect("hardware")
    messages.success(request, _("{name} was uploaded.").format(name=made.filename))
    return redirect("hardware-network", name=made.filename)


@login_required
@require_GET
def network(request: HttpRequest, name: str) -> HttpResponse:
    try:
        found = network_of(_user(request), name)
    except NoNetwork as error:
        raise Http404 from error
    layers = found["layers"]
    facts = {
        "network": found,
        "macs": sum(layer["macs"] for layer in layers),
        "diagram": diagram(layers),
        "unsupported": [layer for layer in layers if layer["unsupported"]],
        "lanes": (1, 2, 4, 8, 16),
        "bits": (4, 6, 8, 10, 12, 16),
        "fault_kinds": [(kind, fault_name(kind)) for kind in FAULT_KINDS],
        "weighted": weighted_layers(layers),
    }
    return render(request, "fpga_export/network.html", facts)


@login_required
@require_GET
def layer(request: HttpRequest, name: str, layer: str) -> HttpResponse:
    """A layer's weights, and its maps from the latest run."""
    user = _user(request)
    try:
        told = layer_of(user, name, layer)
    except NoNetwork as error:
        raise Http404 from error
    weights = [
        {**one, "bars": bars(one["histogram"]["counts"])}
        for one in told["weights"]
        if one["finite"] and one["count"]
    ]
    seen = latest_look(user, name)
    layers = seen.result["layers"] if seen else []
    found: dict[str, Any] = next((one for one in layers if one["name"] == layer), {})
    mosaics = [found[key] for key in ("mosaic", "mosaic_integer") if key in found]
    facts = {"name": name, "layer": told, "weights": weights, "seen": seen, "mosaics": mosaics}
    return render(request, "fpga_export/layer.html", facts)


@login_required
@require_POST
def remove_network(request: HttpRequest, name: str) -> HttpResponse:
    try:
        delete_network(_user(request), name)
    except NoNetwork as error:
        raise Http404 from error
    messages.success(request, _("{name} was deleted.").format(name=name))
    return redirect("hardware")


@login_required
@require_POST
def start(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    chosen = ExportSession.Kind(KINDS[kind])
    body = request.POST

    def settings() -> dict[str, Any]:
        if chosen == ExportSession.Kind.WEIGHTS:
            return {"bits": forms.whole_number(body, "bits", 8, 2, 16)}
        if chosen == ExportSession.Kind.FAULTS:
            layers = weighted_layers(network_of(_user(request), name)["layers"])
            return forms.fault_form_settings(body, layers)
        if chosen == ExportSession.Kind.CAMPAIGN:
            plan = forms.campaign_settings(body) | {"each_bit": "each_bit" in body}
            return plan | calibration_settings(body)
        if chosen == ExportSession.Kind.DESIGN:
            return forms.design_settings(body) | calibration_settings(body)
        return {}

    packed = chosen in PACKED and bool(request.FILES.get("pack") or request.FILES.get("pictures"))
    needs = chosen != ExportSession.Kind.WEIGHTS and not packed
    return _begin(request, chosen, settings, network=name, needs_picture=needs)


@login_required
@require_POST
def image(request: HttpRequest) -> HttpResponse:
    return _begin(
        request, ExportSession.Kind.IMAGE, lambda: forms.image_settings(request.POST), network=""
    )


def _begin(
    request: HttpRequest,
    kind: ExportSession.Kind,
    settings: Callable[[], dict[str, Any]],
    *,
    network: str,
    needs_picture: bool = True,
) -> HttpResponse:
    """Queue a run and show it; a refusal goes back to where it was asked."""
    count_page(request)
    back = redirect("hardware-network", name=network) if network else redirect("hardware")
    file = request.FILES.get("file")
    if needs_picture and file is None:
        messages.error(
            request,
            _("Choose a picture first, or a pack.")
            if kind in PACKED
            else _("Choose a picture first."),
        )
        return back
    try:
        if file is not None and (file.size or 0) > forms.PICTURE_BYTES:
            raise BadInput(reason=_("The picture is larger than 10 MB."))
        made = start_export(
            _user(request),
            _sesion(request),
            kind=kind,
            asked=settings(),
            network=network,
            picture=bytes(file.read()) if file is not None else None,
            pack=pack_in(request.FILES, {}) if kind in PACKED else None,
            at=timezone.now(),
        )
    except NoNetwork as error:
        raise Http404 from error
    except DomainError as refusal:
        messages.error(request, f"{refusal.title}: {refusal.sentence()}")
        return back
    return redirect("hardware-export", session_id=made.session_id)


def _own(request: HttpRequest, session_id: str) -> ExportSession:
    found = ExportSession.objects.owned_by(request.user).filter(session_id=session_id).first()
    if found is None:
        raise Http404
    return found


@login_required
@require_GET
def export(request: HttpRequest, session_id: str) -> HttpResponse:
    found = _own(request, session_id)
    files = list(found.artifacts.all())
    result = found.result
    facts = {
        "export": found,
        "files": files,
        "result": result,
        "percent": round(found.progress * 100),
        "fault": error_sentence(found) if found.error else "",
        "done": found.state == JobState.DONE,
    }
    if not found.has_ended:
        facts |= running_facts(_user(request), found)
    if found.kind == ExportSession.Kind.DESIGN and facts["done"]:
        facts |= clock_facts(result, request.GET.get("clock", ""))
    if found.kind == ExportSession.Kind.CAMPAIGN and facts["done"]:
        facts |= campaign_tables(result["campaign"])
    maps = {ExportSession.Kind.INFERENCE, ExportSession.Kind.FAULTS}
    if found.kind in maps and facts["done"]:
        names = dict(enumerate(class_names(found.network)))
        chances = enumerate(result["all_probabilities"])
        best = sorted(chances, key=lambda one: -one[1])[:5]
        facts["best"] = [(names.get(number, number), chance) for number, chance in best]
    return render(request, "fpga_export/export.html", facts)


@login_required
@require_POST
def netlist(request: HttpRequest, session_id: str) -> HttpResponse:
    count_page(request)
    design = _own(request, session_id)
    try:
        made = start_netlist(_user(request), _sesion(request), design, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, f"{refusal.title}: {refusal.sentence()}")
        return redirect("hardware-export", session_id=session_id)
    return redirect("hardware-export", session_id=made.session_id)


@login_required
@require_POST
def cancel(request: HttpRequest, session_id: str) -> HttpResponse:
    if cancel_export(_own(request, session_id), at=timezone.now()):
        messages.success(request, _("It is being cancelled."))
    return redirect("hardware-export", session_id=session_id)


@login_required
@require_POST
def remove(request: HttpRequest, session_id: str) -> HttpResponse:
    delete_export(_own(request, session_id))
    messages.success(request, _("The export was deleted."))
    return redirect("hardware")
