"""What patches know, as plain values for the browser: features of every layer, their main directions, distances."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.views.vit import encoded, picture_of

if TYPE_CHECKING:
    from models.vit.features import Components
    from models.vit.trace import VitTrace

STEPS = 127
OUTER_PERCENT = 1  # of the patches at either end of a direction share one colour: a few lie far outside


def pack_features(features: np.ndarray) -> np.ndarray:
    """The direction of every feature in a quarter of its size: `[..., D]` float32 to int8.

    In steps of 1/127 of the feature's largest entry. A cosine of two features read back was off by 0.008 at most, over
    all pairs of patches of the four example photos in the embedded model.
    """
    largest = np.abs(features).max(axis=-1, keepdims=True)
    return np.rint(features * (STEPS / np.maximum(largest, 1e-12))).astype(np.int8)


def draw_features(
    traces: "Sequence[VitTrace]", features: Sequence[np.ndarray], components: "Sequence[Components]", run: str
) -> dict[str, Any]:
    """What `patch_features` shows of one or two pictures of the same grid.

    `features`: `[L + 1, N, D]` of each; `components`: of every layer, over the patches of all pictures. `run` names it.
    """
    values = np.stack([one.values for one in components])
    ends = np.percentile(values, (OUTER_PERCENT, 100 - OUTER_PERCENT), axis=1)
    together = np.concatenate(features, axis=1)
    return {
        "run": run,
        "pictures": [picture_of(trace) for trace in traces],
        "layers": len(components) - 1,
        "width": together.shape[2],
        "steps": encoded(pack_features(together)),
        "values": encoded(values),
        "ends": ends.transpose(1, 2, 0).tolist(),
        "shares": [one.shares.tolist() for one in components],
    }


def draw_attention_distances(distances: Sequence[np.ndarray], alike: float) -> dict[str, Any]:
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
