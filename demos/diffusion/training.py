"""Train: one step taken apart, then a whole small training on a class or on the visitor's own pictures, live."""

import html
import secrets
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.blocks import Block

from demos.address import keeps
from demos.base import empty_strip, milliseconds
from demos.diffusion.plans import CLASS_CHOICES, MAX_SEED, ClassMenu, check_seed, example_sprites
from demos.finding import finding_line, forgets, html_of_finding
from demos.inputs.session_file import fresh_folder, session_file, the_file
from demos.inputs.uploaded_files import UploadedFiles
from demos.opening import opens
from demos.tab import LATEX, LIGHT, LONG, RUN, fold, private
from demos.ui import component
from demos.views.diffusion_training import (
    ExampleView,
    FirstRecognised,
    SamplesView,
    SpriteTrainingView,
    sentence_of_recorded,
    view_of_example,
    view_of_learned,
    view_of_recorded,
    view_of_samples,
)
from models import stops
from models.diffusion.data import ANY_CLASS, CLASSES
from models.diffusion.trained import MAX_STEPS, TARGETS, TRAINED, Settings
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_choice, check_integer, check_number

if TYPE_CHECKING:
    from models.diffusion.live import Progress

TITLE = "Train one"
SOURCES = {"a class of sprites": "class", "my own pictures": "files"}
STARTS = {"noise: random weights": "noise", "the embedded model": "embedded"}
SAYS = {"v": "v", "the noise": "epsilon"}
STEP_NETWORKS = {"untrained": "noise", "embedded": "embedded", "the one trained below": "trained"}
SIZES = (16, 32)
MIN_SECONDS, MAX_SECONDS = 5, 300
SAMPLES = 8

ONE_STEP = r"""### One training step
Learning is this step, some hundreds or millions of times: take a picture, hide it in a known amount of noise, let the
network say what is hidden, and move its weights so that it would have been less wrong.

$$L = \lVert \hat v_\theta(x_t, t) - v \rVert^2$$

$$v = \sqrt{\bar\alpha_t}\,\varepsilon - \sqrt{1-\bar\alpha_t}\,x_0$$

A network may also be asked for the noise, $L = \lVert \hat\varepsilon_\theta(x_t, t) - \varepsilon \rVert^2$ (Ho et al.
2020). The clean picture is then $(x_t - \sqrt{1-\bar\alpha_t}\,\hat\varepsilon) / \sqrt{\bar\alpha_t}$: at the noisy
end every error is divided by next to nothing. Train one of each below and look at the first steps of their films."""

TRAIN = """### Two minutes of training
The data set of sprites is not part of this app: a class means sprites that the embedded model makes first, so the
small model learns from the larger one. Your own pictures are removed as the foot of this page says.
Two trainings run at a time; a third one waits its turn. Stop ends it early and keeps what it has learned. Then the
pages Reverse, Between two and From an image offer your network beside the embedded one."""

MEANING = """With a handful of pictures the model learns them by heart: the row under the samples shows the nearest
picture it was given, so that you can see whether anything is new. Colours and outline come first, then the shape, then
the detail; the loss falls fast and then hardly at all, while the samples go on improving. A sample counts as one that
can be recognised when it is nearer to one of the pictures than their average is: the average is what all have in
common, and no picture. The losses of v and of the noise are of different things, and cannot be compared."""


EITHER = "It ends with whichever comes first, the seconds or the steps."
OVER = "Training is over: choose “the one I trained” on the pages Reverse, Between two and From an image."


def compute_example(network: object, picture: object, seed: object, name: object) -> ExampleView:
    """One training step of a network that stays as it is, on one of its pictures, at a time drawn from the seed."""
    network = check_choice(network, list(STEP_NETWORKS.values()), name="The network")
    seed = check_seed(seed)
    picture = check_choice(picture, list(example_sprites()), name="The picture")
    if network == "trained":
        TRAINED.find(name)
    from models.diffusion.live import training_example

    return view_of_example(training_example(network, read_rgba(example_sprites()[picture]), seed, str(name)))


def compute_opening(network: object, picture: object, seed: object, name: object) -> tuple[Any, ...]:
    """One step, and a training that was recorded beforehand, named as such: (step, training, strip, finding)."""
    from models.diffusion.recorded import recorded

    made = recorded()
    facts = {"model": "a small U-Net from random weights", "parameters": f"{made.parameters / 1e6:.3g} M"}
    facts |= {"step": f"{made.looks[-1].step:,}", "time": f"{made.seconds:.0f} s"}
    strip = _strip(_cells(facts), note="Recorded beforehand, not now: press Train, and a network of your own begins.")
    said = html_of_finding(sentence_of_recorded(made))
    return compute_example(network, picture, seed, name), view_of_recorded(made), strip, said


