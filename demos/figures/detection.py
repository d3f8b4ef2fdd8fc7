"""From a detection to what the browser draws: the picture with every candidate box and where its query looked."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from models.detection.boxes import corners, postprocess

if TYPE_CHECKING:
    from models.detection.boxes import Prediction
    from models.detection.trace import DetectionTrace

LOWEST_SCORE = 0.05
MAX_CANDIDATES = 40
MAX_SIDE = 960


def draw_boxes(trace: "DetectionTrace", image: np.ndarray) -> dict[str, object]:
    """The value of the `box_figure` component: `image` as a JPEG data address, its size and the candidates.

    A candidate has a score of at least `LOWEST_SCORE` and carries, in shares of the picture: its `box` (left, top,
    right, bottom), the `reference` box of its query and `points` by layer, each x, y, weight.
    """
    candidates = draw_candidates(trace.prediction)
    for candidate, query in zip(candidates, _queries(trace.prediction), strict=True):
        candidate["query"] = int(query)
        candidate["reference"] = _rounded(corners(trace.references_cxcywh[query]))
        layers = np.concatenate([trace.points_xy[:, query], trace.weights[:, query, ..., None]], -1)
        candidate["points"] = [_rounded(layer.reshape(-1)) for layer in layers]
    height, width = image.shape[:2]
    return {"image": jpeg_address(image), "width": width, "height": height, "candidates": candidates}


def draw_candidates(prediction: "Prediction", lowest: float = LOWEST_SCORE) -> list[dict[str, object]]:
    """Boxes as shares of the picture with label and score, best first."""
    found: Any = postprocess(prediction, lowest)[:MAX_CANDIDATES]
    height, width = prediction.size
    shares = found.xyxy / np.array([width, height, width, height], np.float32)
    return [
        {"box": _rounded(box), "label": str(label), "score": round(float(score), 4)}
        for box, label, score in zip(shares, found.data["class_name"], found.confidence, strict=True)
    ]


def jpeg_address(image: np.ndarray) -> str:
    """(H, W, 3) uint8 as a `data:` address, shrunk to at most `MAX_SIDE` pixels a side."""
    picture = Image.fromarray(image)
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _queries(prediction: "Prediction") -> np.ndarray:
    return np.asarray(postprocess(prediction, LOWEST_SCORE).data["query"])[:MAX_CANDIDATES]


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]
