"""Boxes as what the browser draws, and pictures as small as they are shown."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from demos.wire import view
from models.detection.boxes import postprocess, shares_of

if TYPE_CHECKING:
    import supervision as sv

    from models.detection.boxes import Prediction

LOWEST_SCORE = 0.05
MAX_CANDIDATES = 40
MAX_SIDE = 960


@view
class FoundBox:
    """A box that a detector answers with.

    box: left, top, right, bottom as shares of the picture, 0 to 1.
    score: 0 to 1.
    """

    box: list[float]
    label: str
    score: float


@view
class TrackedBox(FoundBox):
    """A box in a video; `id` is None until its thing was seen in two frames."""

    id: int | None


def view_of_found(prediction: "Prediction", lowest: float = LOWEST_SCORE) -> list[FoundBox]:
    """The boxes above the score `lowest`, best first, at most `MAX_CANDIDATES`."""
    found: Any = postprocess(prediction, lowest)[:MAX_CANDIDATES]
    return [FoundBox(*one) for one in answers(found, prediction.size)]


def view_of_tracked(tracked: "sv.Detections", size: tuple[int, int]) -> list[TrackedBox]:
    """The boxes of a frame of `size` (height, width) with their ids, best first."""
    ids = tracked.tracker_id if tracked.tracker_id is not None else []
    named = zip(answers(tracked, size), ids, strict=True)
    return [TrackedBox(*one, id=int(track) if track >= 0 else None) for one, track in named]


def answers(found: "sv.Detections", size: tuple[int, int]) -> list[tuple[list[float], str, float]]:
    """Box, label and score of each, as a `FoundBox` begins."""
    names, scores = found.data.get("class_name", []), found.confidence if found.confidence is not None else []
    several = zip(shares_of(found, size), names, scores, strict=True)
    return [(rounded(box), str(label), round(float(score), 4)) for box, label, score in several]


def shrunk(image: np.ndarray, max_side: int = MAX_SIDE) -> np.ndarray:
    """A picture `[height, width, 3]` uint8 with at most `max_side` pixels a side."""
    shown = Image.fromarray(image)
    shown.thumbnail((max_side, max_side))
    return np.asarray(shown)


def jpeg_address(image: np.ndarray, max_side: int = MAX_SIDE) -> str:
    """(H, W, 3) uint8 as a `data:` address, shrunk to at most `max_side` pixels a side."""
    buffer = io.BytesIO()
    Image.fromarray(shrunk(image, max_side)).save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def rounded(values: np.ndarray) -> list[float]:
    """Shares as they travel: to a ten-thousandth of the picture."""
    return [round(float(value), 4) for value in values]
