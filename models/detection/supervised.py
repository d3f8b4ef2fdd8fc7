"""Boxes as the library `supervision` takes them, for its trackers, its suppression and its drawings."""

import numpy as np
import supervision as sv

from models.detection.boxes import Boxes


def detections_of(boxes: Boxes, size: tuple[int, int]) -> sv.Detections:
    """In pixels of a picture of `size` (height, width); `data["place"]` is each box's index in `boxes`."""
    return sv.Detections(
        xyxy=boxes.pixels(size),
        confidence=boxes.scores,
        class_id=boxes.classes,
        tracker_id=boxes.ids,
        data={"place": np.arange(len(boxes))},
    )


def places_of(detections: sv.Detections) -> np.ndarray:
    """Which boxes detections are of that were made by `detections_of`, `[N]` int."""
    return np.asarray(detections.data.get("place", []), int)
