"""One frame of live video, whichever way it came: decoded, detected, tracked; boxes and times go back."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demos.base import facts_of, usable_model
from demos.wire import to_wire
from models import runtime
from models.detection.own import is_own
from models.detection.turns import Turns
from models.images import read_frame

if TYPE_CHECKING:
    from models.compute import Run
    from models.detection.detect import Found
    from models.detection.tracking import Tracker

MAX_FRAME_BYTES = 300_000
MAX_FRAME_SIDE = 1280
MAX_USEFUL_SIDE = 640

TURNS: "Turns[Any]" = Turns(workers=2)
"""The one line in which the frames of all visitors wait."""


@dataclass(frozen=True)
class Stream:
    """What answers a visitor's frames.

    model: name of the detector; note: why it is not the chosen one, if so.
    side: pixels; longer frames gain nothing.
    tracker: a memory, if asked for.
    """

    model: str
    note: str
    side: int
    run: "Run"
    tracker: "Tracker | None" = None

    def facts(self) -> dict[str, Any]:
        """What the strip says of the model; `parallel`: frames done at once."""
        return {"facts": facts_of(self.run), "note": self.note, "side": self.side, "parallel": TURNS.workers}


def open_stream(model: object) -> Stream:
    """Load the detector of that name, one trained by a visitor or, while one arrives, the one that stands in for it.

    Raises `InputError` for any other name.
    """
    name, note = (str(model), "") if is_own(model) else usable_model(model, "detection")
    from models.detection.detect import describe_detector

    described = describe_detector(name)
    return Stream(name, note, min(MAX_USEFUL_SIDE, 2 * described.resolution), described.run)


@dataclass(frozen=True)
class FrameFound:
    """What was found in one frame, and the time of each step so far."""

    found: "Found"
    watch: runtime.Stopwatch


def detect(stream: Stream, jpeg: bytes, arrived: float) -> FrameFound:
    """What the network sees in one frame that arrived at `arrived` of `time.perf_counter`.

    Raises `InputError` for a faulty frame.
    """
    watch = runtime.Stopwatch()
    watch.seconds["wait"] = time.perf_counter() - arrived
    with watch("decode"):
        image = read_frame(jpeg, max_side=MAX_FRAME_SIDE)
    from models.detection.detect import find_in_frame

    with watch("model"):
        found = find_in_frame(stream.model, image)
    return FrameFound(found, watch)


def answer(frame: FrameFound, tracker: "Tracker | None" = None, seconds: float = 0.0) -> dict[str, Any]:
    """The boxes of a frame taken at `seconds` of its video; frames of one tracker come in the order of time.

    Returns `boxes` (shares of the picture, best first, with `id` where tracked), `counts` (tracked only), `runtime` and
    `seconds` by step: `wait` (for its turn), `decode`, `model`, `track`.
    """
    with frame.watch("track"):
        boxes = _track(tracker, frame.found, seconds) if tracker else _boxes(frame.found)
    rounded = {step: round(duration, 4) for step, duration in frame.watch.seconds.items()}
    return boxes | {"runtime": frame.found.runtime, "seconds": rounded}


def _boxes(found: "Found") -> dict[str, Any]:
    from demos.views.detection import view_of_found

    return {"boxes": to_wire(view_of_found(found.prediction))}


def _track(tracker: "Tracker", found: "Found", seconds: float) -> dict[str, Any]:
    from demos.views.detection import view_of_tracked
    from models.detection.boxes import postprocess
    from models.detection.tracking import LOWEST_SCORE

    prediction = found.prediction
    tracked = tracker.update(postprocess(prediction, LOWEST_SCORE), prediction.size, seconds)
    boxes = to_wire(view_of_tracked(tracked))
    return {"boxes": boxes, "counts": tracker.counts(tracked)}
