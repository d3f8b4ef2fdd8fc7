"""Handlers of the page "Your own classes", and its endpoint."""

import html
import io
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from PIL import Image

from demos.base import empty_strip, log, milliseconds
from demos.finding import html_of_finding
from demos.inputs.classes import classes_value, read_classes, read_picture
from demos.inputs.session_file import fresh_folder
from demos.views.own_classes import ClassTrialView, sentence_of_board, view_of_training
from demos.vit.own_program import PROGRAM_NAME, program_of
from demos.vit.shared import EMBEDDED
from models import stops, weights
from models.errors import InputError, SpokenError
from models.images import over_background, read_image
from models.inputs import check_choice, check_integer, check_name, check_number
from models.normal import same_name

if TYPE_CHECKING:
    from models.vit.own_classes import Progress
    from models.vit.own_training import Examples, Report, Settings

BACKBONES = {"fine-tuned on 101 categories": EMBEDDED, "before fine-tuning, no labels": "dinov2-s14-saliency"}
BLOCKS = {"the head only": 0, "head and last block": 1, "head and last 2": 2, "head and last 4": 4}
MIN_SECONDS, MAX_SECONDS, MAX_SEED = 5, 120, 2**31 - 1
SECONDS_BETWEEN_VIEWS = 0.1
MAX_FILES = 300
ENOUGH_PIXELS = 448
"""Shorter side of a picture from the API: twice what the network sees."""
SPRITES = weights.EMBEDDED.parent / "media" / "sprites"
EXAMPLE_CLASSES = ("potion", "weapon", "tree", "person", "altar")
SPRITE_SCALE = 8
EXAMPLE = "example"
"""Names the training that the page opens on."""


def example_classes() -> list[tuple[str, list[np.ndarray]]]:
    """The pictures of the example by class, enlarged, on white."""
    return [(name, [large(one) for one in _sprites(SPRITES / f"{name}.png")]) for name in EXAMPLE_CLASSES]


def compute_opening(backbone: Any) -> Iterator[tuple[Any, Any, str, Any, Any]]:
    """The head learns the example, once for all who look. Yields (board, trial, strip, name of the result, finding).

    The collector stays empty for the visitor's own pictures.
    """
    settings = _settings(backbone, 0, MIN_SECONDS, 0)
    from models.vit import own_classes

    examples = own_classes.check_examples(example_classes())
    yield gr.skip(), gr.skip(), empty_strip("The backbone reads the example, 25 sprites …"), gr.skip(), gr.skip()
    reports: list[Report] = []
    strip, parts = "", 2
    for state in own_classes.train_own(examples, settings, ""):
        if isinstance(state, own_classes.Learned):
            board = view_of_training(EXAMPLE, examples, reports, parts, state.verdicts)
            name = own_classes.keep(state)
            said = html_of_finding(sentence_of_board(examples, reports, state.verdicts))
            yield board, ClassTrialView(name, list(state.labels)), strip, name, said
        elif state.report is not None:
            reports.append(state.report)
            strip, parts = _strip(state, examples), state.parts


def compute_example() -> tuple[Any, str]:
    """Five classes of five sprites each, drawn beforehand by the model of the Diffusion tab."""
    named = [(name, [_jpeg(one) for one in pictures]) for name, pictures in example_classes()]
    count = sum(len(pictures) for _, pictures in named)
    said = f"{count} sprites, drawn beforehand by the model of the Diffusion tab (assets/media/README.md)."
    return classes_value(named), empty_strip(said)


