"""What is worth seeing in a traced detection, found in its numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.detection.boxes import corners, overlaps

if TYPE_CHECKING:
    from models.detection.boxes import Boxes
    from models.detection.trace import DetectionTrace


@dataclass(frozen=True)
class Way:
    """How a query came to its box: the overlap (IoU) with the final box of its proposal, then after each layer."""

    place: int
    query: int
    overlap: tuple[float, ...]


def longest_way(trace: "DetectionTrace", found: "Boxes") -> Way | None:
    """Of the boxes found, the one whose proposal overlaps least with what became of it; None where nothing is found."""
    ways = [_way(trace, place, int(query)) for place, query in enumerate(found.queries)]
    return min(ways, key=lambda way: way.overlap[0], default=None)


def _way(trace: "DetectionTrace", place: int, query: int) -> Way:
    stages = np.stack([trace.proposals.boxes_cxcywh[trace.proposals.chosen[query]], *trace.boxes_cxcywh[:, query]])
    boxes = corners(stages)
    return Way(place, query, tuple(float(value) for value in overlaps(boxes, boxes[-1])))
