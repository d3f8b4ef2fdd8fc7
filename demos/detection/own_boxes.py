"""Your own objects: draw boxes on a few frames, train for a minute, and find the thing with the camera."""

import html
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, milliseconds
from demos.detection.live import detect_frame
from demos.inputs.frame_boxes import frame_boxes, read_frames
from demos.inputs.keeping import FRAMES, LEARNED, say_how_long
from demos.inputs.session_file import fresh_folder, session_file, the_file
from demos.tab import LIGHT, LONG, private
from demos.ui import component
from models import weights
from models.detection.own import OWN, RUNNING, is_own, keep
from models.errors import InputError
from models.inputs import check_choice, check_integer

if TYPE_CHECKING:
    from demos.views.own_boxes import LessonFrame, LessonRound, LessonsView
    from models.detection.own_boxes import Frame, Report
    from models.detection.teach import Lesson

TITLE = "Your own objects"
SECONDS = {"30 s": 30, "60 s": 60, "120 s": 120}
AUTOMATIC = "unless sides matter"
MIRROR: dict[str, bool | None] = {AUTOMATIC: None, "always": True, "never": False}
SECONDS_BETWEEN_EVENTS = 1.0

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
    running = RUNNING.put(threading.Event())
    try:
        yield gr.skip(), gr.skip(), empty_strip("Loading the detector …"), running
        watched, nothing = Watched(running, frames, labels, seconds), cast("tuple[Any, Any, str]", (gr.skip(),) * 3)
        for lesson in teach_detector(_embedded(), labels, frames, seconds, running, mirrored):
            yield *(watched.shown(lesson) or nothing), running  # every step: a visitor who has left stops the work here
    finally:
        RUNNING.discard(running)


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
    if name in RUNNING:
        RUNNING.find(name).set()


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


def build(model: gr.Dropdown, threshold: gr.Slider) -> None:
    """The page: frames to draw on, the training, the camera with the new detector."""
    running = gr.State("")
    gr.Markdown(HOW, elem_classes="gb-lead")
    drawn = frame_boxes(elem_id="detection-own-frames")
    say_how_long(LEARNED)
    with gr.Row():
        with gr.Column(scale=2, min_width=220):
            seconds = gr.Radio(list(SECONDS.items()), value=60, label="How long", elem_id="detection-own-seconds")
            mirror = gr.Radio(
                list(MIRROR),
                value=AUTOMATIC,
                label="Mirrored copies",
                info="They are wrong lessons where things differ by side, as left and right arrows do",
                elem_id="detection-own-mirror",
            )
            with gr.Row():
                run = gr.Button("Train", variant="primary", min_width=110, elem_id="detection-own-train")
                stop = gr.Button("Stop", min_width=80, elem_id="detection-own-stop")
        with gr.Column(scale=5, min_width=300):
            strip = gr.HTML(empty_strip("The detector (26 M parameters, 53 MB) is loaded with the first training."))
            lessons = component("box_lessons", elem_id="detection-own-lessons")
    keeps(seconds=seconds, mirror=mirror, threshold=threshold)
    gr.Markdown("### Use it", elem_classes="gb-note")
    live = component("live_overlay", _embedded(), server_functions=[detect_frame], elem_id="detection-own-live")
    say_how_long(FRAMES)
    gr.Markdown("Before a training the camera shows what the embedded model sees.", elem_classes="gb-note")
    kept = session_file("detection-own-file", "no frame is in it")
    gr.Markdown(MEANING, elem_classes="gb-note")
    run.click(compute_own_boxes, [drawn, seconds, mirror], [lessons, live, strip, running], **private(), **LONG)
    stop.click(stop_training, running, None, **private(), **LIGHT)
    kept.keep.click(save_own, live, kept.file, **private(), **LIGHT)
    kept.given.change(load_own, kept.given, [live, strip], **private(), **LIGHT)
