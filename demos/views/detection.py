"""Boxes as what the browser draws, and pictures as small as they are shown."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from demos.wire import Jpeg, view
from models.detection.boxes import postprocess

if TYPE_CHECKING:
    from models.detection.boxes import Boxes, Prediction
    from models.detection.tracking import Watched
    from models.video import Frame

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


@view
class StillView:
    """A frame with what a detector says of it (`live_overlay`); width, height: of the frame, in pixels."""

    image: Jpeg
    width: int
    height: int
    boxes: list[FoundBox]


@view
class MarksView:
    """A frame on which line and zone are set (`video_marks`), both in shares of it; None for none.

    seconds: when the video shows it; length: of the whole video, in seconds; 0 where its file does not say.
    """

    image: Jpeg
    width: int
    height: int
    seconds: float
    length: float
    line: list[list[float]] | None
    zone: list[list[float]] | None


def view_of_frame(frame: "Frame", length: float, watched: "Watched | None" = None) -> MarksView:
    """A frame of a video of `length` seconds; with nothing watched, what was set on the frame before stays."""
    line, zone = (watched.line, watched.zone) if watched else (None, None)
    height, width = frame.image.shape[:2]
    points = [None if mark is None else [list(point) for point in mark] for mark in (line, zone)]
    return MarksView(shrunk(frame.image), width, height, round(frame.seconds, 2), round(length, 2), *points)


def view_of_still(image: np.ndarray, prediction: "Prediction") -> StillView:
    """A frame `[height, width, 3]` uint8 with its boxes."""
    height, width = image.shape[:2]
    return StillView(image, width, height, view_of_found(prediction))


def view_of_found(prediction: "Prediction", lowest: float = LOWEST_SCORE) -> list[FoundBox]:
    """The boxes above the score `lowest`, best first, at most `MAX_CANDIDATES`."""
    return [FoundBox(*one) for one in answers(postprocess(prediction, lowest))[:MAX_CANDIDATES]]


def view_of_tracked(tracked: "Boxes") -> list[TrackedBox]:
    """The boxes of a frame with their ids, best first."""
    ids = [None] * len(tracked) if tracked.ids is None else [int(i) if i >= 0 else None for i in tracked.ids]
    return [TrackedBox(*one, id=track) for one, track in zip(answers(tracked), ids, strict=True)]


def answers(found: "Boxes") -> list[tuple[list[float], str, float]]:
    """Box, label and score of each, as a `FoundBox` begins."""
    several = zip(found.corners, found.names, found.scores, strict=True)
    return [(rounded(box), name, round(float(score), 4)) for box, name, score in several]


def shrunk(image: np.ndarray, max_side: int = MAX_SIDE) -> np.ndarray:
    """A picture `[height, width, 3]` uint8 with at most `max_side` pixels a side."""
    shown = Image.fromarray(image)
    shown.thumbnail((max_side, max_side))
    return np.asarray(shown)


def rounded(values: np.ndarray) -> list[float]:
    """Shares as they travel: to a ten-thousandth of the picture."""
    return [round(float(value), 4) for value in values]
