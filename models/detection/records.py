"""Detections of a video as files for other programs: COCO JSON and CSV."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv

CSV_COLUMNS = ("frame", "seconds", "id", "label", "score", "left", "top", "right", "bottom")


@dataclass(frozen=True)
class FrameRecord:
    """What was found in frame number `index`, shown at `seconds`.

    `boxes_xyxy` (N, 4) in pixels of the video, `scores` (N,), `classes` (N,) indices into the labels, `ids` (N,) of
    tracks, -1 where there is none.
    """

    index: int
    seconds: float
    boxes_xyxy: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    ids: np.ndarray


def record_of(tracked: sv.Detections, index: int, seconds: float, scale: float, threshold: float) -> FrameRecord:
    """The detections above the threshold; `scale` times their pixels are pixels of the video."""
    kept: Any = tracked[np.asarray(tracked.confidence) > threshold] if len(tracked) else tracked
    boxes = np.asarray(kept.xyxy, np.float32).reshape(-1, 4) * scale
    scores, classes, ids = (
        np.asarray(values if values is not None else [], kind)
        for values, kind in ((kept.confidence, np.float32), (kept.class_id, int), (kept.tracker_id, int))
    )
    return FrameRecord(index, seconds, boxes, scores, classes, ids)


def write_coco(path: Path, records: Sequence[FrameRecord], size: tuple[int, int], labels: Sequence[str]) -> None:
    """COCO's format of a data set, one image a frame; annotations carry `score` and `track_id` (null: none) besides.

    `size` (height, width) of the video. `pycocotools.coco.COCO(path)` reads it, and its annotations are a result list
    for `loadRes`.
    """
    images = [
        {
            "id": record.index + 1,
            "file_name": f"frame-{record.index + 1:06}.jpg",
            "height": size[0],
            "width": size[1],
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
    path.write_text(json.dumps(content))


def write_csv(path: Path, records: Sequence[FrameRecord], labels: Sequence[str]) -> None:
    """One row a box: `CSV_COLUMNS`; corners in pixels of the video, an empty id where there is none."""
    with path.open("w", newline="") as file:
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