def _sprites(sheet: Path) -> list[np.ndarray]:
    """The sprites `[32, 32, 4]` uint8 of a sheet that holds them side by side."""
    pixels = np.asarray(Image.open(sheet).convert("RGBA"))
    return np.split(pixels, pixels.shape[1] // pixels.shape[0], axis=1)


def large(sprite: np.ndarray) -> np.ndarray:
    """`[32, 32, 4]` uint8 as `[256, 256, 3]` uint8 on white."""
    return over_background(sprite).repeat(SPRITE_SCALE, 0).repeat(SPRITE_SCALE, 1)


def _jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def compute_own(
    collected: Any, backbone: Any, blocks: Any, seconds: Any, seed: Any
) -> Iterator[tuple[Any, Any, str, Any, Any]]:
    """Train on what was collected. Yields (board, trial, strip, name of the running training, name of the result)."""
    settings = _settings(backbone, blocks, seconds, seed)
    named = read_classes(collected)
    from models.vit import own_classes

    examples, run = own_classes.check_examples(named), secrets.token_urlsafe(12)
    yield gr.skip(), gr.skip(), empty_strip("Loading the backbone …"), run, gr.skip()
    reports: list[Report] = []
    shown, strip, parts = 0.0, "", 2
    for state in own_classes.train_own(examples, settings, run):
        if isinstance(state, own_classes.Learned):
            board = view_of_training(run, examples, reports, parts, state.verdicts)
            name = own_classes.keep(state)
            yield board, ClassTrialView(name, list(state.labels)), strip, run, name
        elif state.report is None:
            said = f"The backbone reads the pictures: {state.read} of {len(examples.images)} …"
            yield gr.skip(), gr.skip(), empty_strip(said), run, gr.skip()
        else:
            reports.append(state.report)
            strip, parts = _strip(state, examples), state.parts
            if time.perf_counter() - shown > SECONDS_BETWEEN_VIEWS:
                shown = time.perf_counter()
                yield view_of_training(run, examples, reports, parts), gr.skip(), strip, run, gr.skip()


def _settings(backbone: Any, blocks: Any, seconds: Any, seed: Any) -> "Settings":
    backbone = check_choice(backbone, list(BACKBONES.values()), name="The backbone")
    blocks = check_integer(blocks, name="The number of blocks", low=0, high=max(BLOCKS.values()))
    seconds = check_number(seconds, name="The seconds", low=MIN_SECONDS, high=MAX_SECONDS)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    from models.vit.own_training import Settings

    return Settings(backbone, blocks, seconds, seed)


def _strip(state: "Progress", examples: "Examples") -> str:
    assert state.report is not None, "there is a strip once it learns"
    facts = {
        "backbone": state.run.title,
        "its parameters": f"{state.run.parameters / 1e6:.3g} M",
        "trained": f"{state.trained:,} parameters",
        "device": state.run.device,
        "pictures": f"{len(examples.images)}" + (f", {examples.copies} of them copies" if examples.copies else ""),
        "step": f"{state.report.step}",
        "held out": f"{100 * state.report.held_out_accuracy:.0f} % right",
        "reading": milliseconds(state.reading),
        "all": milliseconds(state.run.seconds),
    }
    cells = "".join(f"<span><b>{html.escape(key)}</b> {html.escape(value)}</span>" for key, value in facts.items())
    return f'<div class="gb-strip" role="status">{cells}</div>'


def stop_training(name: Any) -> None:
    """End the visitor's own training after its present step; what it has learned is kept."""
    stops.ask(name)


def save_own(name: Any) -> Any:
    """The classifier's two files in Gradio's cache."""
    from models.vit import own_classes, own_file

    paths = own_file.save(own_classes.OWN.find(name), fresh_folder())
    return gr.update(value=[str(path) for path in paths], visible=True)


def export_own(name: Any) -> tuple[Any, Any]:
    """The classifier as an ONNX file with a program that uses it, in Gradio's cache. Returns (files, program)."""
    from models.vit import own_classes, own_onnx

    program = program_of(own_classes.OWN.find(name).labels)
    folder = fresh_folder()
    (folder / own_onnx.NAME).write_bytes(own_onnx.onnx_of_own(name))
    (folder / PROGRAM_NAME).write_text(program, encoding="utf-8")
    files = [str(folder / one) for one in (own_onnx.NAME, PROGRAM_NAME)]
    return gr.update(value=files, visible=True), gr.update(value=f"```python\n{program}```", visible=True)


def load_own(files: list[str]) -> tuple[Any, Any, Any]:
    """A saved classifier, read strictly. Returns (trial, strip, its name)."""
    if not files:
        return gr.skip(), gr.skip(), gr.skip()
    from models.vit import own_classes, own_file

    own = own_file.load(files)
    name = own_classes.OWN.put(own)
    trial = ClassTrialView(name, list(own.labels))
    return trial, empty_strip(f"Loaded: {', '.join(own.labels)}. Try it below."), name


_one_square = threading.Lock()


def classify_square(request: Any) -> dict[str, Any]:
    """Answer one picture by the visitor's classifier: `{"name", "jpeg"}` to `{"probabilities", "adds", "seconds"}`;
    adds: what speaks for the first answer, row by row of the patches, as a share of the strongest patch.

    Called by the browser past Gradio's events, so that it turns failures into sentences itself: `{"error": sentence}`.
    A picture that finds the model at work is not queued: `{"busy": True}`.
    """
    if not _one_square.acquire(blocking=False):
        return {"busy": True}
    try:
        return _classified(request)
    except SpokenError as problem:
        return {"error": str(problem)}
    except Exception:
        log.exception("defect while answering a picture")
        return {"error": "Something went wrong on our side; the app goes on."}
    finally:
        _one_square.release()


def _classified(request: Any) -> dict[str, Any]:
    if not isinstance(request, dict):
        raise InputError("A picture must be sent as a JSON object with name and jpeg.")
    from models.vit.own_classes import OWN, classify_by_own

    OWN.find(request.get("name"))
    answer = classify_by_own(request["name"], read_picture(request.get("jpeg")))
    return {
        "probabilities": [round(float(p), 4) for p in answer.probabilities],
        "adds": [[round(float(share), 2) for share in row] for row in _shares(answer.adds)],
        "seconds": round(answer.seconds, 4),
    }


def _shares(adds: np.ndarray) -> np.ndarray:
    return np.maximum(adds, 0) / max(float(adds.max()), 1e-9)


def vit_finetune(
    images: list[str], labels: Any, blocks: float = 0, seconds: float = 20, seed: float = 0
) -> Iterator[tuple[dict[str, Any], list[str] | None]]:
    """Train a classifier of your own classes on the embedded Vision Transformer.

    Args:
        images: uploaded pictures of at most 20 MB and 8 megapixels each (JPEG photos 50, HEIC 16).
        labels: the class of each picture, a JSON list of texts; 2 to 10 classes of 2 to 30 pictures.
        blocks: how many last blocks learn too: 0, 1, 2 or 4.
        seconds: for how long the blocks learn, 5 to 120; the head takes a second.
        seed: of the order in which the blocks see the pictures.

    Returns:
        Streams {"read": pictures read, "of": all}; at last {"model", "labels", "pictures": of each class,
        "copies": how many of them show nothing new, "shared": pairs of classes in which one picture, or nearly, is
        found, "steps", "loss", "held_out_accuracy", "confusion" (rows: what it is), "seconds"} and the two files of
        the classifier.
    """
    settings = _settings(EMBEDDED, blocks, seconds, seed)
    files = _sorted_into_classes(images or [], labels)
    from models.vit import own_classes, own_file

    start, count = time.perf_counter(), sum(len(paths) for _, paths in files)
    named: list[tuple[str, list[np.ndarray]]] = [(label, []) for label, _ in files]
    for (_, paths), (_, pictures) in zip(files, named, strict=True):
        for path in paths:
            pictures.append(_opened(path))
            yield {"read": 0, "of": count}, None
    examples, report = own_classes.check_examples(named), None
    for state in own_classes.train_own(examples, settings, ""):
        if isinstance(state, own_classes.Learned):
            own = own_classes.OWN.find(own_classes.keep(state))
            facts = _facts(examples, report, time.perf_counter() - start)
            yield facts, [str(path) for path in own_file.save(own, fresh_folder())]
        elif state.report is None:
            yield {"read": state.read, "of": count}, None
        else:
            report = state.report
            if report.phase == "blocks":
                yield {"read": count, "of": count, "step": report.step}, None


def _facts(examples: "Examples", report: "Report | None", seconds: float) -> dict[str, Any]:
    assert report is not None, "what was learned comes after a report"
    return {
        "model": EMBEDDED,
        "labels": list(examples.labels),
        "pictures": examples.counts,
        "copies": examples.copies,
        "shared": [{"labels": [one, other], "pictures": count} for one, other, count in examples.shared],
        "steps": report.step,
        "loss": round(report.loss, 5),
        "held_out_accuracy": round(report.held_out_accuracy, 4),
        "confusion": report.confusion.tolist(),
        "seconds": round(seconds, 3),
    }


def _sorted_into_classes(images: list[str], labels: Any) -> list[tuple[str, list[str]]]:
    """(label, files) in the order in which the labels come first; labels that look alike are one.

    Everything that can be counted is counted here, before a file is opened.
    """
    if len(images) > MAX_FILES:
        raise InputError(f"There are {len(images)} pictures; the limit is {MAX_FILES}.")
    if not isinstance(labels, list) or len(labels) != len(images):
        raise InputError("The labels must be a JSON list with one text for each picture.")
    named: dict[str, tuple[str, list[str]]] = {}
    for path, label in zip(images, labels, strict=True):
        label = check_name(label, name="A label", max_chars=40)
        named.setdefault(same_name(label), (label, []))[1].append(path)
    from models.vit.own_classes import check_counts

    check_counts([(label, len(files)) for label, files in named.values()])
    return list(named.values())


def _opened(path: str) -> np.ndarray:
    """A picture no larger than the network needs, so that many large ones fit in memory."""
    image = read_image(path)
    times = min(image.shape[:2]) // ENOUGH_PIXELS
    return np.asarray(Image.fromarray(image).reduce(times)) if times > 1 else image
