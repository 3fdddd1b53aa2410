"""A network with a layer that is not supported still shows the maps of the layers before it."""

import json
from pathlib import Path

from fpga_export.run_folder import Run
from fpga_export.tests.hostile_files import archive, begin, layer, sequential, stored
from fpga_export.work import inference


def test_layers_before_one_that_is_not_supported_have_their_maps(tmp_path: Path) -> None:
    stack = (layer("ReLU", "relu"), layer("UpSampling2D", "larger", size=2), layer("ReLU", "after"))
    path = tmp_path / "net.keras"
    path.write_bytes(archive(sequential(begin(4, 4, 1), *stack), stored()))
    asked = {"network_path": str(path), "network": "net.keras", "array": [[0.5] * 4] * 4}
    (tmp_path / "request.json").write_text(json.dumps(asked))
    result = inference(Run(tmp_path))
    assert [one["name"] for one in result["layers"]] == ["relu"]
    assert result["stopped"] == {"layer": "larger", "reason": "no such layer in hardware"}
    assert result["predicted_class"] is None
    assert result["all_probabilities"] == []
    files = {one.name for one in (tmp_path / "out" / "layer_outputs").iterdir()}
    assert files >= {"relu_feature_maps.xlsx", "relu_mosaic.png", "relu_channel_0.png"}
