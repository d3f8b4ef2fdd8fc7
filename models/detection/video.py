"""A video through the detector, frame by frame: tracked, drawn on, recorded."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import supervision as sv

from models.compute import Run, compute, run_of
from models.detection.boxes import Boxes, Prediction, postprocess
from models.detection.detect import load
from models.detection.export import predict_fast
from models.detection.records import FrameRecord, record_of, write_coco, write_csv
from models.detection.supervised import detections_of
from models.detection.tracking import LOWEST_SCORE, Tracker, Watched
from models.video import WHOLE, Frame, Segment, VideoFile, VideoWriter

VIDEO, COCO, CSV = "annotated.mp4", "detections.coco.json", "detections.csv"
MARKS = (9, 83, 180)
"""Colour of line and zone: blue, green, red."""
ARROW = 24
COLORS = sv.ColorPalette.from_hex(["#a21caf", "#1d4ed8", "#15803d", "#b45309", "#4338ca", "#be123c", "#0f766e"])


@dataclass(frozen=True)
class VideoStep:
    """One frame done: `image` (H, W, 3) uint8 RGB with its boxes, the time in the video, what was counted of each class
    so far (`Tracker.counts`).
    """

    image: np.ndarray
    seconds: float
    counts: dict[str, dict[str, int]]


@dataclass(frozen=True)
class VideoProgress:
    """A video as far as it has been processed by `watch_video`.

    image: the frame just done, with its boxes, at the beginning and at the end; None between.
    frames: how many were done; seconds, length: where it is in what is looked at of the video, of how long.
    counts: of each class, as `Tracker.counts`; things: most boxes with an id that one frame had.
    model_seconds: of the last frame; runtime: what ran the network.
    files: at the end, by name.
    """

    image: np.ndarray | None
    frames: int
    seconds: float
    length: float
    counts: dict[str, dict[str, int]]
    things: int
    model_seconds: float
    runtime: str
    run: Run
    files: dict[str, bytes] = field(default_factory=dict)


@compute(heavy=True)
def watch_video(model: str, path: str, watched: Watched, segment: Segment = WHOLE) -> Iterator[VideoProgress]:
    """Process a short video of the app's own, or a segment of it, for all who look at it (`models.kept`)."""
    loaded = load(model)

    def answer(image: np.ndarray) -> tuple[Prediction, str]:
        return predict_fast(loaded, image)

    with tempfile.TemporaryDirectory() as folder:
        run = VideoRun(path, Path(folder), watched, segment)
        steps, step = run.steps(answer), None
        try:
            for step in steps:
                first = len(run.records) == 1
                yield _watched(run, step, step.image if first else None, run_of(loaded, run.model_seconds))
        finally:
            steps.close()  # pyright: ignore[reportAttributeAccessIssue]  # a generator: lets go of the files at once
        assert step is not None, "a video has a frame, or is refused"
        files = {name: (run.folder / name).read_bytes() for name in (VIDEO, COCO, CSV)}
        yield replace(_watched(run, step, step.image, run_of(loaded, run.model_seconds)), files=files)


def _watched(run: "VideoRun", step: VideoStep, image: np.ndarray | None, ran: Run) -> VideoProgress:
    things = max(int((record.ids >= 0).sum()) for record in run.records)
    return VideoProgress(
        image,
        len(run.records),
        run.video.passed(step.seconds),
        run.video.length,
        step.counts,
        things,
        run.model_seconds,
        run.runtime,
        ran,
    )


def first_frame(path: str | Path, segment: Segment = WHOLE) -> tuple[Frame, float]:
    """The first frame of a segment of a video, and the seconds that the whole video lasts (0: its file does not say).

    Raises `InputError` for what is no video within the limits, or no segment of it.
    """
    video = VideoFile(path, segment)
    try:
        return next(video.frames()), video.seconds
    finally:
        video.close()


