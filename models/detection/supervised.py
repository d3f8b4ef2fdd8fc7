"""Boxes as the library `supervision` takes them, for its lines, zones and drawings."""

import supervision as sv

from models.detection.boxes import Boxes


def detections_of(boxes: Boxes, size: tuple[int, int]) -> sv.Detections:
    """In pixels of a picture of `size` (height, width)."""
    return sv.Detections(xyxy=boxes.pixels(size), confidence=boxes.scores, class_id=boxes.classes, tracker_id=boxes.ids)
