"""A detector learning from drawn boxes, as plain values for the browser."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from demos.views.detection import FoundBox, rounded, shrunk, view_of_found
from demos.wire import picture, view
from models.detection.boxes import overlaps, postprocess

if TYPE_CHECKING:
    from models.detection.boxes import Prediction
    from models.detection.own_boxes import Frame, Report

SHOWN_SIDE = 320  # pixels
SMOOTHED = 10  # steps
SAME_THING = 0.5


@view
class DrawnBox:
    """A box that the visitor drew: left, top, right, bottom as shares of the frame, 0 to 1."""

    box: list[float]
    label: str


@view
class LessonFrame:
    """A picture to learn from: the address of a JPEG, and the boxes drawn on it."""

    image: str
    drawn: list[DrawnBox]


@view
class LessonRound:
    """What the detector answers on every frame after some steps; `number` counts the rounds of a training from 0."""

    number: int
    step: int
    seconds: float
    found: list[list[FoundBox]]


@view
class LessonsView:
    """A training as it goes (`box_lessons`): only the newest round travels, the browser keeps those before it.

    run: names the training; empty where nothing was trained yet.
    losses: `[last step, mean loss]` of every ten steps.
    """

    run: str
    frames: list[LessonFrame]
    round: LessonRound
    losses: list[list[float]]


def view_of_frames(frames: "Sequence[Frame]", labels: Sequence[str]) -> list[LessonFrame]:
    """Pictures with the boxes that were drawn on them."""
    return [
        LessonFrame(
            image=picture(shrunk(frame.image, SHOWN_SIDE), "jpeg"),
            drawn=[
                DrawnBox(rounded(box), labels[int(place)])
                for box, place in zip(frame.boxes_xyxy, frame.classes.tolist(), strict=True)
            ],
        )
        for frame in frames
    ]


def view_of_round(number: int, report: "Report", predictions: "Sequence[Prediction]") -> LessonRound:
    """What the detector answers on every frame at that time."""
    found = [view_of_found(prediction) for prediction in predictions]
    return LessonRound(number, report.step, round(report.seconds, 1), found)


def mean_losses(reports: "Sequence[Report]") -> list[list[float]]:
    """`[last step, mean]` of every `SMOOTHED` steps."""
    stretches = [reports[start : start + SMOOTHED] for start in range(0, len(reports), SMOOTHED)]
    return [[part[-1].step, round(sum(one.loss for one in part) / len(part), 4)] for part in stretches]


def view_before(predictions: "Sequence[Prediction]") -> LessonRound:
    """What the detector answers on every frame before any training."""
    return LessonRound(0, 0, 0.0, [view_of_found(prediction) for prediction in predictions])


def sentence_before(
    frames: "Sequence[Frame]", labels: Sequence[str], predictions: "Sequence[Prediction]", threshold: float
) -> str:
    """How many drawn boxes the detector finds before any training, and by which names it calls them."""
    called: list[tuple[str, str]] = []
    for frame, prediction in zip(frames, predictions, strict=True):
        found = postprocess(prediction, threshold)
        for box, place in zip(frame.boxes_xyxy, frame.classes.tolist(), strict=True):
            shares = overlaps(found.corners, box)
            if len(found) and shares.max() >= SAME_THING:
                called.append((labels[int(place)], found.names[int(shares.argmax())]))
    drawn = sum(len(frame.classes) for frame in frames)
    right = sum(name == said for name, said in called)
    return (
        f"Before any training the detector finds {len(called)} of {drawn} drawn boxes on {len(frames)} frames of the "
        f"example clip, and calls {right} of them what they are: these are things it knows. Teach it one it does not."
    )
