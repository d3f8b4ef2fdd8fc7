"""Detection: a picture or the live camera goes in, a set of boxes comes out, and every box says where it looked."""

import base64
import binascii
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demos.base import Demo, empty_strip, log, model_facts, run_strip, usable_model, visitor_errors
from demos.components.box_figure import box_figure
from demos.components.live_overlay import live_overlay
from demos.components.uploaded_image import UploadedImage
from models import runtime, weights
from models.errors import InputError, WeightsError
from models.images import read_image
from models.inputs import check_flag, check_number, check_text

MEDIA = Path(__file__).resolve().parent.parent / "assets" / "media"
EXAMPLES = {
    "Ten things": MEDIA / "detection-1.png",
    "Six things": MEDIA / "detection-2.png",
    "In the dark": MEDIA / "detection-3.png",
}
THRESHOLD = 0.5
MAX_FRAME_BYTES = 300_000
MAX_FRAME_SIDE = 1280
JPEG_START = b"\xff\xd8\xff"

LEAD = """A detector answers two questions at once: what is in the picture, and where. The model trained here knows 25
things: hand signs for the digits 0 to 9, six playing cards (nine to ace) and nine kinds of game sprite."""

MEANING = r"""RF-DETR cuts the picture into patches, turns them into features with a DINOv2 vision transformer, and lets
100 object queries look at a few points each. Every query answers with one box and a score for every class: there is no
grid of anchors, and nothing is suppressed afterwards. In training each true object $i$ is matched with one query
$\sigma(i)$, by the assignment that costs least in class, distance and overlap of the boxes:

$$\begin{aligned}\hat\sigma = \arg\min_{\sigma} \textstyle\sum_i \big[\; & c_{\text{class}}(i, \sigma(i)) \\
& + 5\,\lVert b_i - \hat b_{\sigma(i)} \rVert_1 \\
& - 2\,\mathrm{GIoU}(b_i, \hat b_{\sigma(i)}) \;\big]\end{aligned}$$"""

TRY = """- Move the threshold: the network has already answered, only the weaker answers come and go.
- Click a box: the dashed frame is where its query started, the dots are the few points it looked at, layer by layer.
- Turn on the camera and show a hand: three fingers, then a fist with the thumb between. Or hold up a queen.
- Show it something it was never taught, such as a face or a cup, and see what it takes it for."""

INLINE_AND_DISPLAY = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "$", "right": "$", "display": False},
]
THRESHOLD_JS = """(threshold) => {
  window.glassbox.detectionThreshold = threshold;
  document.dispatchEvent(new Event("detection-threshold"));
}"""


def _loaded(model: str) -> runtime.Loaded:
    from models.detection.network import load_detector

    return runtime.load(model, load_detector)


@runtime.gpu(duration=30)
def compute_boxes(path: str | None, model: Any) -> tuple[dict[str, Any] | None, str]:
    """Find every candidate in an uploaded picture. Returns (box figure, strip)."""
    with visitor_errors():
        name, note = usable_model(model, "detection")
        if path is None:
            return None, empty_strip("Upload a picture or take an example.")
        from demos.figures.detection import draw_boxes
        from models.detection.trace import trace_detection

        watch = runtime.Stopwatch()
        with watch("capture"):
            image = read_image(path)
        loaded = _loaded(name)
        with watch("model"):
            trace = trace_detection(loaded.network, image)
        with watch("drawing"):
            drawn = draw_boxes(trace, image)
        return drawn, run_strip(loaded, **watch.seconds, note=note)


@runtime.gpu(duration=30)
def detection_detect(image: str | None, threshold: float = THRESHOLD) -> dict[str, Any]:
    """Find hand signs (digit 0-9), playing cards (nine to ace) and game sprites in a picture.

    Args:
        image: PNG, JPEG, WebP or GIF of at most 10 MB and 16 megapixels.
        threshold: boxes with a score above it are returned, 0 to 1.

    Returns:
        {"model": name, "seconds": duration, "boxes_xyxy": [[left, top, right, bottom], ...] in pixels of the given
        picture, "labels": [...], "scores": [0..1, ...]}, best first.
    """
    with visitor_errors():
        threshold = check_number(threshold, name="The threshold", low=0, high=1)
        pixels = read_image(image)
        from models.detection.network import detect

        loaded = _loaded(weights.offered("detection")[0])
        start = time.perf_counter()
        found = detect(loaded.network, pixels, threshold)
        seconds = time.perf_counter() - start
        return {
            "model": loaded.name,
            "seconds": round(seconds, 4),
            "boxes_xyxy": [[round(float(value), 2) for value in box] for box in found.xyxy],
            "labels": [str(label) for label in found.data["class_name"]],
            "scores": [round(float(score), 4) for score in np.asarray(found.confidence)],
        }


_one_frame = threading.Lock()


