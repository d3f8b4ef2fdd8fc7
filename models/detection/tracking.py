"""What stays the same thing from frame to frame: ids by ByteTrack, and what crosses a line or stands in a zone.

ByteTrack (Zhang et al. 2022, arXiv 2110.06864) predicts where each known box has moved and matches new boxes by
overlap: first the confident ones, then the weak ones, which may only go on with a known track, never begin one. The
implementation is that of `trackers`, line and zone are those of `supervision`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import supervision as sv

from models.errors import InputError
from models.inputs import check_number

LOWEST_SCORE = 0.1
REFERENCE_RATE = 15.0
SECONDS_REMEMBERED = 1.0
SHORTEST_STEP_SECONDS = 1 / 30
LONGEST_STEP_SECONDS = 10.0
FRAMES_BEFORE_ID = 2
FRAMES_BEYOND_LINE = 2
OVERLAP_MARGIN = 0.5
MAX_ZONE_CORNERS = 20
MIN_LINE_LENGTH = 0.02

Point = tuple[float, float]


@dataclass(frozen=True)
class Watched:
    """What the visitor asked for. Places are shares of the picture (0..1).

    `threshold`: boxes with a higher score begin a track. `line`: two points; looking along it from the first to the
    second, what crosses it from right to left goes in, from left to right out. `zone`: the corners of a polygon.
    """

    threshold: float = 0.5
    line: tuple[Point, Point] | None = None
    zone: tuple[Point, ...] | None = None


class Tracker:
    """One video's memory: give it each frame's boxes in the order of time.

    The library's default asks for a score of 0.7 before a box begins a track, which leaves many boxes without an id;
    here it is the threshold above which boxes are shown. An id comes with the second frame, and is kept for a second
    after its box was last seen. Boxes are matched with a margin of half their size around them (buffered overlap, Yang
    et al. 2023, arXiv 2211.14317): at ten frames a second small things move by more than their width. Boxes of a query
    that names two classes count as the better one.
    """

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self._applied: Watched | None = None
        self._size = (0, 0)
        self._last_seconds = self._clock_seconds = 0.0
        self._seen: dict[int, str] = {}
        self._tracks = self._line = self._zone = None

    def update(self, detections: sv.Detections, size: tuple[int, int], seconds: float) -> sv.Detections:
        """The detections with `tracker_id` (-1: none yet), best first.

        `detections` as `models.detection.boxes.postprocess` gives them down to `LOWEST_SCORE`, in pixels of a picture
        of `size` (height, width), seen at `seconds`. Going back in time, or another size, begins anew. A frame counts
        as at least `SHORTEST_STEP_SECONDS` later than the last, so that tracks end whatever times a client sends, and
        as at most `LONGEST_STEP_SECONDS`, when nothing is remembered any more.
        """
        self._prepare(size, seconds)
        assert self._tracks is not None
        tracked: Any = self._tracks.update(one_per_query(detections), timestamp=self._clock_seconds)
        if len(tracked):
            tracked = tracked[np.argsort(-np.asarray(tracked.confidence), kind="stable")]
        self._seen |= dict(_named(tracked))
        if self._line:
            self._line.trigger(tracked)
        return tracked

    def counts(self, tracked: sv.Detections, labels: Sequence[str]) -> dict[str, dict[str, int]]:
        """How many of each class: `seen` (ids so far), `in` and `out` (over the line), `zone` (in it now)."""
        counts = {"seen": dict(Counter(self._seen.values()))}
        if self._line:
            for way, by_class in (("in", self._line.in_count_per_class), ("out", self._line.out_count_per_class)):
                counts[way] = {labels[int(index or 0)]: count for index, count in by_class.items()}
        if self._zone:
            inside: Any = tracked[self._zone.trigger(tracked)] if len(tracked) else tracked
            counts["zone"] = dict(Counter(name for _, name in _named(inside)))
        return counts

    def _prepare(self, size: tuple[int, int], seconds: float) -> None:
        if size != self._size or seconds < self._last_seconds or self._tracks is None:
            self._tracks, self._seen, self._applied = _byte_track(), {}, None
            self._last_seconds = seconds
        step = max(seconds - self._last_seconds, SHORTEST_STEP_SECONDS)
        self._clock_seconds += min(step, LONGEST_STEP_SECONDS)
        self._size, self._last_seconds = size, seconds
        wanted, applied = self.watched, self._applied
        if wanted == applied:
            return
        beginning = max(wanted.threshold, LOWEST_SCORE)
        self._tracks.track_activation_threshold = self._tracks.high_conf_det_threshold = beginning
        if applied is None or wanted.line != applied.line:
            self._line = _line_of(wanted.line, size)
        if applied is None or wanted.zone != applied.zone:
            self._zone = _zone_of(wanted.zone, size)
        self._applied = wanted


def one_per_query(detections: sv.Detections) -> sv.Detections:
    """Only the best class of each query; the order stays, best first."""
    if not len(detections):
        return detections
    _, first = np.unique(detections.data["query"], return_index=True)
    best: Any = detections[np.sort(first)]
    return best


def check_line(value: object) -> tuple[Point, Point] | None:
    """Two points [[x, y], [x, y]] in shares of the picture, or None. Raises `InputError` for anything else."""
    if value is None:
        return None
    points = _points(value, name="The line")
    if len(points) != 2 or np.hypot(*np.subtract(*points)) < MIN_LINE_LENGTH:
        raise InputError("The line needs two points that lie apart.")
    return points[0], points[1]


def check_zone(value: object) -> tuple[Point, ...] | None:
    """Corners [[x, y], ...] of a polygon in shares of the picture, or None. Raises `InputError` for anything else."""
    if value is None:
        return None
    points = _points(value, name="The zone")
    if not 3 <= len(points) <= MAX_ZONE_CORNERS:
        raise InputError(f"The zone needs 3 to {MAX_ZONE_CORNERS} corners.")
    return points


def _points(value: object, *, name: str) -> tuple[Point, ...]:
    if not isinstance(value, list) or len(value) > MAX_ZONE_CORNERS:
        raise InputError(f"{name} must be a short list of points.")
    return tuple(_point(point, name=name) for point in value)


def _point(value: object, *, name: str) -> Point:
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"{name} must consist of points, each with x and y.")
    x, y = (check_number(share, name=f"{name}'s coordinate", low=0, high=1) for share in value)
    return x, y


def _named(tracked: sv.Detections) -> list[tuple[int, str]]:
    if tracked.tracker_id is None or not len(tracked):
        return []
    names = tracked.data["class_name"]
    return [(int(i), str(name)) for i, name in zip(tracked.tracker_id, names, strict=True) if i >= 0]


def _byte_track() -> Any:
    try:
        from trackers import BIoU, ByteTrackTracker
    except ImportError:
        raise InputError("Tracking is not available here: the package trackers is not installed.") from None
    return ByteTrackTracker(
        frame_rate=REFERENCE_RATE,
        lost_track_buffer=round(30 * SECONDS_REMEMBERED),
        minimum_consecutive_frames=FRAMES_BEFORE_ID,
        iou=BIoU(OVERLAP_MARGIN),
    )


def _line_of(line: tuple[Point, Point] | None, size: tuple[int, int]) -> sv.LineZone | None:
    if line is None:
        return None
    start, end = (sv.Point(x * size[1], y * size[0]) for x, y in line)
    return sv.LineZone(start, end, [sv.Position.CENTER], minimum_crossing_threshold=FRAMES_BEYOND_LINE)


def _zone_of(zone: tuple[Point, ...] | None, size: tuple[int, int]) -> sv.PolygonZone | None:
    if zone is None:
        return None
    corners = np.rint(np.array(zone) * [size[1], size[0]]).astype(int)
    return sv.PolygonZone(corners, [sv.Position.CENTER])
