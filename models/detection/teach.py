"""Teaching a detector objects of a visitor's own, as one computed run."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from models import stops
from models.compute import Run, compute, run_of
from models.detection.boxes import Prediction
from models.detection.detect import load
from models.detection.network import predict
from models.detection.own import Learned
from models.detection.own_boxes import Frame, Report, Training

SECONDS_BETWEEN_LOOKS = 4.0
SHARE_OF_LOOKING = 0.25


@dataclass(frozen=True)
class Lesson:
    """Where a training stands.

    read, pictures: frames and changed copies that the backbone has read, of how many.
    learning: how many parameters learn.
    mirror: whether copies are mirrored too.
    report: of the last step; None while the backbone reads.
    answers: what the detector says of each frame, now and then and at the end.
    learned: at the end.
    """

    read: int
    pictures: int
    learning: int
    mirror: bool
    run: Run
    report: Report | None = None
    answers: tuple[Prediction, ...] | None = None
    learned: Learned | None = None


@compute(heavy=True, gpu_seconds=180)
def teach_detector(
    model: str,
    labels: tuple[str, ...],
    frames: Sequence[Frame],
    seconds: float,
    running: str,
    mirror: bool | None = None,
) -> Iterator[Lesson]:
    """Train on drawn frames until the time is over or `models.stops` is asked for `running`.

    `mirror`: whether copies are mirrored too; None: unless sides matter.
    """
    loaded = load(model)
    training = Training(loaded.network, labels, frames, seconds=seconds, mirror=mirror)
    lesson = partial(
        Lesson,
        pictures=training.pictures,
        learning=training.learning,
        mirror=training.mirror,
        run=run_of(loaded, 0.0),
    )
    for read in training.read():
        yield lesson(read)
        if stops.asked(running):
            return
    read, due, report = training.pictures, 0.0, None
    for report in training.fit():
        yield lesson(read, report=report)
        if report.seconds > due:
            looked = time.monotonic()
            answers = _look(training)
            due = report.seconds + max(SECONDS_BETWEEN_LOOKS, (time.monotonic() - looked) / SHARE_OF_LOOKING)
            yield lesson(read, report=report, answers=answers)
        training.stopped = stops.asked(running)
    yield lesson(read, report=report, answers=_look(training), learned=training.learned(model))


def _look(training: Training) -> tuple[Prediction, ...]:
    detector = training.detector()
    return tuple(predict(detector, frame.image, reduced=True) for frame in training.frames)
