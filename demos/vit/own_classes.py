"""Your own classes: collect pictures, train a new head in seconds, watch it learn, then try it on the webcam."""

import html
import io
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from demos.base import empty_strip, log, milliseconds, visitor_errors
from demos.components.class_board import class_board
from demos.components.class_collector import class_collector, classes_value, read_classes, read_picture
from demos.components.class_trial import class_trial
from demos.inputs.uploaded_files import UploadedFiles
from demos.vit.shared import EMBEDDED, load_vit, private
from models import runtime
from models.errors import InputError, WeightsError
from models.images import over_background, read_image
from models.inputs import check_choice, check_integer, check_number, check_text
from models.kept import Kept

if TYPE_CHECKING:
    from models.vit.own_classes import Examples, OwnClassifier, Report, Settings, Training

TITLE = "Your own classes"
BACKBONES = {"fine-tuned on 101 categories": EMBEDDED, "before fine-tuning, no labels": "dinov2-s14-saliency"}
BLOCKS = {"the head only": 0, "head and last block": 1, "head and last 2": 2, "head and last 4": 4}
MIN_SECONDS, MAX_SECONDS, MAX_SEED = 5, 120, 2**31 - 1
SECONDS_BETWEEN_VIEWS = 0.08
EXAMPLE_CLASSES, EXAMPLE_COUNT, EXAMPLE_STEPS, EXAMPLE_SCALE = ("potion", "weapon", "tree", "person", "altar"), 5, 12, 8
MAX_FILES = 300
TRAINING = {"concurrency_id": "vit-training", "concurrency_limit": 1}

HOW = """**7. Fine-tuning.** Everything the network has learned about pictures stays; only a last layer is new. It
learns from a handful of examples, because what it reads is not pixels but what 22 million trained weights make of them.
Give each class a few pictures (upload, drop, or record with the webcam), then press Train."""

MEANING = """The new head is one matrix: a row of weights for each class, 768 numbers long (the CLS token beside the
mean of all patches). Training more than the head can help with many pictures and often hurts with few: the last blocks
then learn the examples by heart (compare head and blocks on the held-out pictures). A classifier must choose one of its
classes: show it something else, and it will still be sure of one. A class “none of these” helps."""

KEPT_FILES = """Two files: the weights as safetensors, names and backbone as JSON. No picture is in them. Given back
here, they are checked strictly: only what this page saves is read."""

_running: "Kept[Training]" = Kept(8)
_own: "Kept[OwnClassifier]" = Kept(16)


def compute_example() -> tuple[Any, str]:
    """Five classes of five sprites each, drawn now by the model of the Diffusion tab."""
    from models.diffusion.network import load_network
    from models.diffusion.trace import generate_sprites

    loaded, start = runtime.load("sprites-unet", load_network), time.perf_counter()
    named = [
        (name, [_enlarged(one) for one in generate_sprites(loaded.network, name, EXAMPLE_COUNT, EXAMPLE_STEPS, seed=1)])
        for name in EXAMPLE_CLASSES
    ]
    seconds = time.perf_counter() - start
    count = sum(len(pictures) for _, pictures in named)
    return classes_value(named), empty_strip(
        f"{count} sprites, drawn in {seconds:.1f} s by {loaded.weights.title}, the model of the Diffusion tab."
    )


def _enlarged(sprite: np.ndarray) -> bytes:
    """`[32, 32, 4]` uint8 as a JPEG of 256 x 256 pixels on white."""
    buffer = io.BytesIO()
    large = over_background(sprite).repeat(EXAMPLE_SCALE, 0).repeat(EXAMPLE_SCALE, 1)
    Image.fromarray(large).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def compute_own(
    collected: Any, backbone: Any, blocks: Any, seconds: Any, seed: Any
) -> Iterator[tuple[Any, Any, str, Any, Any]]:
    """Train on what was collected. Yields (board, trial, strip, name of the running training, name of the result)."""
    settings = _settings(backbone, blocks, seconds, seed)
    named = read_classes(collected)
    from models.vit.own_classes import Training, check_examples

    examples = check_examples(named)
    yield gr.skip(), gr.skip(), empty_strip("Loading the backbone …"), gr.skip(), gr.skip()
    loaded = load_vit(settings.backbone)
    training = Training(loaded.network, examples, settings)
    name, began = _running.put(training), time.perf_counter()
    for read in training.read():
        strip = empty_strip(f"The backbone reads the pictures: {read} of {len(examples.images)} …")
        yield gr.skip(), gr.skip(), strip, name, gr.skip()
        if training.stopped:
            return
    yield from _watch(training, examples, loaded, name, began, time.perf_counter() - began)


def _watch(
    training: "Training", examples: "Examples", loaded: runtime.Loaded, run: str, began: float, reading: float
) -> Iterator[tuple[Any, Any, str, Any, Any]]:
    from demos.views.own_classes import draw_training

    reports: list[Report] = []
    parts, shown = int(training.part.max()) + 1, 0.0
    for report in training.fit():
        reports.append(report)
        if time.perf_counter() - shown > SECONDS_BETWEEN_VIEWS:
            shown = time.perf_counter()
            view = draw_training(run, examples, reports, parts)
            yield view, gr.skip(), _strip(training, loaded, reports, began, reading), run, gr.skip()
    own = training.classifier()
    name = _own.put(own)
    view = draw_training(run, examples, reports, parts, training.verdicts())
    yield view, trial_value(name, own), _strip(training, loaded, reports, began, reading), run, name


