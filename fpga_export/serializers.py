"""What goes out and comes in, described for OpenAPI."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from fpga_export.core.vhdl.figures import PRESETS
from visionai.lib.jobs import JobState
from visionai.lib.openapi import shows

LAYER: Final = {
    "name": "conv1",
    "type": "Conv2D",
    "inputs": ["gray"],
    "output_shape": [32, 32, 12],
    "parameters": 120,
    "macs": 110592,
    "unsupported": None,
}
NETWORK: Final = {
    "filename": "letters-small-v1.keras",
    "size": 246400,
    "parameters": 51338,
    "layers": [LAYER],
    "created_at": None,
    "shipped": True,
}
EXPORT: Final = {
    "session_id": "user_7_1795254882_82e1576b",
    "kind": "design",
    "network": "letters-small-v1.keras",
    "state": "done",
    "progress": 1.0,
    "step": "",
    "created_at": "2026-11-21T09:54:42Z",
    "ended_at": "2026-11-21T09:54:47Z",
    "result": {
        "label": "verified",
        "preset": "stream",
        "lanes": 16,
        "bits": 8,
        "multipliers": 190,
        "first_cycles": 13776,
        "cycles": 9278,
    },
    "error": None,
}


# `shows` is for answers of 200 and 201.
STARTED: Final = OpenApiExample(
    "Started",
    value={
        "success": True,
        "session_id": EXPORT["session_id"],
        "status": "running",
        "status_url": f"/api/v1/hardware/exports/{EXPORT['session_id']}",
    },
    response_only=True,
    status_codes=["202"],
)


class LayerOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField(help_text="Keras's name of the layer's class.")
    inputs = serializers.ListField(child=serializers.CharField())
    output_shape = serializers.ListField(child=serializers.IntegerField())
    parameters = serializers.IntegerField()
    macs = serializers.IntegerField()
    unsupported = serializers.CharField(
        allow_null=True, help_text="Why no core can hold it; null where one can."
    )


@shows(NETWORK)
class NetworkOutput(serializers.Serializer[Any]):
    filename = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    parameters = serializers.IntegerField()
    layers = LayerOutput(many=True)
    created_at = serializers.DateTimeField(allow_null=True)
    shipped = serializers.BooleanField(help_text="Whether it came with the product.")


@shows({"networks": [NETWORK]})
class NetworksOutput(serializers.Serializer[Any]):
    networks = NetworkOutput(many=True)


class NetworkInput(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="A .keras or .h5 file.")


class FileOutput(serializers.Serializer[Any]):
    folder = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()


class ErrorOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField(help_text="For people, in the language of the request.")


@shows(EXPORT)
class ExportOutput(serializers.Serializer[Any]):
    session_id = serializers.CharField()
    kind = serializers.CharField()
    network = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=JobState.choices)
    progress = serializers.FloatField(min_value=0, max_value=1)
    step = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    result = serializers.DictField(allow_null=True)
    error = ErrorOutput(allow_null=True)


@shows({**EXPORT, "files": [{"folder": "hdl_designs", "name": "Makefile", "size": 1290}]})
class ExportWithFiles(ExportOutput):
    files = FileOutput(many=True)


@shows({"exports": [{**EXPORT, "result": None}]})
class ExportsOutput(serializers.Serializer[Any]):
    exports = ExportOutput(many=True)


class ExportInput(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="inference, image, weights or design, among others.")
    network = serializers.CharField(required=False, help_text="A name of your list of networks.")
    file = serializers.FileField(required=False, help_text="The picture; not for weights.")
    preset = serializers.ChoiceField(
        PRESETS,
        required=False,
        help_text="Of a design: compact does layer after layer, stream all of them at once.",
    )
    lanes = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=16,
        help_text="Of a design: output channels that a layer computes at once (stream: at most).",
    )
    bits = serializers.CharField(
        required=False,
        help_text="2 to 16; of a design also `auto`: each layer as many as 35 dB there take.",
    )
    pack = serializers.FileField(
        required=False,
        help_text="Pictures that judge a design or a campaign: a ZIP of label/*.jpg, or an .npz.",
    )
    pictures = serializers.ListField(
        child=serializers.FileField(), required=False, help_text="Up to 100, in place of a pack."
    )
    calibrate = serializers.IntegerField(
        required=False, min_value=0, max_value=90, help_text="Percent of the pack to calibrate on."
    )
    width = serializers.IntegerField(required=False, min_value=1, max_value=1024)
    height = serializers.IntegerField(required=False, min_value=1, max_value=1024)


class StartedOutput(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    session_id = serializers.CharField()
    status = serializers.CharField()
    status_url = serializers.CharField()


@shows({"cancelled": True})
class CancelledOutput(serializers.Serializer[Any]):
    cancelled = serializers.BooleanField(help_text="False where it had ended already.")
