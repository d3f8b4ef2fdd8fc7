"""From a network's raw answer to boxes: every query may name any class, the most probable pairs win, no suppression."""

from dataclasses import dataclass

import numpy as np
import supervision as sv


@dataclass(frozen=True)
class Prediction:
    """What the network says about one picture before any threshold.

    `logits` (queries, classes) float32, before the sigmoid; `boxes_cxcywh` (queries, 4) float32, centre and size as
    shares of the picture; `size` (height, width) of the picture in pixels; `labels` by class index.
    """

    logits: np.ndarray
    boxes_cxcywh: np.ndarray
    size: tuple[int, int]
    labels: tuple[str, ...]


def postprocess(prediction: Prediction, threshold: float) -> sv.Detections:
    """The most probable (query, class) pairs with a score above `threshold`, best first.

    Score = sigmoid(logit). As many pairs as there are queries are looked at, so one query may answer with two classes.
    Boxes end where the picture ends; those that lie outside of it altogether are left out. `data` holds `class_name`
    and `query` (the index of the query each box came from).
    """
    queries, classes = prediction.logits.shape
    scores = 1 / (1 + np.exp(-prediction.logits.astype(np.float64).reshape(-1)))
    best = np.argsort(-scores, kind="stable")[:queries]
    best = best[scores[best] > threshold]
    query, label = best // classes, best % classes
    height, width = prediction.size
    shares = corners(prediction.boxes_cxcywh[query]).clip(0, 1)
    inside = (shares[:, 2:] > shares[:, :2]).all(1)
    best, query, label = best[inside], query[inside], label[inside]
    boxes = shares[inside] * np.array([width, height, width, height], np.float32)
    return sv.Detections(
        xyxy=boxes.astype(np.float32),
        confidence=scores[best].astype(np.float32),
        class_id=label,
        data={"class_name": np.array([prediction.labels[i] for i in label], dtype=str), "query": query},
    )


def corners(boxes_cxcywh: np.ndarray) -> np.ndarray:
    """(..., 4) centre, size to (..., 4) left, top, right, bottom."""
    centre, half = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:] / 2
    return np.concatenate([centre - half, centre + half], -1)


def shares_of(found: sv.Detections, size: tuple[int, int]) -> np.ndarray:
    """(N, 4) left, top, right, bottom as shares of a picture of `size` (height, width) in pixels, 0 to 1."""
    height, width = size
    return (found.xyxy / np.array([width, height, width, height], np.float32)).clip(0, 1)
