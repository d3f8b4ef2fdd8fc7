"""ByteTrack (Zhang et al. 2022, arXiv 2110.06864): which box of this frame is which thing of the frames before.

Where each known thing is now is predicted by a Kalman filter that takes its four edges to move at constant speeds.
Confident boxes are matched first with all known things, weak ones then with those left over; a weak box may only go on
with a known thing, never begin one. Boxes are compared by their overlap with a margin of half their size around them
(buffered overlap, Yang et al. 2023, arXiv 2211.14317): at ten frames a second small things move by more than their
width. Each match is the assignment of highest total overlap.

All edges share one model of noise, so that one 2 x 2 covariance of (place, speed) serves the four of them. Time is
counted in frames of 1/15 s. The variance of a measured edge is 0.1, of its acceleration 0.01.
"""

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import supervision as sv
from scipy.optimize import linear_sum_assignment

FRAMES_A_SECOND = 15.0
SECONDS_REMEMBERED = 1.0
FRAMES_BEFORE_ID = 2
SMALLEST_OVERLAP = 0.1
MARGIN = 0.5
MEASUREMENT_VARIANCE = 0.1
ACCELERATION_VARIANCE = 0.01
NO_ID = -1


@dataclass
class Track:
    """One thing. `motion` `[2, 4]`: edges (x1, y1, x2, y2) in pixels, and pixels a frame; `covariance` `[2, 2]`."""

    motion: np.ndarray
    covariance: np.ndarray = field(default_factory=lambda: np.eye(2))
    id: int = NO_ID
    frames_in_a_row: int = 1
    seconds_unseen: float = 0.0

    def predict(self, seconds: float) -> None:
        """Move on by `seconds`."""
        frames = seconds * FRAMES_A_SECOND
        step = np.array([[1, frames], [0, 1]])
        drift = np.array([[frames**4 / 4, frames**3 / 2], [frames**3 / 2, frames**2]])
        self.motion = step @ self.motion
        self.covariance = step @ self.covariance @ step.T + ACCELERATION_VARIANCE * drift
        if self.seconds_unseen:
            self.frames_in_a_row = 0
        self.seconds_unseen += seconds

    def see(self, box_xyxy: np.ndarray) -> None:
        """Correct place and speed by the box `[4]` where the thing is seen."""
        gain = self.covariance[:, 0] / (self.covariance[0, 0] + MEASUREMENT_VARIANCE)
        self.motion = self.motion + np.outer(gain, box_xyxy - self.motion[0])
        self.covariance = self.covariance - np.outer(gain, self.covariance[0])
        self.frames_in_a_row += 1
        self.seconds_unseen = 0.0

    @property
    def goes_on(self) -> bool:
        """Whether it is worth remembering: it has an id, or was seen just now."""
        return self.id != NO_ID or self.seconds_unseen == 0


class ByteTrack:
    """The things of one video. Each frame's boxes go through `update`, in the order of time."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self._ids = count()

    def update(self, boxes_xyxy: np.ndarray, scores: np.ndarray, *, beginning: float, seconds: float) -> np.ndarray:
        """The id of each box `[N]` int64, `NO_ID` for those that have none (yet).

        `boxes_xyxy` `[N, 4]` in pixels, `scores` `[N]`; boxes of at least `beginning` are confident and may begin a
        track; `seconds` since the frame before. An id comes with the second frame in a row, and is kept until the
        thing has not been seen for `SECONDS_REMEMBERED`.
        """
        for track in self.tracks:
            track.predict(seconds)
        known = [track for track in self.tracks if track.seconds_unseen <= SECONDS_REMEMBERED]
        ids = np.full(len(boxes_xyxy), NO_ID)
        confident, weak = np.flatnonzero(scores >= beginning), np.flatnonzero(scores < beginning)
        left, matched = known, set()
        for chosen in (confident, weak):
            for track, place in _matches(left, boxes_xyxy[chosen]):
                box = chosen[place]
                track.see(boxes_xyxy[box])
                if track.id == NO_ID and track.frames_in_a_row >= FRAMES_BEFORE_ID:
                    track.id = next(self._ids)
                ids[box] = track.id
                matched.add(box)
            left = [track for track in left if track.seconds_unseen]
        begun = [Track(_at_rest(boxes_xyxy[box])) for box in confident if box not in matched]
        self.tracks = [track for track in known if track.goes_on] + begun
        return ids


def _at_rest(box_xyxy: np.ndarray) -> np.ndarray:
    return np.stack([box_xyxy, np.zeros(4)]).astype(np.float64)


def _matches(tracks: list[Track], boxes_xyxy: np.ndarray) -> list[tuple[Track, int]]:
    """Pairs of a track and the place of its box, where they overlap enough."""
    if not tracks or not len(boxes_xyxy):
        return []
    predicted = np.stack([track.motion[0] for track in tracks])
    overlap = sv.box_iou_batch(_with_margin(predicted), _with_margin(boxes_xyxy))
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    return [
        (tracks[row], int(column))
        for row, column in zip(rows, columns, strict=True)
        if overlap[row, column] >= SMALLEST_OVERLAP
    ]


def _with_margin(boxes_xyxy: np.ndarray) -> np.ndarray:
    """Boxes `[N, 4]` grown by `MARGIN` of their size on every side."""
    boxes = boxes_xyxy.astype(np.float64)
    margin = MARGIN * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)
