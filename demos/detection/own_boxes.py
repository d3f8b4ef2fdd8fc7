"""Your own objects: draw boxes on a few frames, train for a minute, and find the thing with the camera."""

import html
import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.base import empty_strip, milliseconds
from demos.components.box_lessons import box_lessons
from demos.components.frame_boxes import frame_boxes, read_frames
from demos.components.live_overlay import live_overlay
from demos.detection.live import detect_frame
from demos.detection.shared import OWN, load_detection, private
from models import runtime, weights
from models.inputs import check_integer
from models.kept import Kept

if TYPE_CHECKING:
    from models.detection.own_boxes import Frame, Report, Training

TITLE = "Your own objects"
SECONDS = {"30 s": 30, "60 s": 60, "120 s": 120}
SECONDS_BETWEEN_LOOKS = 4.0
SHARE_OF_LOOKING = 0.25
TRAINING = {"concurrency_id": "detection-training", "concurrency_limit": 1}

HOW = """A detector that knows 25 things has learned what makes a thing a thing, and where it ends. Teaching it one more
takes a few frames: show it to the camera in different places, draw a box around it in each, press Train."""

MEANING = """The backbone stays as it is and reads every frame once, and seven changed copies of it (moved, scaled,
mirrored, relit). On what it has read, projector, decoder and heads go on learning by the loss of the full training:
each drawn box is matched with one query, all other queries learn to say “nothing”. Only the class scores begin anew, as
the mean of the old classes. The detector forgets its 25 things, and your frames are forgotten with the training; the
new detector stays in the server's memory for a while, under a name that only this page knows."""

_running: "Kept[Training]" = Kept(8)


def compute_own_boxes(drawn: Any, seconds: Any) -> Iterator[tuple[Any, Any, str, Any]]:
    """Train on what was drawn. Yields (lessons, name for the live view, strip, name of the running training)."""
    seconds = check_integer(seconds, name="The seconds", low=1, high=max(SECONDS.values()))
    pictures = read_frames(drawn)
    from models.detection.own_boxes import Training, check_frames

    labels, frames = check_frames(pictures)
    yield gr.skip(), gr.skip(), empty_strip("Loading the detector …"), gr.skip()
    loaded = load_detection(_embedded())
    training = Training(loaded.network, labels, frames, seconds=seconds)
    name = _running.put(training)
    for done in training.read():
        strip = empty_strip(f"The backbone reads the frames and changed copies: {done} of {training.pictures} …")
        yield gr.skip(), gr.skip(), strip, name
        if training.stopped:
            return
    yield from _watch(training, frames, loaded, name)


def _embedded() -> str:
    return next(name for name in weights.offered("detection") if weights.find(name).kind == "embedded")


def _watch(
    training: "Training", frames: "list[Frame]", loaded: runtime.Loaded, name: str
) -> Iterator[tuple[Any, Any, str, Any]]:
    """The training as a growing figure: loss once a second, the detector's answers every few seconds and at the end."""
    from demos.views.own_boxes import draw_frames, draw_losses

    reports: list[Report] = []
    view: dict[str, Any] = {"run": secrets.token_hex(4), "frames": draw_frames(frames, training.labels)}
    view |= {"rounds": [], "losses": []}
    due = shown = 0.0
    for report in training.fit():
        reports.append(report)
        if report.seconds > due:
            began = time.monotonic()
            view = {**view, "rounds": [*view["rounds"], _look(training, report)]}
            due = report.seconds + max(SECONDS_BETWEEN_LOOKS, (time.monotonic() - began) / SHARE_OF_LOOKING)
            shown = 0.0
        if report.seconds > shown + 1:
            shown = report.seconds
            yield {**view, "losses": draw_losses(reports)}, gr.skip(), _strip(training, reports), name
    view = {**view, "rounds": [*view["rounds"], _look(training, reports[-1])], "losses": draw_losses(reports)}
    own = OWN.put(_described(training, loaded), f"own-{secrets.token_urlsafe(16)}")
    yield view, own, _strip(training, reports, over=True), name


def _look(training: "Training", report: "Report") -> dict[str, Any]:
    from demos.views.own_boxes import draw_round
    from models.detection.network import predict

    detector = training.detector()
    return draw_round(report, [predict(detector, frame.image, reduced=True) for frame in training.frames])


def _described(training: "Training", loaded: runtime.Loaded) -> runtime.Loaded:
    title = f"yours: {', '.join(training.labels)}"
    entry = weights.Weights("own", "detection", title, "session", "trained by you", "yours")
    network = training.detector()
    parameters = sum(p.numel() for p in network.parameters())
    return runtime.Loaded("own", network, entry, parameters, 4 * parameters, loaded.device)


def _strip(training: "Training", reports: "list[Report]", *, over: bool = False) -> str:
    last = reports[-1]
    facts = {
        "model": "RF-DETR, its backbone frozen",
        "learning": f"{training.learning / 1e6:.3g} M parameters",
        "device": "cpu",
        "frames": f"{len(training.frames)} and {training.pictures - len(training.frames)} changed copies",
        "step": f"{last.step:,}",
        "time": f"{last.seconds:.0f} of {training.seconds:.0f} s",
        "a step": milliseconds(last.seconds / last.step),
    }
    cells = "".join(f"<span><b>{html.escape(key)}</b> {html.escape(value)}</span>" for key, value in facts.items())
    extra = '<span class="gb-strip-note">Training is over: start the camera below.</span>' if over else ""
    return f'<div class="gb-strip" role="status">{cells}{extra}</div>'


def stop_training(name: Any) -> None:
    """End the visitor's own training after its present step; what it has learned is kept."""
    training = _running.get(name)
    if training is not None:
        training.stopped = True


def build(model: gr.Dropdown, threshold: gr.Slider) -> None:
    """The page: frames to draw on, the training, the camera with the new detector."""
    running = gr.State("")
    gr.Markdown(HOW, elem_classes="gb-lead")
    drawn = frame_boxes(elem_id="detection-own-frames")
    with gr.Row():
        with gr.Column(scale=2, min_width=220):
            seconds = gr.Radio(list(SECONDS.items()), value=60, label="How long", elem_id="detection-own-seconds")
            with gr.Row():
                run = gr.Button("Train", variant="primary", min_width=110, elem_id="detection-own-train")
                stop = gr.Button("Stop", min_width=80, elem_id="detection-own-stop")
        with gr.Column(scale=5, min_width=300):
            strip = gr.HTML(empty_strip("The detector (26 M parameters, 53 MB) is loaded with the first training."))
            lessons = box_lessons(elem_id="detection-own-lessons")
    gr.Markdown("### Use it", elem_classes="gb-note")
    live = live_overlay("detection-own-live", detect_frame, _embedded())
    gr.Markdown("Before a training the camera shows what the embedded model sees.", elem_classes="gb-note")
    gr.Markdown(MEANING, elem_classes="gb-note")
    run.click(compute_own_boxes, [drawn, seconds], [lessons, live, strip, running], **private(), **TRAINING)
    stop.click(stop_training, running, None, **private())
