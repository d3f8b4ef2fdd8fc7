"""Your own objects: draw boxes on a few frames, train for a minute, and find the thing with the camera."""

import html
import json
import secrets
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import gradio as gr
import numpy as np

from demos.address import keeps
from demos.base import empty_strip, milliseconds, strip_of
from demos.detection.live import detect_frame
from demos.detection.media import CLIP
from demos.detection.taught import OPEN, Taught, show_taught
from demos.finding import finding_line, forgets, html_of_finding
from demos.inputs.frame_boxes import frame_boxes, frames_value, read_frames
from demos.inputs.keeping import FRAMES, LEARNED, say_how_long
from demos.inputs.session_file import fresh_folder, session_file, the_file
from demos.opening import opens
from demos.tab import LIGHT, LONG, private
from demos.ui import component
from models import stops, weights
from models.detection.own import OWN, is_own, keep
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number

if TYPE_CHECKING:
    from demos.views.own_boxes import LessonFrame, LessonRound, LessonsView
    from models.detection.own_boxes import Frame, Report
    from models.detection.teach import Lesson

TITLE = "Your own objects"
SECONDS = {"30 s": 30, "60 s": 60, "120 s": 120}
AUTOMATIC = "unless sides matter"
MIRROR: dict[str, bool | None] = {AUTOMATIC: None, "always": True, "never": False}
SECONDS_BETWEEN_EVENTS = 1.0

CLIP_FRAMES = (0, 30, 60)
NOT_TRAINED = "Nothing was trained yet: this is the detector as it comes, on frames of the example clip."

Shown = tuple[Any, Any, str, str]

HOW = """A detector that knows 25 things has learned what makes a thing a thing, and where it ends. Teaching it one more
takes a few frames: show it to the camera in different places, draw a box around it in each, press Train."""

MEANING = """The backbone stays as it is and reads every frame once, and seven changed copies of it (moved, scaled,
relit, and mirrored unless the things differ by side). On what it has read, projector, decoder and heads go on learning
by the loss of the full training: each drawn box is matched with one query, all other queries learn to say “nothing”.
Only the class scores begin anew, as the mean of the old classes. The detector forgets its 25 things; the new one
stays in the server's memory for a while, under a name that only this page knows."""


def compute_own_boxes(drawn: object, seconds: object, mirror: object = AUTOMATIC) -> Iterator[Shown]:
    """Train on what was drawn. Yields (lessons, name for the live view, strip, name of the running training)."""
    seconds = check_integer(seconds, name="The seconds", low=1, high=max(SECONDS.values()))
    mirrored = MIRROR[check_choice(mirror, list(MIRROR), name="The choice of mirrored copies")]
    pictures = read_frames(drawn)
    from models.detection.own_boxes import check_frames
    from models.detection.teach import teach_detector

    labels, frames = check_frames(pictures)
    running = secrets.token_urlsafe(16)
    try:
        yield gr.skip(), gr.skip(), empty_strip("Loading the detector …"), running
        watched, nothing = Watched(running, frames, labels, seconds), cast("tuple[Any, Any, str]", (gr.skip(),) * 3)
        for lesson in teach_detector(_embedded(), labels, frames, seconds, running, mirrored):
            yield *(watched.shown(lesson) or nothing), running  # every step: a visitor who has left stops the work here
    finally:
        stops.forget(running)


@cache
def clip_frames() -> list[tuple[np.ndarray, list[tuple[list[float], object]]]]:
    """Frames of the example clip, each with the boxes (in shares of it) and names of what wanders there."""
    from models.video import VideoFile

    truth = json.loads(CLIP.with_suffix(".json").read_text(encoding="utf-8"))
    frames = VideoFile(CLIP).frames()
    images = {frame.index: frame.image for frame in frames if frame.index in CLIP_FRAMES}
    return [(image, _drawn_on(image, truth["boxes_xyxy"][index], truth["labels"])) for index, image in images.items()]


def _drawn_on(image: np.ndarray, boxes: list[list[float]], labels: list[str]) -> list[tuple[list[float], object]]:
    sides = (image.shape[1], image.shape[0]) * 2
    return [
        ([x / side for x, side in zip(box, sides, strict=True)], name) for box, name in zip(boxes, labels, strict=True)
    ]


def compute_example() -> dict[str, Any]:
    """Frames of the example clip with boxes drawn on them, to be taught."""
    return frames_value(clip_frames())


def compute_opening(threshold: object) -> tuple[Any, str, str]:
    """What the detector says of frames of the example clip before any training: (lessons, strip, finding)."""
    threshold = check_number(threshold, name="The threshold", low=0, high=1)
    from demos.views.own_boxes import LessonsView, sentence_before, view_before, view_of_frames
    from models.detection.detect import find_boxes
    from models.detection.own_boxes import check_frames

    labels, frames = check_frames(clip_frames())
    answers = [find_boxes(_embedded(), frame.image) for frame in frames]
    predictions = [answer.prediction for answer in answers]
    view = LessonsView("", view_of_frames(frames, labels), view_before(predictions), [])
    said = sentence_before(frames, labels, predictions, threshold)
    return view, strip_of(answers[-1].run, note=NOT_TRAINED), html_of_finding(said)


def _embedded() -> str:
    return next(name for name in weights.offered("detection") if weights.find(name).kind == "embedded")


