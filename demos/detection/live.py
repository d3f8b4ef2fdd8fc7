"""The live camera: frames go up, boxes come back and are drawn over the moving video."""

import base64
import binascii
import time
from functools import cache, partial
from typing import Any

import gradio as gr
import numpy as np

from demos.address import keeps
from demos.base import log, milliseconds, usable_model
from demos.detection.frames import MAX_FRAME_BYTES, TURNS, answer, detect, open_stream
from demos.detection.media import CLIP, CLIP_ADDRESS
from demos.finding import finding_line, html_of_finding
from demos.inputs.keeping import FRAMES, say_how_long
from demos.opening import opens
from demos.tab import LIGHT, private
from demos.ui import component
from models import weights
from models.errors import InputError, SpokenError
from models.inputs import check_flag, check_number, check_text

TITLE = "The live camera"
SIGNS, EVERYDAY = "rf-detr-s14-objects", "rf-detr-s14-everyday"
ANSWER_SECONDS = 30


def detect_frame(request: object, visitor: gr.Request | None = None) -> dict[str, Any]:
    """Answer one frame by a POST: the way that is left where no WebSocket can be opened. Nothing is tracked here.

    See `demos/ui/pieces/live_transport.js` for request and answer. Mistakes and defects come back as
    `{"error": sentence}`.
    Frames of one address have one place in the line, so the earlier of two comes back as `{"busy": True}`.
    """
    arrived = time.perf_counter()
    address = visitor.client.host if visitor and visitor.client else ""
    try:
        jpeg, model, wants_facts = _checked_frame(request)
        stream = open_stream(model)
        work = partial(detect, stream, jpeg, time.perf_counter())
        found = TURNS.submit(address, work).result(ANSWER_SECONDS)
        boxes: dict[str, Any] = answer(found) if found else {"busy": True}
    except SpokenError as problem:
        return {"error": str(problem)}
    except Exception:
        log.exception("defect while answering a frame")
        return {"error": "Something went wrong on our side; the app goes on."}
    if not found:
        return boxes
    boxes["server_seconds"] = round(time.perf_counter() - arrived, 4)
    return boxes | (stream.facts() if wants_facts else {"note": stream.note})


def _checked_frame(request: object) -> tuple[bytes, str, bool]:
    """The JPEG's bytes, the model's name and whether the facts are wanted. Raises `InputError` for anything else."""
    if not isinstance(request, dict):
        raise InputError("A frame must be sent as a JSON object with jpeg, model and facts.")
    too_large = MAX_FRAME_BYTES * 4 // 3 + 4
    text = check_text(request.get("jpeg"), name="The frame", max_chars=too_large)
    model = check_text(request.get("model"), name="The model", max_chars=100)
    facts = check_flag(request.get("facts", False), name="facts")
    try:
        return base64.b64decode(text, validate=True), model, facts
    except (binascii.Error, ValueError):
        raise InputError("The frame is not valid base64.") from None


def view_live_model(model: object) -> str:
    """Hand the chosen model's name to the live view, which answers by another one while it is not here."""
    return weights.find(model, "detection").name


def choose_everyday() -> str:
    """The model that knows people, and a few things around them."""
    return EVERYDAY


@cache
def clip_frame() -> np.ndarray:
    """The first frame of the example clip, `[height, width, 3]` uint8."""
    from models.detection.video import first_frame

    return first_frame(CLIP)[0].image


def compute_still(model: object, threshold: object) -> tuple[Any, str]:
    """What the detector says of a frame of the example clip: (the frame with its boxes, one sentence)."""
    threshold = check_number(threshold, name="The threshold", low=0, high=1)
    name, _ = usable_model(model, "detection")
    from demos.views.detection import view_of_still
    from demos.views.detection_found import sentence_of_frame
    from models.detection.boxes import postprocess
    from models.detection.detect import find_boxes

    image = clip_frame()
    found = find_boxes(name, image)
    boxes = postprocess(found.prediction, threshold)
    said = sentence_of_frame(boxes.names, boxes.scores.tolist(), threshold, milliseconds(found.run.seconds))
    return view_of_still(image, found.prediction), html_of_finding(said)


def build(model: gr.Dropdown, threshold: gr.Slider) -> None:
    """The page: the camera with its boxes. The threshold reaches it in the browser."""
    finding = finding_line("detection-live-finding")
    overlay = component(
        "live_overlay",
        model.value,
        server_functions=[detect_frame],
        events=("others",),
        known=SIGNS,
        clip=CLIP_ADDRESS,
        linked=True,
        elem_id="detection-live",
    )
    say_how_long(FRAMES)
    still = component("shared_value", taken=False, shares="still")
    keeps(model=model, threshold=threshold, looks=("line", "zone"))
    model.change(view_live_model, model, overlay, **private(), **LIGHT)
    overlay.others(choose_everyday, None, model, **private(), **LIGHT)
    opens(compute_still, [model, threshold], [still, finding])
