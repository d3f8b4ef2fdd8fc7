"""A video file: its frames through the detector, watched as they are done; the annotated video and the boxes."""

import hashlib
import html
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from demos.address import keeps
from demos.base import empty_strip, facts_of, milliseconds, usable_model
from demos.detection.frames import TURNS, open_stream
from demos.detection.media import CLIP
from demos.finding import finding_line, forgets, html_of_finding
from demos.inputs.uploaded_files import UploadedFiles
from demos.opening import opens
from demos.tab import LIGHT, LONG, Queue, fold, payload, private
from demos.ui import component
from demos.wire import picture
from models.errors import InputError
from models.inputs import check_number
from models.store import Store
from models.video import FRAMES_A_SECOND, MAX_FILE_BYTES, MAX_SECONDS, WHOLE, Segment, check_segment

if TYPE_CHECKING:
    from demos.detection.frames import Stream
    from demos.views.detection import MarksView
    from models.compute import Run
    from models.detection.boxes import Prediction
    from models.detection.tracking import Watched
    from models.detection.video import VideoProgress, VideoRun, VideoStep
    from models.video import VideoFile

TITLE = "A video file"
SHOWN_EVERY_SECONDS = 0.2
ACROSS = [[0.1, 0.5], [0.9, 0.5]]
"""The line over the example clip."""
SECONDS_BETWEEN_STRIPS = 1.0
ONE_VIDEO = Queue(concurrency_id="detection-video", concurrency_limit=1)
MAX_RUNNING = 32
MAX_RUNNING_SECONDS = 1800

LEAD = f"""Up to {MAX_SECONDS // 60} minutes and {MAX_FILE_BYTES // 2**20} MB as MP4, MOV, WebM or AVI. Of every second
{FRAMES_A_SECOND} frames are looked at, whatever the video has; boxes above the threshold are drawn, things keep their
ids from frame to frame, and what crosses a line or stands in a zone is counted, as over the live camera: over all of
the video, or from one second to another. One video is processed at a time, its frames in turn with those of live
visitors."""

FILES = """The annotated video has no sound, and of your video the part that was chosen. The boxes are in pixels of your
video as it is shown: as COCO JSON (one image a frame that was looked at; scores and track ids beside the standard
fields) and as CSV (one row a box). Frames bear their number in your whole video, from 1, and the second at which they
are shown."""

Shown = tuple[Any, str, Any, Any, str]

_cancelled: Store[threading.Event] = Store(
    "running videos", MAX_RUNNING, size=lambda _: 1, gone="This run is over.", max_age=MAX_RUNNING_SECONDS
)
"""Each running video's wish to be cancelled."""


def compute_video(
    files: list[str], model: object, threshold: object, marks: object, start: object = 0, end: object = 0
) -> Iterator[Shown]:
    """Process a video from second `start` to second `end` (0: its end).

    Yields (preview, strip, annotated video, files, name of the run), files and video at the end.
    """
    watched, segment = check_watched(threshold, marks), check_segment(start, end)
    if not files:
        raise InputError("There is no video yet: upload one or take the example.")
    cancelled = threading.Event()
    name = _cancelled.put(cancelled)
    try:
        yield "", empty_strip("Opening the video and loading the model …"), None, None, name
        yield from ((*shown, name) for shown in _process(files[0], model, watched, segment, cancelled))
    finally:
        _cancelled.discard(name)


def check_watched(threshold: object, marks: object) -> "Watched":
    """What is to be watched: `marks` is `{"line", "zone"}` in shares of the picture, or nothing."""
    from models.detection.tracking import Watched, check_line, check_zone

    if not isinstance(marks, dict):
        marks = {}
    threshold = check_number(threshold, name="The threshold", low=0, high=1)
    return Watched(threshold, check_line(marks.get("line")), check_zone(marks.get("zone")))


def view_marks(event: gr.EventData) -> dict[str, Any]:
    """Line and zone as the visitor has set them, checked."""
    marks = {name: payload(event, name) for name in ("line", "zone")}
    check_watched(0, marks)
    return marks


def view_chosen(files: list[str], start: object, end: object) -> tuple[Any, Any, Any]:
    """(frame for line and zone, start, end) of a video just chosen: all of it where it has no such part.

    Raises `InputError` for what is no video.
    """
    if not files:
        return gr.skip(), gr.skip(), gr.skip()
    whole = _view_of_start(files[0], WHOLE)
    try:
        return _view_of_start(files[0], check_segment(start, end)), gr.skip(), gr.skip()
    except InputError:
        return whole, 0, 0


def view_start(files: list[str], start: object, end: object) -> Any:
    """The frame at which a part begins, while its numbers are typed: whether they are right is told by Process."""
    try:
        return _view_of_start(files[0], check_segment(start, end)) if files else gr.skip()
    except InputError:
        return gr.skip()


def _view_of_start(path: str | Path, segment: Segment, watched: "Watched | None" = None) -> "MarksView":
    from demos.views.detection import view_of_frame
    from models.detection.video import first_frame

    return view_of_frame(*first_frame(path, segment), watched)


