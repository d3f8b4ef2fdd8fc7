"""What stays the same thing from frame to frame: ids by ByteTrack, and what crosses a line or stands in a zone.

Ids are those of `models.detection.byte_track`, line and zone those of `supervision`.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import supervision as sv

from models.detection.boxes import Boxes
from models.detection.byte_track import NO_ID, ByteTrack
from models.detection.supervised import detections_of
from models.errors import InputError
from models.inputs import check_number

LOWEST_SCORE = 0.1
SHORTEST_STEP_SECONDS = 1 / 30
LONGEST_STEP_SECONDS = 10.0
FRAMES_BEYOND_LINE = 2
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

    A box begins a track at the threshold above which boxes are shown, so that none that is shown stays without an id.
    Boxes of a query that names two classes count as the better one.
    """

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self._applied: Watched | None = None
        self._size = (0, 0)
        self._last_seconds = 0.0
        self._seen: dict[int, str] = {}
        self._tracks: ByteTrack | None = None
        self._line: sv.LineZone | None = None
        self._zone: sv.PolygonZone | None = None

    def update(self, boxes: Boxes, size: tuple[int, int], seconds: float) -> Boxes:
        """The boxes with their ids, best first.

        `boxes` as `models.detection.boxes.postprocess` gives them down to `LOWEST_SCORE`, of a picture of `size`
        (height, width) seen at `seconds`. Going back in time, or another size, begins anew. A frame counts
        as at least `SHORTEST_STEP_SECONDS` later than the last, so that tracks end whatever times a client sends, and
        as at most `LONGEST_STEP_SECONDS`, when nothing is remembered any more.
        """
        tracks, step = self._prepare(size, seconds)
        boxes = one_per_query(boxes)
        beginning = max(self.watched.threshold, LOWEST_SCORE)
        ids = tracks.update(boxes.pixels(size), boxes.scores, beginning=beginning, seconds=step)
        tracked = replace(boxes, ids=ids)
        self._seen |= dict(_named(tracked))
        if self._line:
            self._line.trigger(detections_of(tracked, size))
        return tracked

    def counts(self, tracked: Boxes) -> dict[str, dict[str, int]]:
        """How many of each class: `seen` (ids so far), `in` and `out` (over the line), `zone` (in it now)."""
        counts = {"seen": dict(Counter(self._seen.values()))}
        if self._line:
            for way, by_class in (("in", self._line.in_count_per_class), ("out", self._line.out_count_per_class)):
                counts[way] = {tracked.labels[int(index or 0)]: count for index, count in by_class.items()}
        if self._zone:
            inside = self._zone.trigger(detections_of(tracked, self._size)) if len(tracked) else np.zeros(0, bool)
            counts["zone"] = dict(Counter(name for _, name in _named(tracked.take(inside))))
        return counts

    def _prepare(self, size: tuple[int, int], seconds: float) -> tuple[ByteTrack, float]:
        """The tracks to go on with, and the seconds since the last frame."""
        if size != self._size or seconds < self._last_seconds or self._tracks is None:
            self._tracks, self._seen, self._applied = ByteTrack(), {}, None
            self._last_seconds = seconds
        step = max(seconds - self._last_seconds, SHORTEST_STEP_SECONDS)
        self._size, self._last_seconds = size, seconds
        wanted, applied = self.watched, self._applied
        if applied is None or wanted.line != applied.line:
            self._line = _line_of(wanted.line, size)
        if applied is None or wanted.zone != applied.zone:
            self._zone = _zone_of(wanted.zone, size)
        self._applied = wanted
        return self._tracks, min(step, LONGEST_STEP_SECONDS)


def one_per_query(boxes: Boxes) -> Boxes:
    """Only the best class of each query; the order stays, best first."""
    _, first = np.unique(boxes.queries, return_index=True)
    return boxes.take(np.sort(first))


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


def _named(tracked: Boxes) -> list[tuple[int, str]]:
    if tracked.ids is None:
        return []
    return [(int(track), name) for track, name in zip(tracked.ids, tracked.names, strict=True) if track != NO_ID]


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
