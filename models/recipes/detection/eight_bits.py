"""How the ranges for 8 bits are measured: a detector sees training pictures, nncf notes the values inside.

    pip install nncf==3.4.0
    python -m models.recipes.detection.eight_bits --data DIR [--model NAME] [--pictures 60] [--keep-projector]

writes `eight_bits.safetensors` beside the weights (see `models.detection.eight_bits`) and its checksum into the
manifest. DIR holds the files that `models.recipes.detection.train` reads, or is the file of photos that
`models.recipes.detection.train_everyday` reads. `--keep-projector` leaves the projector in float32, for a backbone with
channels so large that 256 steps over all of them are too coarse for the others. nncf is needed for nothing else.
Measured: `models.recipes.detection.by_size`, or `evaluate` for photos, with `--runtime openvino --precision "8 bits"`.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from models import runtime, weights
from models.detection.eight_bits import FILE, WEIGHT_STEPS, insert_rounding
from models.detection.export import convert
from models.detection.network import Detector, load_detector, preprocess
from models.recipes.detection.everyday import load_labelled
from models.recipes.detection.scenes import training_maker

MODEL = "rf-detr-s14-objects"
BACKBONE, BACKBONE_ALONE = r"\.backbone\.", r"\.backbone\.backbone\."
"""What the names of nodes have: of backbone and projector, and of the backbone alone."""


def training_pictures(data: Path, count: int) -> Iterator[np.ndarray]:
    """What the training saw, (H, W, 3) uint8 each: composed scenes, or photos."""
    if data.is_file():
        return (photo.open() for photo in load_labelled(data, held_out=False)[:count])
    maker = training_maker(data)
    return (maker.scene(number).image for number in range(count))


def quantize(model: Any, pictures: list[np.ndarray], part: str = BACKBONE) -> Any:
    """The graph as nncf rounds it for pictures of (1, 3, H, W) float32.

    Only nodes whose name has `part`, those of the backbone with or without the projector: rounded as well, the decoder
    saved a tenth of the time, and with other proposals as its queries lost an object of the examples. Weights take
    their whole range: `models.detection.fastest` asks for processors that do not overflow. Biases are not corrected: it
    won nothing here.
    """
    import nncf  # pyright: ignore[reportMissingImports]
    from nncf.quantization.advanced_parameters import (  # pyright: ignore[reportMissingImports]
        AdvancedQuantizationParameters,
        OverflowFix,
    )

    return nncf.quantize(
        model,
        nncf.Dataset(pictures),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(pictures),
        ignored_scope=nncf.IgnoredScope(patterns=[rf"^(?!.*{part}).*$"]),
        advanced_parameters=AdvancedQuantizationParameters(
            overflow_fix=OverflowFix.DISABLE,
            disable_bias_correction=True,
            backend_params={"compress_weights": False},
        ),
    )


def kept_of(rounded: Any) -> tuple[dict[str, np.ndarray], list[str]]:
    """What `insert_rounding` needs to do the same again: nncf's nodes are named after what they smooth and round."""
    tensors: dict[str, np.ndarray] = {}
    weights_of: list[str] = []
    for node in rounded.get_ops():
        if node.get_type_name() != "FakeQuantize":
            continue
        place = re.fullmatch(
            r"(.+?)(_0_0/nncf_smooth_quant)?/fq_(output_0|input_0|weights_1)", node.get_friendly_name()
        )
        assert place, node.get_friendly_name()
        name, smooth, kind = place.groups()
        values, low, high = (node.input_value(i).get_node() for i in (0, 1, 2))
        if kind == "weights_1":
            assert node.get_attributes()["levels"] == WEIGHT_STEPS
            weights_of.append(name)
            continue
        tensors[f"{kind[:-2]}/{name}"] = np.array([low.data.item(), high.data.item()], np.float32)
        if smooth:
            tensors[f"smooth/{name}"] = values.input_value(1).get_node().data.astype(np.float32).reshape(-1)
    return dict(sorted(tensors.items())), sorted(weights_of)


def check(model: Any, rounded: Any, file: Path, picture: np.ndarray) -> None:
    """The graph rounded from the file must find what nncf's finds. Raises `AssertionError`.

    To the last digit it does not: scales are multiplied in another order, and a value at the edge of a step falls on
    its other side.
    """
    import openvino

    insert_rounding(model, file)
    core = openvino.Core()
    logits = [core.compile_model(one, "CPU")({0: picture})[0][0] for one in (model, rounded)]
    first, second = (1 / (1 + np.exp(-one.max(0))) for one in logits)
    np.testing.assert_allclose(first, second, atol=0.1)


def main() -> int:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder, or file, of the training")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--keep-projector", action="store_true", help="leave the projector in float32")
    options = parser.parse_args()
    detector: Detector = runtime.load(options.model, load_detector).network
    seen = training_pictures(options.data, options.pictures)
    pictures = [preprocess(image, detector.resolution).numpy() for image in seen]
    rounded = quantize(convert(detector), pictures, BACKBONE_ALONE if options.keep_projector else BACKBONE)
    file = weights.EMBEDDED / options.model / FILE
    tensors, weights_of = kept_of(rounded)
    save_file(tensors, file, {"weights": json.dumps(weights_of), "pictures": str(options.pictures)})
    check(convert(detector), rounded, file, pictures[0])
    weights.record(options.model)
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
