"""One frame of live video, whichever way it came: decoded, detected, tracked; boxes and times go back."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demos.base import model_facts, usable_model
from demos.detection.shared import OWN, load_detection
from models import runtime
from models.detection.turns import Turns
from models.images import read_frame

if TYPE_CHECKING:
    from models.detection.boxes import Prediction
    from models.detection.tracking import Tracker

MAX_FRAME_BYTES = 300_000
MAX_FRAME_SIDE = 1280
MAX_USEFUL_SIDE = 640

TURNS: Turns[Any] = Turns(workers=2)
"""The one line in which the frames of all visitors wait."""


@dataclass(frozen=True)
class Stream:
    """What answers a visitor's frames: the detector, why it is not the chosen one (if so), a memory if asked for."""

    loaded: runtime.Loaded
    note: str
    tracker: "Tracker | None" = None

    def facts(self) -> dict[str, Any]:
        """What the strip says of the model; `side`: longer frames gain nothing; `parallel`: frames done at once."""
        side = min(MAX_USEFUL_SIDE, 2 * self.loaded.network.resolution)
        facts = model_facts(self.loaded)
        return {"facts": facts, "note": self.note, "side": side, "parallel": TURNS.workers}


def open_stream(model: Any) -> Stream:
    """Load the detector of that name, one trained by a visitor or, while one arrives, the one that stands in for it.

    Raises `InputError` for any other name.
    """
    if own := OWN.get(model):
        return Stream(own, "")
    name, note = usable_model(model, "detection")
    return Stream(load_detection(name), note)


@dataclass(frozen=True)
class Found:
    """One frame's prediction, what ran the network, and the time of each step so far."""

    prediction: "Prediction"
    title: str
    watch: runtime.Stopwatch


def detect(stream: Stream, jpeg: bytes, arrived: float) -> Found:
    """What the network sees in one frame that arrived at `arrived` of `time.perf_counter`.

    Raises `InputError` for a faulty frame.
    """
    watch = runtime.Stopwatch()
    watch.seconds["wait"] = time.perf_counter() - arrived
    with watch("decode"):
        image = read_frame(jpeg, max_side=MAX_FRAME_SIDE)
    from models.detection.export import predict_fast

    with watch("model"):
        prediction, title = predict_fast(stream.loaded, image)
    return Found(prediction, title, watch)


def answer(found: Found, tracker: "Tracker | None" = None, seconds: float = 0.0) -> dict[str, Any]:
    """The boxes of a frame taken at `seconds` of its video; frames of one tracker come in the order of time.

    Returns `boxes` (shares of the picture, best first, with `id` where tracked), `counts` (tracked only), `runtime` and
    `seconds` by step: `wait` (for its turn), `decode`, `model`, `track`.
    """
    with found.watch("track"):
        boxes = _track(tracker, found.prediction, seconds) if tracker else _boxes(found.prediction)
    rounded = {step: round(duration, 4) for step, duration in found.watch.seconds.items()}
    return boxes | {"runtime": found.title, "seconds": rounded}


def _boxes(prediction: "Prediction") -> dict[str, Any]:
    from demos.views.detection import draw_candidates

    return {"boxes": draw_candidates(prediction)}


def _track(tracker: "Tracker", prediction: "Prediction", seconds: float) -> dict[str, Any]:
    from models.detection.boxes import postprocess
    from models.detection.tracking import LOWEST_SCORE, draw_tracked

    tracked = tracker.update(postprocess(prediction, LOWEST_SCORE), prediction.size, seconds)
    boxes = draw_tracked(tracked, prediction.size)
    return {"boxes": boxes, "counts": tracker.counts(tracked, prediction.labels)}