def trial_value(name: str, own: "OwnClassifier") -> dict[str, Any]:
    """What `class_trial` needs of a classifier."""
    return {"name": name, "labels": list(own.labels)}


def _settings(backbone: Any, blocks: Any, seconds: Any, seed: Any) -> "Settings":
    backbone = check_choice(backbone, list(BACKBONES.values()), name="The backbone")
    blocks = check_integer(blocks, name="The number of blocks", low=0, high=max(BLOCKS.values()))
    seconds = check_number(seconds, name="The seconds", low=MIN_SECONDS, high=MAX_SECONDS)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    from models.vit.own_classes import Settings

    return Settings(backbone, blocks, seconds, seed)


def _strip(training: "Training", loaded: runtime.Loaded, reports: "list[Report]", began: float, reading: float) -> str:
    from models.vit.own_classes import last_blocks

    head = (training.network.pool_width + 1) * len(training.examples.labels)
    tail = sum(
        p.numel() for block in last_blocks(training.network, training.settings.blocks) for p in block.parameters()
    )
    facts = {
        "backbone": loaded.weights.title,
        "its parameters": f"{loaded.parameters / 1e6:.3g} M",
        "trained": f"{head + tail:,} parameters",
        "device": loaded.device,
        "pictures": f"{len(training.examples.images)}",
        "step": f"{reports[-1].step}",
        "held out": f"{100 * reports[-1].held_out_accuracy:.0f} % right",
        "reading": milliseconds(reading),
        "all": milliseconds(time.perf_counter() - began),
    }
    cells = "".join(f"<span><b>{html.escape(key)}</b> {html.escape(value)}</span>" for key, value in facts.items())
    return f'<div class="gb-strip" role="status">{cells}</div>'


def stop_training(name: Any) -> None:
    """End the visitor's own training after its present step; what it has learned is kept."""
    training = _running.get(name)
    if training is not None:
        training.stopped = True


def find_own(name: Any) -> "OwnClassifier":
    """The classifier kept under `name`. Raises `InputError` where it is not kept any more, or never was."""
    own = _own.get(name)
    if own is None:
        raise InputError("There is no classifier of yours here (any more): train one, or load its two files.")
    return own


def save_own(name: Any) -> Any:
    """The classifier's two files in Gradio's cache."""
    from models.vit import own_file

    own = find_own(name)
    return gr.update(value=[str(path) for path in own_file.save(own, _fresh_folder())], visible=True)


def _fresh_folder() -> Path:
    cache = Path(get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=cache))


def load_own(files: list[str]) -> tuple[Any, Any, Any]:
    """A saved classifier, read strictly. Returns (trial, strip, its name)."""
    if not files:
        return gr.skip(), gr.skip(), gr.skip()
    from models.vit import own_file

    own = own_file.load(files)
    name = _own.put(own)
    return trial_value(name, own), empty_strip(f"Loaded: {', '.join(own.labels)}. Try it below."), name


_one_square = threading.Lock()


def classify_square(request: Any) -> dict[str, Any]:
    """Answer one picture by the visitor's classifier; see `demos.components.class_trial`.

    Called by the browser past Gradio's events, so that it turns failures into sentences itself. A picture that finds
    the model at work is not queued: `{"busy": True}`.
    """
    if not _one_square.acquire(blocking=False):
        return {"busy": True}
    try:
        return _classified(request)
    except (InputError, WeightsError) as problem:
        return {"error": str(problem)}
    except Exception:
        log.exception("defect while answering a picture")
        return {"error": "Something went wrong on our side; the app goes on."}
    finally:
        _one_square.release()


def _classified(request: Any) -> dict[str, Any]:
    if not isinstance(request, dict):
        raise InputError("A picture must be sent as a JSON object with name and jpeg.")
    own, image = find_own(request.get("name")), read_picture(request.get("jpeg"))
    from models.vit.own_classes import classify

    start = time.perf_counter()
    probabilities = classify(own, image)
    return {
        "probabilities": [round(float(p), 4) for p in probabilities],
        "seconds": round(time.perf_counter() - start, 4),
    }


