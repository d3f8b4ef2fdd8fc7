"""What patches know, as plain values for the browser: features of every layer, their main directions, distances."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.views.vit import Picture, picture_of
from demos.wire import Float32, Int8, view
from models.vit.found import Likeness

if TYPE_CHECKING:
    from models.vit.features import FeaturesResult

STEPS = 127
OUTER_PERCENT = 1  # of the patches at either end of a direction share one colour: a few lie far outside


def pack_features(features: np.ndarray) -> np.ndarray:
    """The direction of every feature in a quarter of its size: `[..., D]` float32 to int8.

    In steps of 1/127 of the feature's largest entry. A cosine of two features read back was off by 0.008 at most, over
    all pairs of patches of the four example photos in the embedded model.
    """
    largest = np.abs(features).max(axis=-1, keepdims=True)
    return np.rint(features * (STEPS / np.maximum(largest, 1e-12))).astype(np.int8)


@view
class FeaturesView:
    """Features of every layer of one or two pictures of one grid (`patch_features`). N: the patches of all pictures.

    layers: L. width: D. steps: `[N, D]` of each layer, L + 1 of them, as `pack_features` gives them.
    values: `[L + 1, N, 3]`, where each patch lies along the three main directions of its layer.
    ends: least and largest value that have a colour of their own, `[L + 1][3]`.
    shares: part of the variance along each direction, `[L + 1][3]`.
    first: layer and patch (from 1) of the first picture worth seeing first; None for the last layer's colours.
    """

    run: str
    pictures: list[Picture]
    layers: int
    width: int
    steps: list[Int8]
    values: Float32
    ends: list[list[tuple[float, float]]]
    shares: list[list[float]]
    first: tuple[int, int] | None


def view_of_features(result: "FeaturesResult", run: str, pair: Likeness | None = None) -> FeaturesView:
    """What `patch_features` shows; `run` names it, `pair` is what stands out between two pictures."""
    values = np.stack([one.values for one in result.components])
    ends = np.percentile(values, (OUTER_PERCENT, 100 - OUTER_PERCENT), axis=1)
    together = np.concatenate(result.features, axis=1)
    return FeaturesView(
        run=run,
        pictures=[picture_of(trace) for trace in result.traces],
        layers=len(result.components) - 1,
        width=together.shape[2],
        steps=list(pack_features(together)),
        values=values,
        ends=ends.transpose(1, 2, 0).tolist(),
        shares=[one.shares.tolist() for one in result.components],
        first=(pair.layer, 1 + pair.first) if pair else None,
    )


def view_of_distances(distances: Sequence[np.ndarray], alike: float) -> dict[str, Any]:
    """The value of a chart: a dot for each head `[L, H]` pixels, mean over the pictures, and the mean of each layer.

    `alike`: the distance of a head that looks at all patches alike.
    """
    mean = np.mean(distances, axis=0)
    layers = range(1, len(mean) + 1)
    lines = (
        ("mean of the heads", "query", "", mean.mean(axis=1).tolist()),
        ("attention alike to all patches", "subtle", "3 4", [alike] * len(mean)),
    )
    return {
        "x": "layer",
        "y": "mean attention distance in pixels, one dot a head",
        "low": 0,
        "unit": "px",
        "series": [
            {"name": name, "color": color, "dash": dash, "points": [list(p) for p in zip(layers, line, strict=True)]}
            for name, color, dash, line in lines
        ],
        "cloudNote": "point at a dot, or use the arrow keys",
        "cloud": [
            [layer, float(mean[layer - 1, head]), f"layer {layer}, head {head + 1}"]
            for layer in layers
            for head in range(mean.shape[1])
        ],
    }
