"""What a detector finds when it looks at parts of a picture too, beside what it finds in the whole."""

from typing import TYPE_CHECKING

import numpy as np

from demos.views.detection import LOWEST_SCORE, FoundBox, answers, rounded
from demos.wire import view
from models.detection.boxes import overlaps
from models.detection.closer import OVERLAP, WINDOWS

if TYPE_CHECKING:
    from models.detection.boxes import Boxes
    from models.detection.closer import Closer

MOST = 100


@view
class CloserBox(FoundBox):
    """A box of the picture and its parts together.

    window: what it was found in, 0 for the whole picture, else the number of the part. before: the score of the surest
    box of its class that the whole picture alone has there; 0 for none.
    """

    window: int
    before: float


@view
class CloserView:
    """A picture as a whole, and with its parts (`closer_view`); seconds: of the parts.

    windows: `[5][4]` the whole picture and its parts, corners as shares. patches: rows and columns of the patches that
    the network makes of each of them.
    """

    whole: list[FoundBox]
    together: list[CloserBox]
    windows: list[list[float]]
    patches: list[int]
    seconds: float


def view_of_closer(closer: "Closer", grid: tuple[int, int]) -> CloserView:
    """What `closer_view` shows; grid: rows and columns of patches."""
    whole, several = _shown(closer.whole), _shown(closer.boxes)
    boxes = [
        CloserBox(*one, window=int(window), before=_before(several, place, closer.whole))
        for place, (one, window) in enumerate(zip(answers(several), closer.windows, strict=False))
    ]
    found = [FoundBox(*one) for one in answers(whole)]
    return CloserView(found, boxes, [rounded(window) for window in WINDOWS], list(grid), round(closer.run.seconds, 3))


def _shown(boxes: "Boxes") -> "Boxes":
    return boxes.take(np.flatnonzero(boxes.scores > LOWEST_SCORE)[:MOST])


def _before(several: "Boxes", place: int, whole: "Boxes") -> float:
    there = (overlaps(whole.corners, several.corners[place]) > OVERLAP) & (whole.classes == several.classes[place])
    return round(float(whole.scores[there].max(initial=0)), 4)
