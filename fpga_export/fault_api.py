"""The API of a user's own faults: what hits an inference that names none."""

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import api_view, parser_classes
from rest_framework.request import Request
from rest_framework.response import Response

from fpga_export import forms
from fpga_export.api import TAGS
from fpga_export.edges import edge, owner_of
from fpga_export.fault_defaults import save_fault_config, saved_fault_config
from visionai.lib.openapi import problems
from visionai.lib.parsing import JSONParser

EXAMPLE: Final = OpenApiExample(
    "One bit in a hundred of a layer's weights",
    value={
        "enabled": True,
        "seed": 7,
        "layers": {"conv2d": {"fault_type": "bit_flip", "fault_rate": 0.01, "target": "weights"}},
    },
)


@extend_schema(
    methods=["GET"],
    tags=TAGS,
    summary="The faults of your inferences where a request names none",
    responses={200: OpenApiTypes.OBJECT, **problems(_401="not_authenticated")},
    examples=[EXAMPLE],
)
@extend_schema(
    methods=["PUT"],
    tags=TAGS,
    summary="Keep other faults for your inferences",
    request=OpenApiTypes.OBJECT,
    responses={200: OpenApiTypes.OBJECT, **problems(_400="bad_fault_config")},
    examples=[EXAMPLE],
)
@api_view(["GET", "PUT"])
@edge()
@parser_classes([JSONParser])
def fault_defaults(request: Request) -> Response:
    if request.method == "GET":
        return Response(saved_fault_config(owner_of(request)))
    return Response(_kept(request))


@extend_schema(exclude=True)
@api_view(["POST"])
@edge(original=True)
@parser_classes([JSONParser])
def configure_faults(request: Request) -> Response:
    config = _kept(request)
    return Response({"success": True, "configuration": config} | config)


def _kept(request: Request) -> dict[str, Any]:
    config = forms.fault_config(request.data)
    save_fault_config(owner_of(request), config, at=timezone.now())
    return config