class VideoRun:
    """A video and what is made of it: `VIDEO`, `COCO` and `CSV` in `folder`, whole once `steps` has ended.

    `records` of the frames done; `runtime` and `model_seconds` (the wait for a turn included) of the last one.
    """

    def __init__(self, path: str | Path, folder: Path, watched: Watched, segment: Segment = WHOLE) -> None:
        """Raises `InputError` where the file is no video within the limits, or the segment not within the video."""
        self.video = VideoFile(path, segment)
        self.folder, self.watched = folder, watched
        self.records: list[FrameRecord] = []
        self.runtime, self.model_seconds = "", 0.0
        self._tracker = Tracker(watched)
        self._drawing = _Drawing(watched)

    def steps(self, answer: Callable[[np.ndarray], tuple[Prediction, str]]) -> Iterator[VideoStep]:
        """Every frame of the segment, by `answer(image) -> (prediction, what ran it)`; times and numbers are those of
        the whole video, but in the annotated one. To be closed if it is not used to its end.
        """
        writer: VideoWriter | None = None
        labels: tuple[str, ...] = ()
        try:
            for frame in self.video.frames():
                began = time.perf_counter()
                prediction, self.runtime = answer(frame.image)
                self.model_seconds = time.perf_counter() - began
                labels = prediction.labels
                writer = writer or VideoWriter(self.folder / VIDEO, prediction.size)
                tracked = self._tracker.update(postprocess(prediction, LOWEST_SCORE), prediction.size, frame.seconds)
                self.records.append(record_of(tracked, frame, self.watched.threshold))
                drawn = self._drawing.draw(frame.image, tracked)
                writer.write(drawn, self.video.passed(frame.seconds))
                yield VideoStep(drawn, frame.seconds, self._tracker.counts(tracked))
        finally:
            self.video.close()
            if writer:
                writer.close()
        write_coco(self.folder / COCO, self.records, labels)
        write_csv(self.folder / CSV, self.records, labels)


class _Drawing:
    """Supervision's annotators: boxes, labels with ids, and the way of each thing; over line and zone."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        look: dict[str, Any] = {"color": COLORS, "color_lookup": sv.ColorLookup.CLASS}
        self._box = sv.BoxAnnotator(thickness=3, **look)
        self._label = sv.LabelAnnotator(text_scale=0.5, text_padding=4, **look)
        self._trace = sv.TraceAnnotator(thickness=2, trace_length=30, **look)

    def draw(self, image: np.ndarray, tracked: Boxes) -> np.ndarray:
        """A copy of `image` (H, W, 3) uint8 RGB with line, zone, and the boxes above the threshold."""
        shown = tracked.take(tracked.scores > self._watched.threshold)
        some = len(shown) > 0 and shown.ids is not None
        if not some and self._watched.line is None and self._watched.zone is None:
            return image
        scene: Any = np.ascontiguousarray(image[..., ::-1])
        _draw_marks(scene, self._watched)
        if some and shown.ids is not None:
            found: Any = detections_of(shown, image.shape[:2])
            several = zip(shown.ids, shown.names, shown.scores, strict=True)
            texts = [f"{f'#{track} ' if track >= 0 else ''}{name} {score:.2f}" for track, name, score in several]
            scene = self._trace.annotate(scene, found[shown.ids >= 0])
            scene = self._label.annotate(self._box.annotate(scene, found), found, texts)
        return np.ascontiguousarray(scene[..., ::-1])


def _draw_marks(scene: np.ndarray, watched: Watched) -> None:
    """Line with an arrow towards "in", and the zone, onto `scene` (H, W, 3) uint8 BGR."""
    sides = np.array(scene.shape[1::-1])
    if watched.zone:
        corners = np.rint(np.array(watched.zone) * sides).astype(np.int32)
        cv2.polylines(scene, [corners], isClosed=True, color=MARKS, thickness=2)
    if watched.line:
        start, end = np.array(watched.line) * sides
        along = end - start
        inwards = np.array([along[1], -along[0]]) / max(float(np.linalg.norm(along)), 1e-9)
        middle = (start + end) / 2
        cv2.line(scene, _pixel(start), _pixel(end), MARKS, 2)
        cv2.arrowedLine(scene, _pixel(middle), _pixel(middle + ARROW * inwards), MARKS, 2)


def _pixel(place: np.ndarray) -> tuple[int, int]:
    return int(np.rint(place[0])), int(np.rint(place[1]))
