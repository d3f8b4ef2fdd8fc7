"""Train: one step taken apart, then a whole small training on a class or on the visitor's own pictures, live."""

import html
import secrets
import tempfile
import time
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from demos.base import empty_strip, milliseconds
from demos.components.training_step import training_step
from demos.components.training_view import training_view
from demos.diffusion.shared import LATEX, MAX_SEED, example_sprites, load_sprite_network, private
from demos.inputs.uploaded_files import UploadedFiles
from demos.views.diffusion_training import draw_curve, draw_data, draw_example, draw_samples
from models.diffusion.data import CLASSES
from models.diffusion.schedule import TRAINING_STEPS
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_choice, check_integer, check_number

if TYPE_CHECKING:
    from models.diffusion.live import LiveTraining, Settings

TITLE = "Train one"
SOURCES = {"a class of sprites": "class", "my own pictures": "files"}
STARTS = {"noise: random weights": "noise", "the embedded model": "embedded"}
STEP_NETWORKS = {"untrained": "noise", "embedded": "embedded", "the one trained below": "trained"}
SIZES = (16, 32)
MIN_SECONDS, MAX_SECONDS = 5, 300
REPORT_SECONDS, SAMPLE_SECONDS, SAMPLE_SHARE = 0.7, 4.0, 0.15
TRAINING = {"concurrency_id": "diffusion-training", "concurrency_limit": 1}
USING = {"concurrency_id": "diffusion-trained", "concurrency_limit": 1}

ONE_STEP = r"""### One training step
Learning is this step, some hundreds or millions of times: take a picture, hide it in a known amount of noise, let the
network say what is hidden, and move its weights so that it would have been less wrong.

$$L = \lVert \hat v_\theta(x_t, t) - v \rVert^2$$

$$v = \sqrt{\bar\alpha_t}\,\varepsilon - \sqrt{1-\bar\alpha_t}\,x_0$$"""

TRAIN = """### Two minutes of training
The data set of sprites is not part of this app: a class means sprites that the embedded model makes first, so the
small model learns from the larger one. Your own pictures stay in memory, and only until the training is forgotten.
One training runs at a time; a second one waits its turn. Stop ends it early and keeps what it has learned. Then the
pages Reverse, Between two and From an image offer your network beside the embedded one."""

MEANING = """With a handful of pictures the model learns them by heart: the row under the samples shows the nearest
picture it was given, so that you can see whether anything is new. Colours and outline come first, then the shape, then
the detail; the loss falls fast and then hardly at all, while the samples go on improving."""


def compute_example(network: Any, picture: Any, seed: Any, name: Any) -> dict[str, Any]:
    """One training step of a network that stays as it is, on one of its pictures, at a time drawn from the seed."""
    network = check_choice(network, list(STEP_NETWORKS.values()), name="The network")
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    picture = check_choice(picture, list(example_sprites()), name="The picture")
    from models.diffusion import live
    from models.diffusion.pictures import shrink_square

    t = int(np.random.default_rng(seed).integers(TRAINING_STEPS))
    if network == "trained":
        trained = live.find(name)
        rgba = trained.rgba[seed % len(trained.rgba)]
        return draw_example(live.trace_training_step(trained.network, rgba, t, seed, trained.settings.start))
    rgba = read_rgba(example_sprites()[picture])
    if network == "embedded":
        return draw_example(live.trace_training_step(_on_cpu(), rgba, t, seed, network))
    first = live.first_network(live.Settings(size=16, start="noise", seed=seed))
    return draw_example(live.trace_training_step(first, shrink_square(rgba, 16), t, seed, network))


def next_seed(seed: Any) -> int:
    """Another time and other noise."""
    return (check_integer(seed, name="The seed", low=0, high=MAX_SEED) + 1) % MAX_SEED


@cache
def _on_cpu() -> Any:
    from models import weights
    from models.diffusion.network import load_network

    loaded = load_sprite_network()
    return loaded.network if loaded.device == "cpu" else load_network(weights.folder(loaded.name)).eval()


def check_settings(size: Any, start: Any, seconds: Any, seed: Any) -> "Settings":
    """The settings of a training, or `InputError`."""
    size = check_integer(size, name="The size in pixels", low=min(SIZES), high=max(SIZES))
    if size not in SIZES:
        raise InputError("The size in pixels must be 16 or 32.")
    start = check_choice(start, list(STARTS.values()), name="The start")
    seconds = check_number(seconds, name="The time in seconds", low=MIN_SECONDS, high=MAX_SECONDS)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    from models.diffusion.live import Settings

    return Settings(size, start, seconds, seed)