def _process(
    path: str, model: object, watched: "Watched", segment: Segment, cancelled: threading.Event
) -> Iterator[tuple[Any, str, Any, Any]]:
    from models.detection.video import COCO, CSV, VIDEO, VideoRun

    stream = open_stream(model)
    cache = Path(get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache))
    run = VideoRun(path, folder, watched, segment)
    preview = ""
    for preview, strip in _watch(run, stream, cancelled):
        yield preview, strip, None, None
    if cancelled.is_set():
        yield preview, empty_strip("Stopped."), None, None
        return
    paths = [str(folder / file) for file in (VIDEO, COCO, CSV)]
    yield preview, _strip(run, stream), paths[0], paths


def compute_opening(
    model: object, threshold: object, marks: object, start: object = 0, end: object = 0
) -> Iterator[tuple[Any, ...]]:
    """The example clip as it is processed, once for all who look. Yields (marks, finding, preview, strip, video,
    files); without line and zone, a line lies across it.
    """
    watched, segment = check_watched(threshold, marks or {"line": ACROSS}), check_segment(start, end)
    name, note = usable_model(model, "detection")
    skip = gr.skip()
    yield skip, skip, skip, empty_strip("Opening the example clip and loading the model …"), skip, skip
    from models.detection.video import watch_video

    shown = 0.0
    yield _view_of_start(CLIP, segment, watched), skip, skip, skip, skip, skip
    for step in watch_video(name, str(CLIP), watched, segment):
        if step.files:
            paths = _written(step.files)
            strip = _strip_of(step.run, step.runtime, step.frames, step.model_seconds, note)
            yield skip, html_of_finding(sentence_of_video(step)), _still(step), strip, paths[0], paths
        elif step.image is not None:
            yield skip, skip, _still(step), skip, skip, skip
        elif (now := time.perf_counter()) - shown > SECONDS_BETWEEN_STRIPS:
            shown = now
            said = f"The example clip is being watched: {step.seconds:.1f} of {step.length:.1f} s …"
            yield skip, skip, skip, empty_strip(said), skip, skip


def sentence_of_video(step: "VideoProgress") -> str:
    """How many ids a clip took for how many things, and what crossed the line."""
    seen = step.counts["seen"]
    ids = sum(seen.values())
    kept = "each keeps its id" if ids == step.things else f"{ids - step.things} lost theirs and got another"
    names = ", ".join(f"{count} {name}" for name, count in sorted(seen.items()))
    return (
        f"The example clip: in {step.frames} frames of {step.length:.1f} seconds at most {step.things} things are seen "
        f"at once, and {ids} ids were given ({names}): {kept}.{_counted(step.counts)}"
    )


def _counted(counts: dict[str, dict[str, int]]) -> str:
    """What crossed the line and stands in the zone, as sentences; "" where there is neither."""

    def said(name: str) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in sorted(counts[name].items())) or "nothing"

    over = f" Over the line went in: {said('in')}; out: {said('out')}." if "in" in counts else ""
    return over + (f" In the zone now: {said('zone')}." if "zone" in counts else "")


def _still(step: "VideoProgress") -> str:
    from demos.views.detection import shrunk

    assert step.image is not None, "the first step and the last have a frame"
    return (
        f'<figure class="gb-video"><img src="{picture(shrunk(step.image), "jpeg")}" alt="A frame of the example clip">'
        f"<figcaption>{step.seconds:.1f} of {step.length:.1f} s of the example clip.</figcaption></figure>"
    )


def _written(files: dict[str, bytes]) -> list[str]:
    """Paths of files in Gradio's cache: equal contents have one place, however many visitors are shown them."""
    folder = Path(get_upload_folder()) / hashlib.sha256(b"".join(files.values())).hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if not (folder / name).exists():
            (folder / name).write_bytes(content)
    return [str(folder / name) for name in files]


def cancel_video(name: object) -> None:
    """End a run of one's own before its next frame; unknown names are none of anybody's business."""
    if name in _cancelled:
        _cancelled.find(name).set()


def _watch(run: "VideoRun", stream: "Stream", cancelled: threading.Event) -> Iterator[tuple[str, str]]:
    """The run as it goes, until it ends or is cancelled: some frames a second, and the last one."""
    began = shown = time.perf_counter()
    steps = run.steps(partial(_answer, object(), stream))
    try:
        step = None
        for step in steps:
            if cancelled.is_set():
                break
            if (now := time.perf_counter()) - shown > SHOWN_EVERY_SECONDS:
                shown = now
                yield _preview(step, run.video, now - began), _strip(run, stream)
        if step:
            over = not cancelled.is_set()
            yield _preview(step, run.video, time.perf_counter() - began, going=False, over=over), _strip(run, stream)
    finally:
        steps.close()  # pyright: ignore[reportAttributeAccessIssue]  # a generator: lets go of the files at once


