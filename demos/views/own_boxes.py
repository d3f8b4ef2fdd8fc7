"""A detector learning from drawn boxes, as plain values for the browser."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from demos.views.detection import draw_candidates, jpeg_address

if TYPE_CHECKING:
    from models.detection.boxes import Prediction
    from models.detection.own_boxes import Frame, Report

SHOWN_SIDE = 320  # pixels
SMOOTHED = 10  # steps


def draw_frames(frames: "Sequence[Frame]", labels: Sequence[str]) -> list[dict[str, Any]]:
    """Pictures with the boxes that were drawn on them."""
    return [
        {
            "image": jpeg_address(frame.image, SHOWN_SIDE),
            "drawn": [
                {"box": [round(float(side), 4) for side in box], "label": labels[place]}
                for box, place in zip(frame.boxes_xyxy, frame.classes, strict=True)
            ],
        }
        for frame in frames
    ]


def draw_round(report: "Report", predictions: "Sequence[Prediction]") -> dict[str, Any]:
    """What the detector answers on every frame at that time."""
    return {
        "step": report.step,
        "seconds": round(report.seconds, 1),
        "found": [draw_candidates(prediction) for prediction in predictions],
    }


def draw_losses(reports: "Sequence[Report]") -> list[list[float]]:
    """`[last step, mean]` of every `SMOOTHED` steps."""
    stretches = [reports[start : start + SMOOTHED] for start in range(0, len(reports), SMOOTHED)]
    return [[part[-1].step, round(sum(one.loss for one in part) / len(part), 4)] for part in stretches]