def compute_training(
    source: Any, sprite_class: Any, files: Any, size: Any, start: Any, seconds: Any, seed: Any
) -> Iterator[tuple[Any, str, Any]]:
    """Train while the visitor watches. Yields (view, strip, name of the training); closing it ends the training."""
    source = check_choice(source, list(SOURCES.values()), name="What to learn")
    sprite_class = check_choice(sprite_class, list(CLASSES), name="The sprite class")
    settings = check_settings(size, start, seconds, seed)
    rgba = yield from _pictures(source, sprite_class, files, settings.size)
    yield gr.skip(), empty_strip("Preparing the network …"), gr.skip()
    from models.diffusion import live

    training = live.LiveTraining(settings, rgba)
    name = live.register(training)
    try:
        yield from _watch(training, name)
    finally:
        live.keep(name)


def _pictures(
    source: str, sprite_class: str, files: Any, size: int
) -> Generator[tuple[Any, str, Any], None, np.ndarray]:
    if source == "files":
        from models.diffusion.pictures import read_pictures

        return read_pictures(files or [], size)
    yield gr.skip(), empty_strip(f"The embedded model makes sprites to learn from: {sprite_class} …"), gr.skip()
    from models.diffusion.live import CLASS_SPRITES, class_sprites

    sprites: list[np.ndarray] = []
    for batch in class_sprites(sprite_class, size):
        sprites.extend(batch)
        yield gr.skip(), empty_strip(f"{len(sprites)} of {CLASS_SPRITES} sprites to learn from …"), gr.skip()
    return np.stack(sprites)


def _watch(training: "LiveTraining", name: str) -> Iterator[tuple[Any, str, Any]]:
    """The training as a growing figure: curves several times a second, samples every few seconds and at the end."""
    losses: list[float] = []
    norms: list[float] = []
    began = time.perf_counter()
    view: dict[str, Any] = {"run": secrets.token_hex(4), **draw_data(training.rgba), "losses": [], "norms": []}
    view |= {"samples": [_samples(training, began)], "count": 8}
    yield view, _strip(training, began), name
    reported, due = 0.0, SAMPLE_SECONDS
    for step in training.fit():
        losses.append(step.loss)
        norms.append(step.gradient_norm)
        elapsed = time.perf_counter() - began
        if elapsed > due:
            view = {**view, "samples": [*view["samples"], _samples(training, began)]}
            took = time.perf_counter() - began - elapsed
            due = elapsed + max(SAMPLE_SECONDS, took / SAMPLE_SHARE)
        if elapsed > reported + REPORT_SECONDS:
            reported = elapsed
            view = {**view, "losses": draw_curve(losses), "norms": draw_curve(norms)}
            yield view, _strip(training, began), name
    view = {**view, "losses": draw_curve(losses), "norms": draw_curve(norms)}
    yield {**view, "samples": [*view["samples"], _samples(training, began)]}, _strip(training, began, over=True), name


def _samples(training: "LiveTraining", began: float) -> dict[str, Any]:
    from models.diffusion import live

    rgba = live.draw_samples(training.network_for_sampling(), training.settings.size)
    nearest, distance = live.nearest_pictures(rgba, training.rgba)
    return draw_samples(rgba, nearest, distance, training.step, time.perf_counter() - began)


def _strip(training: "LiveTraining", began: float, *, over: bool = False) -> str:
    elapsed = time.perf_counter() - began
    parameters = sum(p.numel() for p in training.network.parameters())
    kind = {"noise": "a small U-Net from random weights", "embedded": "the embedded model, trained on"}
    facts = {
        "model": kind[training.settings.start],
        "parameters": f"{parameters / 1e6:.3g} M",
        "device": "cpu",
        "step": f"{training.step:,}",
        "time": f"{elapsed:.0f} of {training.settings.seconds:.0f} s",
        "a step": milliseconds(elapsed / max(1, training.step)),
    }
    cells = "".join(f"<span><b>{html.escape(key)}</b> {html.escape(value)}</span>" for key, value in facts.items())
    note = "Training is over: choose “the one I trained” on the pages Reverse, Between two and From an image."
    extra = f'<span class="gb-strip-note">{note}</span>' if over else ""
    return f'<div class="gb-strip" role="status">{cells}{extra}</div>'


