"""How the ranges for 8 bits are measured: a detector sees training pictures, nncf notes the values inside.

    pip install nncf==3.4.0
    python -m models.recipes.detection.eight_bits --data DIR [--model NAME] [--pictures 60]

writes `eight_bits.json` beside the weights (see `models.detection.eight_bits`) and its checksum into the manifest. DIR
holds the files that `models.recipes.detection.train` reads. nncf is needed for nothing else. Measured with them:
`models.recipes.detection.by_size --runtime openvino --precision "8 bits"`.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from models import runtime, weights
from models.detection.eight_bits import FILE, WEIGHT_STEPS, insert_rounding
from models.detection.export import convert
from models.detection.network import Detector, load_detector, preprocess
from models.recipes.detection.scenes import training_maker

MODEL = "rf-detr-s14-objects"


def quantize(model: Any, pictures: list[np.ndarray]) -> Any:
    """The graph as nncf rounds it for pictures of (1, 3, H, W) float32: for transformers, weights left as they are.

    Without SmoothQuant and without corrected biases, which change weights: they won nothing here. Only the backbone and
    the projector: rounded as well, the decoder saved a tenth of the time, and with other proposals as its queries lost
    an object of the examples.
    """
    import nncf  # pyright: ignore[reportMissingImports]
    from nncf.quantization.advanced_parameters import (  # pyright: ignore[reportMissingImports]
        AdvancedQuantizationParameters,
        AdvancedSmoothQuantParameters,
    )

    kept = AdvancedQuantizationParameters(
        smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=-1, convolution=-1),
        disable_bias_correction=True,
        backend_params={"compress_weights": False},
    )
    return nncf.quantize(
        model,
        nncf.Dataset(pictures),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(pictures),
        ignored_scope=nncf.IgnoredScope(patterns=[r"^(?!.*\.backbone\.).*$"]),
        advanced_parameters=kept,
    )


def ranges_of(rounded: Any) -> dict[str, Any]:
    """What `insert_rounding` needs to do the same again: nncf's nodes are named after what they round."""
    found: dict[str, dict[str, Any]] = {"outputs": {}, "inputs": {}, "weights": {}}
    for node in rounded.get_ops():
        if node.get_type_name() != "FakeQuantize":
            continue
        place = re.fullmatch(r"(.+)/fq_(output_0|input_0|weights_1)", node.get_friendly_name())
        assert place, node.get_friendly_name()
        name, kind = place.groups()
        values, low, high = (node.input_value(i).get_node() for i in (0, 1, 2))
        if kind == "weights_1":
            assert node.get_attributes()["levels"] == WEIGHT_STEPS
            found["weights"][name] = round(float(high.data.max() / np.abs(values.data).max()))
        else:
            found["outputs" if kind == "output_0" else "inputs"][name] = [low.data.item(), high.data.item()]
    return {part: dict(sorted(of.items())) for part, of in found.items()}


def check(model: Any, rounded: Any, file: Path, picture: np.ndarray) -> None:
    """The graph rounded from the file must answer as nncf's does. Raises `AssertionError`."""
    import openvino

    insert_rounding(model, file)
    core = openvino.Core()
    first, second = (core.compile_model(one, "CPU")({0: picture}) for one in (model, rounded))
    for place in (0, 1):
        np.testing.assert_allclose(first[place], second[place], atol=1e-4)


def main() -> int:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of the training")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--pictures", type=int, default=60)
    options = parser.parse_args()
    detector: Detector = runtime.load(options.model, load_detector).network
    maker = training_maker(options.data)
    scenes = (maker.scene(number).image for number in range(options.pictures))
    pictures = [preprocess(image, detector.resolution).numpy() for image in scenes]
    rounded = quantize(convert(detector), pictures)
    file = weights.EMBEDDED / options.model / FILE
    content = {"command": "python -m models.recipes.detection.eight_bits --data DIR", "pictures": options.pictures}
    file.write_text(json.dumps(content | ranges_of(rounded), indent=1) + "\n")
    check(convert(detector), rounded, file, pictures[0])
    weights.record(options.model)
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