class Watched:
    """A training as the page shows it: the loss once a second, the detector's answers when there are new ones."""

    def __init__(self, run: str, frames: "list[Frame]", labels: tuple[str, ...], seconds: float) -> None:
        from demos.views.own_boxes import view_of_frames

        self._run, self._seconds = run, seconds
        self._frames: list[LessonFrame] = view_of_frames(frames, labels)
        self._reports: list[Report] = []
        self._round: LessonRound | None = None
        self._rounds, self._shown = 0, 0.0

    def shown(self, lesson: "Lesson") -> "tuple[Any, Any, str] | None":
        """Lessons, name for the live view and strip; None where nothing new need be shown."""
        if lesson.report is None:
            reading = f"The backbone reads the frames and changed copies: {lesson.read} of {lesson.pictures} …"
            return gr.skip(), gr.skip(), empty_strip(reading)
        if not self._reports or self._reports[-1] is not lesson.report:
            self._reports.append(lesson.report)
        just_shown = lesson.report.seconds < self._shown + SECONDS_BETWEEN_EVENTS
        if lesson.answers is None and (just_shown or self._round is None):
            return None
        self._shown = lesson.report.seconds
        own = keep(lesson.learned) if lesson.learned else gr.skip()
        return self._view(lesson), own, self._strip(lesson)

    def _view(self, lesson: "Lesson") -> "LessonsView":
        from demos.views.own_boxes import LessonsView, mean_losses, view_of_round

        if lesson.answers is not None:
            self._round = view_of_round(self._rounds, self._reports[-1], lesson.answers)
            self._rounds += 1
        assert self._round is not None
        return LessonsView(self._run, self._frames, self._round, mean_losses(self._reports))

    def _strip(self, lesson: "Lesson") -> str:
        last, frames = self._reports[-1], len(self._frames)
        facts = {
            "model": "RF-DETR, its backbone frozen",
            "learning": f"{lesson.learning / 1e6:.3g} M parameters",
            "device": lesson.run.device,
            "frames": f"{frames} and {lesson.pictures - frames} changed copies, "
            f"{'every second mirrored' if lesson.mirror else 'none mirrored'}",
            "step": f"{last.step:,}",
            "time": f"{last.seconds:.0f} of {self._seconds:.0f} s",
            "a step": milliseconds(last.seconds / last.step),
        }
        cells = "".join(f"<span><b>{html.escape(key)}</b> {html.escape(value)}</span>" for key, value in facts.items())
        over = '<span class="gb-strip-note">Training is over: start the camera below.</span>' if lesson.learned else ""
        return f'<div class="gb-strip" role="status">{cells}{over}</div>'


def stop_training(name: object) -> None:
    """End the visitor's own training after its present step; what it has learned is kept."""
    stops.ask(name)


def save_own(name: object) -> Any:
    """The detector of the live view as a file in Gradio's cache."""
    if not is_own(name):
        raise InputError("There is no detector of your own yet: train one first.")
    learned = OWN.find(name)
    from models.detection import own_file

    return gr.update(value=str(own_file.save(learned, fresh_folder())), visible=True)


def load_own(files: list[str]) -> tuple[Any, Any]:
    """A detector that was kept as a file: (its name for the live view, strip)."""
    if not files:
        return gr.skip(), gr.skip()
    from models.detection import own_file

    name = own_file.load(the_file(files))
    return name, empty_strip(f"Loaded: {', '.join(OWN.find(name).labels)}. Start the camera above.")


def build(model: gr.Dropdown, threshold: gr.Slider, taught: Taught) -> None:
    """The page: frames to draw on, the training, the camera with the new detector."""
    running = gr.State("")
    gr.Markdown(HOW, elem_classes="gb-lead")
    finding = finding_line("detection-own-finding")
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            drawn = frame_boxes(elem_id="detection-own-frames")
            say_how_long(LEARNED)
            with gr.Row():
                run = gr.Button("Train", variant="primary", min_width=110, elem_id="detection-own-train")
                stop = gr.Button("Stop", min_width=80, elem_id="detection-own-stop")
            example = gr.Button(
                "Take an example: frames of a clip, with boxes", size="sm", elem_id="detection-own-example"
            )
            seconds = gr.Radio(list(SECONDS.items()), value=60, label="How long", elem_id="detection-own-seconds")
            mirror = gr.Radio(
                list(MIRROR),
                value=AUTOMATIC,
                label="Mirrored copies",
                info="They are wrong lessons where things differ by side, as left and right arrows do",
                elem_id="detection-own-mirror",
            )
        with gr.Column(scale=4, min_width=300):
            lessons = component("box_lessons", elem_id="detection-own-lessons")
            strip = gr.HTML(empty_strip("The detector (26 M parameters, 53 MB) is loaded with the first training."))
    keeps(seconds=seconds, mirror=mirror, threshold=threshold)
    gr.Markdown("### Use it", elem_classes="gb-note")
    live = component("live_overlay", _embedded(), server_functions=[detect_frame], elem_id="detection-own-live")
    say_how_long(FRAMES)
    gr.Markdown("Before a training the camera shows what the embedded model sees.", elem_classes="gb-note")
    why = gr.Button("Look into it: why this box?", size="sm", elem_id="detection-own-why")
    kept = session_file("detection-own-file", "no frame is in it")
    gr.Markdown(MEANING, elem_classes="gb-note")
    run.click(compute_own_boxes, [drawn, seconds, mirror], [lessons, live, strip, running], **private(), **LONG)
    forgets(run.click, finding)
    example.click(compute_example, None, drawn, **private(), **LIGHT)
    opens(compute_opening, [threshold], [lessons, strip, finding])
    stop.click(stop_training, running, None, **private(), **LIGHT)
    shown = why.click(show_taught, [live, drawn], [taught.name, taught.picture], **private(), **LIGHT)
    shown.success(None, None, None, js=OPEN, **private())
    kept.keep.click(save_own, live, kept.file, **private(), **LIGHT)
    kept.given.change(load_own, kept.given, [live, strip], **private(), **LIGHT)