def next_seed(seed: object) -> int:
    """Another time and other noise."""
    return (check_seed(seed) + 1) % MAX_SEED


def check_settings(
    size: object, start: object, seconds: object, seed: object, target: object = "v", steps: object = MAX_STEPS
) -> Settings:
    """The settings of a training, or `InputError`."""
    size = check_integer(size, name="The size in pixels", low=min(SIZES), high=max(SIZES))
    if size not in SIZES:
        raise InputError("The size in pixels must be 16 or 32.")
    start = check_choice(start, list(STARTS.values()), name="The start")
    seconds = check_number(seconds, name="The time in seconds", low=MIN_SECONDS, high=MAX_SECONDS)
    target = check_choice(target, TARGETS, name="What the network says")
    steps = check_integer(steps, name="The number of steps", low=1, high=MAX_STEPS)
    return Settings(size, start, seconds, check_seed(seed), target, steps)


Event = tuple[Any, str, Any]  # view, strip, name of the training


def compute_training(
    source: object, sprite_class: object, files: list[str] | None, size: object, start: object, *values: object
) -> Iterator[Event]:
    """Train while the visitor watches; `values`: seconds, seed, target and steps. Closing it ends the training."""
    source = check_choice(source, list(SOURCES.values()), name="What to learn")
    sprite_class = check_choice(sprite_class, list(CLASSES), name="The sprite class")
    settings = check_settings(size, start, *values)
    rgba = yield from _pictures(source, sprite_class, files, settings.size)
    yield gr.skip(), empty_strip("Preparing the network …"), gr.skip()
    from models.diffusion.live import train_live

    name = secrets.token_urlsafe(16)
    yield from _watch(train_live(settings, rgba, name), settings, rgba, name)


def _pictures(source: str, sprite_class: str, files: list[str] | None, size: int) -> Generator[Event, None, np.ndarray]:
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


def _watch(reports: "Iterator[Progress]", settings: Settings, rgba: np.ndarray, name: str) -> Iterator[Event]:
    """The training as a growing figure: curves several times a second, samples every few seconds and at the end."""
    from models.diffusion.live import blur_distance

    learned, first = view_of_learned(rgba), FirstRecognised(blur_distance(rgba))
    losses: list[tuple[int, float]] = []
    norms: list[tuple[int, float]] = []
    samples: list[SamplesView] = []
    strip = ""
    for progress in reports:
        if progress.loss is not None and progress.gradient_norm is not None:
            losses.append((progress.step, round(progress.loss, 5)))
            norms.append((progress.step, round(progress.gradient_norm, 5)))
        if progress.samples:
            samples.append(view_of_samples(progress.samples, progress.step, progress.seconds, first))
        view = SpriteTrainingView(name, learned, list(losses), list(norms), list(samples))
        strip = _facts(progress, settings)
        yield view, _strip(strip), name
    yield gr.skip(), _strip(strip, note=OVER), name


def _facts(progress: "Progress", settings: Settings) -> str:
    kind = {"noise": "a small U-Net from random weights", "embedded": "the embedded model, trained on"}
    facts = {
        "model": kind[settings.start],
        "parameters": f"{progress.parameters / 1e6:.3g} M",
        "device": "cpu",
        "says": next(says for says, target in SAYS.items() if target == settings.target),
        "step": f"{progress.step:,} of at most {settings.steps:,}",
        "time": f"{progress.seconds:.0f} of {settings.seconds:.0f} s",
        "a step": milliseconds(progress.seconds / max(1, progress.step)),
    }
    return _cells(facts)


def _cells(facts: dict[str, str]) -> str:
    return "".join(f"<span><b>{html.escape(key)}</b> {html.escape(value)}</span>" for key, value in facts.items())


def _strip(facts: str, *, note: str = "") -> str:
    extra = f'<span class="gb-strip-note">{note}</span>' if note else ""
    return f'<div class="gb-strip" role="status">{facts}{extra}</div>'


def stop_training(name: object) -> None:
    """End the visitor's own training after its present step; what it has learned is kept."""
    stops.ask(name)


def kept_name(name: object, own: object) -> object:
    """Name of the visitor's network for all pages: that of the training which has just ended, if it took a step."""
    return name if name in TRAINED else own


def save_trained(name: object) -> Any:
    """The kept network as a safetensors file in Gradio's cache."""
    trained = TRAINED.find(name)
    from models.diffusion import own_file

    return gr.update(value=str(own_file.save(trained, fresh_folder())), visible=True)