def _answer(visitor: object, stream: "Stream", image: np.ndarray) -> "tuple[Prediction, str]":
    """A frame's prediction and what ran it, in turn with the frames of all other visitors."""
    from models.detection.detect import find_in_frame

    while (found := TURNS.submit(visitor, partial(find_in_frame, stream.model, image)).result()) is None:
        time.sleep(SHOWN_EVERY_SECONDS)
    return found.prediction, found.runtime


def _preview(step: "VideoStep", video: "VideoFile", spent: float, *, going: bool = True, over: bool = False) -> str:
    """A frame with how far a run has come in `spent` seconds; over: it was the last one."""
    from demos.views.detection import shrunk

    start, done = video.segment.start, video.passed(step.seconds)
    length = done if over else video.length
    share = min(1.0, done / length) if length else 0.0
    left = f", about {spent / share - spent:.0f} s left" if going and 0.02 < share < 1 else ""
    of = f" of {length:.1f}" if length else ""
    begun = f" from second {start:g} on" if start else ""
    seen = ", ".join(f"{count} {name}" for name, count in sorted(step.counts["seen"].items())) or "nothing yet"
    counted = html.escape(f"Ids so far: {seen}.{_counted(step.counts)}")
    return (
        f'<figure class="gb-video"><img src="{picture(shrunk(step.image), "jpeg")}" alt="The frame just processed">'
        f'<div role="progressbar" aria-label="Progress" aria-valuenow="{share * 100:.0f}">'
        f'<i style="width: {100 * share:.1f}%"></i></div>'
        f"<figcaption>{done:.1f}{of} s of the video{begun} after {spent:.1f} s{left}. {counted}</figcaption>"
        "</figure>"
    )


def _strip(run: "VideoRun", stream: "Stream") -> str:
    note = " ".join(filter(None, (stream.note, run.video.note)))
    return _strip_of(stream.run, run.runtime, len(run.records), run.model_seconds, note)


def _strip_of(run: "Run", runtime: str, frames: int, seconds: float, note: str) -> str:
    facts = [
        *facts_of(run),
        ("runtime", runtime),
        ("frames", str(frames)),
        ("last frame answered in", milliseconds(seconds)),
    ]
    cells = "".join(f"<span><b>{html.escape(name)}</b> {html.escape(value)}</span>" for name, value in facts)
    extra = f'<span class="gb-strip-note">{html.escape(note)}</span>' if note else ""
    return f'<div class="gb-strip" role="status">{cells}{extra}</div>'


def build(model: gr.Dropdown, threshold: gr.Slider) -> None:
    """The page: the file, what is made of it while it is made, the results."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            with fold("Your video"):
                file = UploadedFiles(
                    label="Your video",
                    file_count="single",
                    file_types=["video"],
                    height=160,
                    elem_id="detection-video-file",
                )
                example = gr.Button("Four things wandering", size="sm")
            with gr.Row():
                process = gr.Button("Process", variant="primary", min_width=100)
                cancel = gr.Button("Stop", min_width=100)
            with fold("A part of it"):
                start, end = _segment()
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("detection-video-finding")
            marks_view = component("video_marks", taken=False, events=["marked"], elem_id="detection-video-marks")
            preview = gr.HTML(elem_id="detection-video-preview")
            strip = gr.HTML(empty_strip("Nothing was processed yet."), elem_id="detection-video-strip")
            video = gr.Video(label="The annotated video", interactive=False, elem_id="detection-video-result")
            results = gr.File(
                label="To keep", interactive=False, file_count="multiple", elem_id="detection-video-files"
            )
    gr.Markdown(FILES, elem_classes="gb-note")
    running, marks = gr.State(""), gr.JSON(visible=False)
    keeps(model=model, threshold=threshold, start=start, end=end, looks=("line", "zone"))
    given = [model, threshold, marks, start, end]
    outputs = [preview, strip, video, results, running]
    marks_view.marked(view_marks, None, marks, **private(), **LIGHT)
    segment = [file, start, end]
    chosen = file.change(view_chosen, segment, [marks_view, start, end], **private(), **LIGHT)
    chosen.failure(None, None, file, js="() => null", **private())  # what was refused once is not there to be processed
    start.input(view_start, segment, marks_view, trigger_mode="always_last", **private(), **LIGHT)
    process.click(compute_video, [file, *given], outputs, **private(), **ONE_VIDEO)
    forgets(file.change, finding)
    opens(compute_opening, given, [marks_view, finding, *outputs[:-1]], queue=LONG)
    cancel.click(cancel_video, running, None, queue=False, **private())
    example.click(partial(str, CLIP), None, file, queue=False, **private())


def _segment() -> tuple[gr.Number, gr.Number]:
    """Where the part that is looked at begins and ends, in seconds."""
    within: dict[str, Any] = {"minimum": 0, "maximum": MAX_SECONDS, "step": 0.1, "min_width": 100}
    with gr.Row():
        start = gr.Number(0, label="From second", elem_id="detection-video-start", **within)
        end = gr.Number(0, label="To second (0: end)", elem_id="detection-video-end", **within)
    return start, end