def stop_training(name: Any) -> None:
    """End the visitor's own training after its present step; what it has learned is kept."""
    from models.diffusion import live

    live.stop(name)


def kept_name(name: Any, own: Any) -> Any:
    """Name of the visitor's network for all pages: that of the training which has just ended, if it took a step."""
    from models.diffusion import live

    return name if live.is_kept(name) else own


def save_trained(name: Any) -> Any:
    """The kept network as a safetensors file in Gradio's cache."""
    from models.diffusion import live

    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    path = live.save(live.find(name), Path(tempfile.mkdtemp(dir=folder)))
    return gr.update(value=str(path), visible=True)


def view_sources(source: Any) -> tuple[Any, Any]:
    """Show the class or the file input."""
    source = check_choice(source, list(SOURCES.values()), name="What to learn")
    return gr.update(visible=source == "class"), gr.update(visible=source == "files")


def view_size(start: Any, size: Any) -> Any:
    """The embedded model knows 32 pixels only."""
    start = check_choice(start, list(STARTS.values()), name="The start")
    return gr.update(value=32, interactive=False) if start == "embedded" else gr.update(value=size, interactive=True)


def build(own: gr.State) -> None:
    """The page: one step, then a training; `own` becomes the name of what was trained."""
    _build_step(own)
    _build_training(own)


def _build_step(own: gr.State) -> None:
    gr.Markdown(ONE_STEP, elem_classes="gb-note", latex_delimiters=LATEX)
    names = list(example_sprites())
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            network = gr.Radio(list(STEP_NETWORKS.items()), value="embedded", label="Network")
            picture = gr.Radio(names, value=names[0], label="Picture")
            seed = gr.Number(1, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of t and noise")
            draw = gr.Button("Draw t and noise", variant="primary", elem_id="diffusion-draw")
        with gr.Column(scale=5, min_width=300):
            view = training_step(elem_id="diffusion-step")
    inputs = [network, picture, seed, own]
    following = draw.click(next_seed, seed, seed, **private())
    following.then(compute_example, inputs, view, **private(), **USING)
    for event in (view.opened, network.input, picture.input):
        event(compute_example, inputs, view, **private(), **USING)


def _build_training(own: gr.State) -> None:
    running = gr.State("")
    gr.Markdown(TRAIN, elem_classes="gb-note")
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            source = gr.Radio(list(SOURCES.items()), value="class", label="What to learn", elem_id="diffusion-source")
            sprite_class = gr.Dropdown(list(CLASSES), value="potion", label="Class")
            files = UploadedFiles(
                label="PNG, JPEG, WebP, GIF, or a zip of them",
                file_count="multiple",
                visible=False,
                height=150,
                elem_id="diffusion-files",
            )
            start = gr.Radio(list(STARTS.items()), value="noise", label="Start from")
            size = gr.Radio(list(SIZES), value=16, label="Pixels a side")
            seconds = gr.Slider(MIN_SECONDS, MAX_SECONDS, 120, step=5, label="Seconds", elem_id="diffusion-seconds")
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
            with gr.Row():
                run = gr.Button("Train", variant="primary", min_width=110, elem_id="diffusion-train")
                stop = gr.Button("Stop", min_width=80, elem_id="diffusion-train-stop")
            keep = gr.Button("Keep it as a file", elem_id="diffusion-keep")
            file = gr.File(label="safetensors, float16", visible=False, interactive=False, height=80)
        with gr.Column(scale=5, min_width=300):
            view = training_view(elem_id="diffusion-training-view")
            strip = gr.HTML(empty_strip("Something to recognise appears within two minutes on two CPU cores."))
            gr.Markdown(MEANING, elem_classes="gb-note")
    source.input(view_sources, source, [sprite_class, files], **private())
    start.input(view_size, [start, size], size, **private())
    run.click(lambda: empty_strip("Waiting for its turn …"), None, strip, **private())
    inputs = [source, sprite_class, files, size, start, seconds, seed]
    ended = run.click(compute_training, inputs, [view, strip, running], **private(), **TRAINING)
    ended.then(kept_name, [running, own], own, **private())
    stop.click(stop_training, running, None, **private())
    keep.click(save_trained, own, file, **private())
