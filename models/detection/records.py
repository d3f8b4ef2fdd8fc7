"""Detections of a video as files for other programs: COCO JSON and CSV."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.detection.boxes import Boxes
from models.video import Frame

CSV_COLUMNS = ("frame", "seconds", "id", "label", "score", "left", "top", "right", "bottom")


@dataclass(frozen=True)
class FrameRecord:
    """What was found in frame number `index` of the video, counted from 0, shown at `seconds`.

    `size` (height, width) of the frame; `boxes_xyxy` (N, 4) in its pixels and inside of it, `scores` (N,), `classes`
    (N,) indices into the labels, `ids` (N,) of tracks, -1 where there is none.
    """

    index: int
    seconds: float
    size: tuple[int, int]
    boxes_xyxy: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    ids: np.ndarray


def record_of(tracked: Boxes, frame: Frame, threshold: float) -> FrameRecord:
    """The boxes of a frame above the threshold, in its pixels."""
    kept = tracked.take(tracked.scores > threshold)
    ids = np.full(len(kept), -1) if kept.ids is None else kept.ids
    boxes = kept.corners.astype(np.float64) * (frame.size[::-1] * 2)
    return FrameRecord(frame.index, frame.seconds, frame.size, boxes, kept.scores, kept.classes, ids)


def write_coco(path: Path, records: Sequence[FrameRecord], labels: Sequence[str]) -> None:
    """COCO's format of a data set, one image a frame; annotations carry `score` and `track_id` (null: none) besides.

    An image's `id`, and the number in its name, is the number of the frame in the video from 1, as `ffmpeg -i VIDEO
    -fps_mode passthrough frame-%06d.jpg` would number them; `seconds` is when it is shown.
    `pycocotools.coco.COCO(path)` reads the file, and its annotations are a result list for `loadRes`.
    """
    images = [
        {
            "id": record.index + 1,
            "file_name": f"frame-{record.index + 1:06}.jpg",
            "height": record.size[0],
            "width": record.size[1],
            "seconds": round(record.seconds, 3),
        }
        for record in records
    ]
    annotations: list[dict[str, Any]] = []
    for record in records:
        for box, score, label, track in _rows(record):
            left, top, right, bottom = box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": record.index + 1,
                    "category_id": label + 1,
                    "bbox": [left, top, round(right - left, 2), round(bottom - top, 2)],
                    "area": round((right - left) * (bottom - top), 2),
                    "iscrowd": 0,
                    "score": score,
                    "track_id": track if track >= 0 else None,
                }
            )
    categories = [{"id": index + 1, "name": label} for index, label in enumerate(labels)]
    content = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content), encoding="utf-8")


def write_csv(path: Path, records: Sequence[FrameRecord], labels: Sequence[str]) -> None:
    """One row a box: `CSV_COLUMNS`; frames are numbered as in `write_coco`, corners are in pixels of the frame.

    The id is empty where there is none.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        for record in records:
            for box, score, label, track in _rows(record):
                shown = track if track >= 0 else ""
                writer.writerow([record.index + 1, round(record.seconds, 3), shown, labels[label], score, *box])


def _rows(record: FrameRecord) -> list[tuple[list[float], float, int, int]]:
    return [
        ([round(float(value), 2) for value in box], round(float(score), 4), int(label), int(track))
        for box, score, label, track in zip(record.boxes_xyxy, record.scores, record.classes, record.ids, strict=True)
    ]
