"""From a detection to what the browser draws: the picture and every candidate box."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from models.detection.boxes import postprocess

if TYPE_CHECKING:
    from models.detection.boxes import Prediction

LOWEST_SCORE = 0.05
MAX_CANDIDATES = 40
MAX_SIDE = 960


def draw_candidates(prediction: "Prediction", lowest: float = LOWEST_SCORE) -> list[dict[str, object]]:
    """Boxes as shares of the picture with label and score, best first."""
    found: Any = postprocess(prediction, lowest)[:MAX_CANDIDATES]
    height, width = prediction.size
    shares = found.xyxy / np.array([width, height, width, height], np.float32)
    return [
        {"box": _rounded(box), "label": str(label), "score": round(float(score), 4)}
        for box, label, score in zip(shares, found.data["class_name"], found.confidence, strict=True)
    ]


def jpeg_address(image: np.ndarray, max_side: int = MAX_SIDE) -> str:
    """(H, W, 3) uint8 as a `data:` address, shrunk to at most `max_side` pixels a side."""
    picture = Image.fromarray(image)
    picture.thumbnail((max_side, max_side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]
