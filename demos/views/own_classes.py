"""A training of the visitor's own classes as plain values for the browser."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.views.detection import jpeg_address

if TYPE_CHECKING:
    from models.vit.own_classes import Examples, Report, Verdicts

MAX_VERDICTS = 18
THUMBNAIL = 64  # pixels
COUNTS = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}

PROTOCOL = """{parts} heads learn side by side, each without one part of the pictures, which it is then asked about: so
every picture counts once, by a head that has not seen it. Another head learns from all pictures; that one is used
afterwards, and the loss and the accuracy on what it has learned from are its own. Frames of one burst look alike:
then even held-out pictures are easier than what the camera shows later."""
BLOCKS_PROTOCOL = """Training blocks several times over would take too long: now one part of the pictures, one in
{parts} of each class, is held out, and the network that is used has not learned from it."""


def draw_training(
    run: str,
    examples: "Examples",
    reports: "Sequence[Report]",
    parts: int,
    verdicts: "Verdicts | None" = None,
) -> dict[str, Any]:
    """What `class_board` shows: `reports` so far and, at the end, what was said of the held-out pictures."""
    unfrozen = next((report.step for report in reports if report.phase == "blocks"), None)
    judged = _verdicts(examples, verdicts) if verdicts else None
    return {
        "run": run,
        "labels": list(examples.labels),
        "reports": [_report(report) for report in reports],
        "unfrozen": unfrozen,
        "protocol": " ".join(PROTOCOL.format(parts=COUNTS[parts]).split()),
        "blocksProtocol": " ".join(BLOCKS_PROTOCOL.format(parts=COUNTS[parts].lower()).split()),
        "verdicts": judged[:MAX_VERDICTS] if judged else None,
        "more": _more(judged, verdicts) if judged and verdicts else "",
    }


def _report(report: "Report") -> dict[str, Any]:
    return {
        "phase": report.phase,
        "step": report.step,
        "loss": round(report.loss, 5),
        "accuracy": report.accuracy,
        "heldOut": report.held_out_accuracy,
        "confusion": report.confusion.tolist(),
    }


def _verdicts(examples: "Examples", verdicts: "Verdicts") -> list[dict[str, Any]]:
    """One entry a held-out picture; the least sure of the true class come first."""
    last = verdicts.head if verdicts.blocks is None else verdicts.blocks
    truth = examples.classes[verdicts.pictures]
    order = np.argsort(last[np.arange(len(truth)), truth], kind="stable")
    shown = set(order[:MAX_VERDICTS].tolist())
    return [
        {
            "picture": _thumbnail(examples.images[verdicts.pictures[i]]) if i in shown else "",
            "truth": examples.labels[truth[i]],
            "before": list(verdicts.before[i]) if verdicts.before else None,
            "head": _best(examples.labels, verdicts.head[i]),
            "blocks": None if verdicts.blocks is None else _best(examples.labels, verdicts.blocks[i]),
        }
        for i in order.tolist()
    ]


def _best(labels: tuple[str, ...], probabilities: np.ndarray) -> list[Any]:
    place = int(probabilities.argmax())
    return [labels[place], round(float(probabilities[place]), 4)]


def _thumbnail(image: np.ndarray) -> str:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return jpeg_address(image[top : top + side, left : left + side], THUMBNAIL)


def _more(judged: list[dict[str, Any]], verdicts: "Verdicts") -> str:
    order = "The least sure come first"
    left_out = len(judged) - MAX_VERDICTS
    shown = f"{order}; {left_out} more are not shown." if left_out > 0 else f"{order}."
    if verdicts.before:
        return f"{shown} “Before” is what the network said with its own head: it had to choose one of its categories."
    return f"{shown} This backbone had no head before: it could not name anything."