def load_trained(files: list[str]) -> tuple[Any, Any]:
    """A network that was kept as a file: (its name, strip)."""
    if not files:
        return gr.skip(), gr.skip()
    from models.diffusion import own_file

    name = own_file.load(the_file(files))
    said = f"Loaded: {TRAINED.find(name).title}. Choose it on the pages Reverse, Between two and From an image."
    return name, empty_strip(said)


def view_sources(source: object) -> tuple[Any, Any]:
    """Show the class or the file input."""
    source = check_choice(source, list(SOURCES.values()), name="What to learn")
    return gr.update(visible=source == "class"), gr.update(visible=source == "files")


def view_start(start: object, size: object, target: object) -> tuple[Any, Any]:
    """The embedded model knows 32 pixels and v only."""
    start = check_choice(start, list(STARTS.values()), name="The start")
    free = start != "embedded"
    if not free:
        size, target = 32, "v"
    return gr.update(value=size, interactive=free), gr.update(value=target, interactive=free)


def build(own: gr.State) -> None:
    """The page: one step, then a training; `own` becomes the name of what was trained."""
    inputs, step = _build_step(own)
    opens(compute_opening, inputs, [step, *_build_training(own)])


def _build_step(own: gr.State) -> tuple[list[Block], Block]:
    """What a step is made of, and where it is shown."""
    gr.Markdown(ONE_STEP, elem_classes="gb-note", latex_delimiters=LATEX)
    names = list(example_sprites())
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            with fold("Model and picture"):
                network = gr.Radio(list(STEP_NETWORKS.items()), value="embedded", label="Model")
                picture = gr.Radio(names, value=names[0], label="Picture")
                seed = gr.Number(1, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of t and noise")
            draw = gr.Button("Draw t and noise", variant="primary", elem_id="diffusion-draw")
        with gr.Column(scale=5, min_width=300):
            view = component("training_step", elem_id="diffusion-step")
    inputs = [network, picture, seed, own]
    keeps(network=network, picture=picture, draw=seed)
    following = draw.click(next_seed, seed, seed, **private())
    following.then(compute_example, inputs, view, **private(), **RUN)
    for event in (network.input, picture.input):
        event(compute_example, inputs, view, **private(), **RUN)
    return inputs, view


def _build_training(own: gr.State) -> list[Block]:
    """Returns where a training is shown: view, strip and finding."""
    running = gr.State("")
    gr.Markdown(TRAIN, elem_classes="gb-note")
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            source = gr.Radio(list(SOURCES.items()), value="class", label="What to learn", elem_id="diffusion-source")
            sprite_class = ClassMenu(
                [name for name in CLASS_CHOICES if name != ANY_CLASS], value="potion", label="Class"
            )
            with gr.Column(visible=False) as own_pictures:
                files = UploadedFiles(
                    label="Pictures, or a zip of them",
                    file_count="multiple",
                    height=150,
                    elem_id="diffusion-files",
                )
            start = gr.Radio(list(STARTS.items()), value="noise", label="Start from")
            size = gr.Radio(list(SIZES), value=16, label="Pixels a side")
            target = gr.Radio(list(SAYS.items()), value="v", label="The network says", elem_id="diffusion-target")
            seconds = gr.Slider(MIN_SECONDS, MAX_SECONDS, 120, step=5, label="Seconds", elem_id="diffusion-seconds")
            steps = gr.Slider(
                1, MAX_STEPS, MAX_STEPS, step=1, label="Steps at most", info=EITHER, elem_id="diffusion-most-steps"
            )
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
            with gr.Row():
                run = gr.Button("Train", variant="primary", min_width=110, elem_id="diffusion-train")
                stop = gr.Button("Stop", min_width=80, elem_id="diffusion-train-stop")
            kept = session_file("diffusion-file", "the pictures it was given are in it too")
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("diffusion-training-finding")
            view = component("training_view", elem_id="diffusion-training-view", count=SAMPLES)
            strip = gr.HTML(empty_strip("Something to recognise appears within two minutes on two CPU cores."))
            gr.Markdown(MEANING, elem_classes="gb-note")
    keeps(learn=source, sprite=sprite_class, start=start, size=size, seconds=seconds, seed=seed)
    keeps(says=target, most=steps)
    source.change(view_sources, source, [sprite_class, own_pictures], **private())
    start.input(view_start, [start, size, target], [size, target], **private())
    inputs = [source, sprite_class, files, size, start, seconds, seed, target, steps]
    ended = run.click(compute_training, inputs, [view, strip, running], **private(), **LONG)
    forgets(run.click, finding)
    ended.then(kept_name, [running, own], own, **private())
    stop.click(stop_training, running, None, **private())
    kept.keep.click(save_trained, own, kept.file, **private(), **LIGHT)
    kept.given.change(load_trained, kept.given, [own, strip], **private(), **LIGHT)
    return [view, strip, finding]