def vit_finetune(
    images: list[str], labels: Any, blocks: float = 0, seconds: float = 20, seed: float = 0
) -> Iterator[tuple[dict[str, Any], list[str] | None]]:
    """Train a classifier of your own classes on the embedded Vision Transformer.

    Args:
        images: uploaded pictures (PNG, JPEG, WebP or GIF; at most 20 MB and 16 megapixels each, JPEG photos 50).
        labels: the class of each picture, a JSON list of texts; 2 to 10 classes of 2 to 30 pictures.
        blocks: how many last blocks learn too: 0, 1, 2 or 4.
        seconds: for how long the blocks learn, 5 to 120; the head takes a second.
        seed: of the order in which the blocks see the pictures.

    Returns:
        Streams {"read": pictures read, "of": all}; at last {"model", "labels", "pictures", "steps", "loss",
        "held_out_accuracy", "confusion" (rows: what it is), "seconds"} and the two files of the classifier.
    """
    with visitor_errors():
        settings = _settings(EMBEDDED, blocks, seconds, seed)
        named = _sorted_into_classes(images or [], labels)
        from models.vit import own_file
        from models.vit.own_classes import Training, check_examples

        start, examples = time.perf_counter(), check_examples(named)
        training = Training(load_vit(EMBEDDED).network, examples, settings)
        for read in training.read():
            yield {"read": read, "of": len(examples.images)}, None
        report = None
        for report in training.fit():
            if report.phase == "blocks":
                yield {"read": len(examples.images), "of": len(examples.images), "step": report.step}, None
        assert report is not None
        facts = {
            "model": EMBEDDED,
            "labels": list(examples.labels),
            "pictures": examples.counts,
            "steps": report.step,
            "loss": round(report.loss, 5),
            "held_out_accuracy": round(report.held_out_accuracy, 4),
            "confusion": report.confusion.tolist(),
            "seconds": round(time.perf_counter() - start, 3),
        }
        yield facts, [str(path) for path in own_file.save(training.classifier(), _fresh_folder())]


def _sorted_into_classes(images: list[str], labels: Any) -> list[tuple[str, list[np.ndarray]]]:
    """(label, pictures) in the order in which the labels come first."""
    if len(images) > MAX_FILES:
        raise InputError(f"There are {len(images)} pictures; the limit is {MAX_FILES}.")
    if not isinstance(labels, list) or len(labels) != len(images):
        raise InputError("The labels must be a JSON list with one text for each picture.")
    named: dict[str, list[np.ndarray]] = {}
    for path, label in zip(images, labels, strict=True):
        label = check_text(label, name="A label", max_chars=40)
        named.setdefault(label, []).append(read_image(path))
    return list(named.items())


def build() -> None:
    """The page: collect, train, try, keep."""
    own, running = gr.State(""), gr.State("")
    gr.Markdown(HOW, elem_classes="gb-lead")
    collector = class_collector(elem_id="vit-collector")
    example = gr.Button(
        "Take an example: five kinds of sprite, five each, drawn now by the Diffusion tab's model",
        size="sm",
        elem_id="vit-own-example",
    )
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            backbone = gr.Radio(list(BACKBONES.items()), value=EMBEDDED, label="Backbone", elem_id="vit-own-backbone")
            blocks = gr.Radio(list(BLOCKS.items()), value=0, label="What learns", elem_id="vit-own-blocks")
            seconds = gr.Slider(MIN_SECONDS, MAX_SECONDS, 20, step=5, label="Seconds for the blocks", visible=False)
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", visible=False)
            with gr.Row():
                run = gr.Button("Train", variant="primary", min_width=110, elem_id="vit-own-train")
                stop = gr.Button("Stop", min_width=80, elem_id="vit-own-stop")
        with gr.Column(scale=5, min_width=300):
            strip = gr.HTML(empty_strip("The backbone (22 M parameters, 44 MB) is loaded with the first training."))
            board = class_board(elem_id="vit-own-board")
    gr.Markdown("### Try it", elem_classes="gb-note")
    trial = class_trial(classify_square, elem_id="vit-own-trial")
    gr.Markdown(MEANING, elem_classes="gb-note")
    with gr.Accordion("Keep it, or load one that you kept", open=False):
        gr.Markdown(KEPT_FILES)
        keep = gr.Button("Keep it as two files", size="sm", elem_id="vit-own-keep")
        kept = gr.File(label="classes.json and classes.safetensors", visible=False, interactive=False)
        files = UploadedFiles(
            label="Load: both files together",
            file_count="multiple",
            file_types=[".json", ".safetensors"],
            height=120,
            elem_id="vit-own-load",
        )
    example.click(compute_example, None, [collector, strip], **private(), concurrency_id="diffusion")
    blocks.input(lambda count: [gr.update(visible=count != 0)] * 2, blocks, [seconds, seed], **private())
    inputs = [collector, backbone, blocks, seconds, seed]
    run.click(compute_own, inputs, [board, trial, strip, running, own], **private(), **TRAINING)
    stop.click(stop_training, running, None, **private())
    keep.click(save_own, own, kept, **private())
    files.change(load_own, files, [trial, strip, own], **private())
    _build_endpoint()


def _build_endpoint() -> None:
    images = UploadedFiles(visible=False, file_count="multiple")
    labels, facts, files = gr.JSON(visible=False), gr.JSON(visible=False), gr.File(visible=False, file_count="multiple")
    numbers = [gr.Number(value, visible=False) for value in (0, 20, 0)]
    gr.Button(visible=False).click(
        vit_finetune,
        [images, labels, *numbers],
        [facts, files],
        api_name="vit_finetune",
        api_visibility="public",
        **TRAINING,
    )