def detect_frame(request: Any) -> dict[str, Any]:
    """Answer one camera frame; a frame that finds the model at work is dropped, never queued.

    See `demos.components.live_overlay` for request and answer. Mistakes and defects come back as `{"error": sentence}`.
    """
    start = time.perf_counter()
    if not _one_frame.acquire(blocking=False):
        return {"busy": True}
    try:
        answer = _answer_frame(request)
    except (InputError, WeightsError) as problem:
        return {"error": str(problem)}
    except Exception:
        log.exception("defect while answering a frame")
        return {"error": "Something went wrong on our side; the app goes on."}
    finally:
        _one_frame.release()
    return answer | {"server_seconds": round(time.perf_counter() - start, 4)}


def _answer_frame(request: Any) -> dict[str, Any]:
    image, model, wants_facts = _checked_frame(request)
    name, note = usable_model(model, "detection")
    from demos.figures.detection import draw_candidates
    from models.detection.network import predict

    loaded, watch = _loaded(name), runtime.Stopwatch()
    with watch("model"):
        prediction = predict(loaded.network, image, reduced=True)
    answer = {"boxes": draw_candidates(prediction), "seconds": round(watch.seconds["model"], 4), "note": note}
    return answer | ({"facts": model_facts(loaded)} if wants_facts else {})


def _checked_frame(request: Any) -> tuple[Any, str, bool]:
    """Pixels, model name and whether the facts are wanted. Raises `InputError` for anything but a small JPEG."""
    if not isinstance(request, dict):
        raise InputError("A frame must be sent as a JSON object with jpeg, model and facts.")
    too_large = MAX_FRAME_BYTES * 4 // 3 + 4
    text = check_text(request.get("jpeg"), name="The frame", max_chars=too_large)
    model = check_text(request.get("model"), name="The model", max_chars=100)
    facts = check_flag(request.get("facts", False), name="facts")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("The frame is not valid base64.") from None
    if not data.startswith(JPEG_START):
        raise InputError("A frame must be a JPEG picture.")
    image = read_image(data)
    if max(image.shape[:2]) > MAX_FRAME_SIDE:
        raise InputError(f"A frame may have at most {MAX_FRAME_SIDE} pixels a side.")
    return image, model, facts


def view_live_model(model: Any) -> str:
    """Hand the chosen model's name to the live view; a hub model begins to arrive."""
    with visitor_errors():
        usable_model(model, "detection")
        return str(model)


def build() -> None:
    """The tab: model and threshold above, a picture or the camera below, explanations last."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    names = weights.offered("detection")
    with gr.Row():
        model = gr.Dropdown(
            [(_choice(name), name) for name in names],
            value=weights.first_choice("detection", names[0]),
            label="Model",
            elem_id="detection-model",
            min_width=260,
        )
        threshold = gr.Slider(
            0,
            1,
            THRESHOLD,
            step=0.01,
            label="Threshold",
            info="Boxes with a higher score are shown; nothing is run again.",
            elem_id="detection-threshold",
            min_width=260,
        )
    with gr.Tabs():
        with gr.Tab("A picture"), gr.Row():
            with gr.Column(scale=2, min_width=260):
                image = UploadedImage(
                    label="Your picture",
                    type="filepath",
                    sources=["upload", "clipboard"],
                    height=260,
                    elem_id="detection-image",
                )
                with gr.Row():
                    examples = [gr.Button(name, size="sm", min_width=100) for name in EXAMPLES]
            with gr.Column(scale=5, min_width=300):
                figure = box_figure("detection-figure")
                strip = gr.HTML(
                    empty_strip("The model (26 M parameters, 53 MB) is loaded with the first picture."),
                    elem_id="detection-strip",
                )
        with gr.Tab("The live camera", elem_id="detection-live-tab"):
            live = live_overlay("detection-live", detect_frame, names[0])
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=INLINE_AND_DISPLAY)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The boxes as data", open=False):
        gr.Markdown("What the API answers for the picture and the threshold above, by the model trained here.")
        ask = gr.Button("Get the boxes", size="sm")
        answer = gr.JSON(label="Boxes in pixels of the picture")

    network = partial(dict, concurrency_id="detection", concurrency_limit=2)
    private = partial(dict, api_visibility="private", show_progress="hidden")
    image.change(compute_boxes, [image, model], [figure, strip], **network(), **private())
    model.input(compute_boxes, [image, model], [figure, strip], **network(), **private())
    model.input(view_live_model, model, live, **private())
    for button, path in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, path), None, image, queue=False, **private())
    threshold.change(None, threshold, None, js=THRESHOLD_JS, **private())
    ask.click(detection_detect, [image, threshold], answer, api_name="detection_detect", **network())


def _choice(name: str) -> str:
    entry = weights.find(name)
    return f"{entry.title}, from the hub" if entry.kind == "hub" else entry.title


DEMO = Demo("detection", "Detection", build)
