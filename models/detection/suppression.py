"""Is suppression needed? The same answers with and without non-maximum suppression, after every stage of a detector."""

from dataclasses import dataclass

import numpy as np

from models.detection.boxes import Boxes, Prediction, kept_by_suppression, postprocess
from models.detection.trace import DetectionTrace


@dataclass(frozen=True)
class Stage:
    """What one stage would answer. `found`: boxes above the threshold, best first; `kept` (found,) bool: those
    that suppression would leave.
    """

    name: str
    found: Boxes
    kept: np.ndarray


def suppress(trace: DetectionTrace, threshold: float, iou: float, without: int = -1) -> list[Stage]:
    """The proposals that queries started from, then every decoder layer: what is found and what suppression leaves.

    without: number of a query whose own answers are left out; -1 for none.

    Greedy, within a class: a box goes if it overlaps a better one of its class by more than `iou`
    (`kept_by_suppression`).
    """
    proposals, size, labels = trace.proposals, trace.prediction.size, trace.prediction.labels
    chosen = proposals.chosen
    stages = {"proposals": Prediction(proposals.logits[chosen], proposals.boxes_cxcywh[chosen], size, labels)}
    for layer, (logits, boxes) in enumerate(zip(trace.logits, trace.boxes_cxcywh, strict=True), 1):
        stages[f"layer {layer}"] = Prediction(logits, boxes, size, labels)
    return [_stage(name, prediction, threshold, iou, without) for name, prediction in stages.items()]


def _stage(name: str, prediction: Prediction, threshold: float, iou: float, without: int) -> Stage:
    found = postprocess(prediction, threshold)
    found = found.take(found.queries != without)
    kept = np.zeros(len(found), bool)
    kept[kept_by_suppression(found, iou)] = True
    return Stage(name, found, kept)
