"""A network with a layer that is not supported still shows the maps of the layers before it."""

import json
from pathlib import Path

from fpga_export.design_work import whole
from fpga_export.run_folder import Run
from fpga_export.tests.hostile_files import archive, begin, layer, sequential, stored
from fpga_export.work import inference


def a_run(folder: Path, **asked: object) -> Run:
    stack = (layer("ReLU", "relu"), layer("UpSampling2D", "larger", size=2), layer("ReLU", "after"))
    path = folder / "net.keras"
    path.write_bytes(archive(sequential(begin(4, 4, 1), *stack), stored()))
    asked |= {"network_path": str(path), "network": "net.keras", "array": [[0.5] * 4] * 4}
    (folder / "request.json").write_text(json.dumps(asked))
    return Run(folder)


def test_a_core_of_the_first_layers_is_not_called_verified(tmp_path: Path) -> None:
    result = whole(a_run(tmp_path, lanes=2, bits=8))
    assert (result["label"], result["through"]) == ("verified_through", "relu")
    assert result["verdict"]["not_simulated"] == ("larger", "after")
    shipped = json.loads((tmp_path / "out" / "hdl_designs" / "verdict.json").read_text())
    assert shipped["label"] == "verified_through"


def test_layers_before_one_that_is_not_supported_have_their_maps(tmp_path: Path) -> None:
    result = inference(a_run(tmp_path))
    assert [one["name"] for one in result["layers"]] == ["relu"]
    assert result["stopped"] == {"layer": "larger", "reason": "no such layer in hardware"}
    assert result["predicted_class"] is None
    assert result["all_probabilities"] == []
    files = {one.name for one in (tmp_path / "out" / "layer_outputs").iterdir()}
    assert files >= {"relu_feature_maps.xlsx", "relu_mosaic.png", "relu_channel_0.png"}
