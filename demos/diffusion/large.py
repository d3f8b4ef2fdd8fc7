"""Large models: pictures from words, by models of the hub, on the same rail as the sprites."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from demos.base import empty_strip, run_strip, waiting_strip
from demos.components.filmstrip import filmstrip
from demos.diffusion.shared import LATEX, MAX_SEED, private
from demos.inputs.uploaded_image import UploadedImage
from demos.views.diffusion_large import draw_guidance, draw_large, draw_words
from models import hub, runtime, weights
from models.diffusion.large.offers import FORGETFUL_SAMPLERS, OFFERS
from models.diffusion.samplers import TITLES
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer, check_number, check_text

if TYPE_CHECKING:
    import numpy as np

    from models.diffusion.large.trace import LargeRun, LargeStep, Request, Start
    from models.runtime import Loaded

Film = dict[str, Any]

TITLE = "Large models"
MAX_STEPS, MAX_GUIDANCE, MAX_CHARS = 50, 15, 500
MIN_STRENGTH = 0.05
SAMPLER_CHOICES = [(TITLES[name], name) for name in FORGETFUL_SAMPLERS]
RUNNING = {"concurrency_id": "diffusion-large", "concurrency_limit": 1}

LARGE = r"""The same steps with far more weights. The network works on latents: pictures of 4 or 16 channels and an
eighth of the side, which a second network, the VAE, turns into pixels; one or two more read the prompt. On the way, a
tiny decoder (TAESD) shows what $\hat x_0$ would be; the finished picture comes from the VAE itself. **It needs a GPU to
be pleasant**; on a CPU every step takes long. A model has some gigabytes and is fetched from the hub when it is first
run.

$$\hat\varepsilon = \hat\varepsilon_\varnothing + g\,(\hat\varepsilon_{p} - \hat\varepsilon_\varnothing)$$

The Stable Diffusion models learned to predict the noise $\varepsilon$ (or $v$) in $x_t$; PRX learned flow matching:
$x_t = (1-t)\,x_0 + t\,\varepsilon$ lies on a straight line, and the network predicts its direction
$\varepsilon - x_0$. Either way $\hat x_0$ and $\hat\varepsilon$ follow from it, and the same samplers go on from
there."""

NONE_OFFERED = """Large models come from the hub, and this app was started without it (`--models embedded`). Started
with `--models auto`, it offers them here."""

STYLE = """.gb-large { display: flex; flex-wrap: wrap; gap: 0.7rem; }
.gb-large figure { margin: 0; width: 128px; }
.gb-large img { width: 128px; height: 128px; border: 1px solid var(--gb-line); border-radius: 6px; display: block; }
.gb-large figcaption, .gb-large-words { font-size: 0.82rem; color: var(--gb-subtle); margin: 0.3rem 0 0; }
"""

WORDS = """**Where the words look, in the step shown above.** For each word of the prompt, the share of the picture's
attention it gets in this step, averaged over all layers and heads that read the prompt. Each word has its own scale.
Most attention goes to the start mark, which is left out; in PRX, where the picture looks at itself in the same
attention, most goes there."""

GUIDANCE_NOTE = """**Guidance, in the step shown above.** The network is asked with the negative prompt (or nothing) and
with the prompt; the difference is what the prompt means for this picture at this time, as colours of the latents' first
three channels."""

FORK = """Everything before this step stays; from here on other words, guidance or another sampler. The seed matters to
samplers that add fresh noise. With nothing changed the run repeats itself bit by bit."""

NO_LONGER = '<p class="gb-large-words">This run is no longer kept here: press Generate for a new one.</p>'


def check_request(
    prompt: Any, negative: Any, steps: Any, guidance: Any, seed: Any, sampler: Any, strength: Any
) -> "Request":
    """What is asked for, or `InputError`."""
    prompt = check_text(prompt, name="The prompt", max_chars=MAX_CHARS)
    negative = check_text(negative, name="The negative prompt", max_chars=MAX_CHARS, allow_empty=True)
    steps = check_integer(steps, name="The number of steps", low=1, high=MAX_STEPS)
    guidance = check_number(guidance, name="Guidance", low=1, high=MAX_GUIDANCE)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    sampler = check_choice(sampler, FORGETFUL_SAMPLERS, name="The sampler")
    strength = check_number(strength, name="The strength", low=MIN_STRENGTH, high=1)
    from models.diffusion.large.trace import Request

    return Request(prompt, negative, steps, guidance, seed, sampler, strength)


def large_models() -> list[str]:
    """The hub's models for this page that may be chosen, by the app's mode."""
    return [name for name in weights.offered("diffusion") if name in OFFERS]


def check_model(model: Any) -> str:
    """A large model that may be chosen, or `InputError`."""
    if not isinstance(model, str) or model not in large_models():
        raise InputError("There is no such large model here: choose one of the list.")
    return model


def view_wants(model: Any) -> tuple[str, float, float]:
    """What a model wants: (words, steps, guidance)."""
    model = check_model(model)
    offer = OFFERS[model]
    return f"{offer.wants} Licence: {weights.CATALOGUE[model].licence}.", offer.steps, offer.guidance


def compute_large(model: Any, image: str | None, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Denoise by a large model. Yields (film, strip, file, fork panel); closing it stops after the step."""
    request, model = check_request(*values), check_model(model)
    rgb = None if image is None else read_image(image)
    if hub.start(model).status != "ready":
        hub.start(OFFERS[model].tiny_decoder)
        yield gr.skip(), waiting_strip(model), gr.skip(), gr.skip()
        return
    yield gr.skip(), empty_strip(f"Loading {weights.CATALOGUE[model].title} …"), None, gr.Column(visible=False)
    from models.diffusion.large.trace import LargeRun, from_noise, from_picture

    tiny, loaded = _load(model)
    network = loaded.network
    start = from_noise(network, request) if rgb is None else from_picture(network, request, rgb)
    for film, strip, file in _stream(LargeRun(model, request), loaded, tiny, start):
        yield film, strip, file, gr.skip()


def compute_fork(
    where: Any, prompt: Any, negative: Any, guidance: Any, sampler: Any, seed: Any
) -> Iterator[tuple[Any, ...]]:
    """Go on from a step by another request, beside the original. Yields (film, strip, file)."""
    if not isinstance(where, dict):
        raise InputError("Choose a step of a film first and press “Fork from this step”.")
    from models.diffusion.large.trace import RUNS, LargeRun, from_step

    parent = RUNS.find(where.get("run"))
    place = _place_in(parent, where.get("place"))
    before = parent.request
    request = check_request(prompt, negative, before.steps, guidance, seed, sampler, before.strength)
    tiny, loaded = _load(check_model(parent.model))
    run = LargeRun(parent.model, request, list(parent.steps[:place]))
    fork = {"forkOf": parent.key, "from": place, "changed": describe_changes(before, request)}
    yield from _stream(run, loaded, tiny, from_step(parent.steps[place]), fork=fork, originals=list(parent.steps))


def describe_changes(before: "Request", after: "Request") -> str:
    """What a fork does differently, in words."""
    changes = [
        f"{name} “{new}”"
        for name, old, new in (
            ("prompt", before.prompt, after.prompt),
            ("negative prompt", before.negative, after.negative),
        )
        if old != new
    ]
    changes += [
        f"{name} {old} → {new}"
        for name, old, new in (
            ("guidance", f"{before.guidance:g}", f"{after.guidance:g}"),
            ("sampler", TITLES[before.sampler], TITLES[after.sampler]),
            ("seed", before.seed, after.seed),
        )
        if old != new
    ]
    return ", ".join(changes) or "nothing changed"


def _load(model: str) -> "tuple[Loaded | str, Loaded]":
    """The tiny decoder, or why there is none; and the model, last, so that it is the last to make room for others."""
    from models.diffusion.large.load import load_large, load_tiny_decoder

    name = OFFERS[model].tiny_decoder
    if hub.start(name).status == "ready":
        return load_tiny_decoder(name), load_large(model)
    return f"{hub.describe(name)} Meanwhile the model's own VAE decodes.", load_large(model)


def _stream(
    run: "LargeRun",
    loaded: "Loaded",
    tiny: "Loaded | str",
    start: "Start",
    fork: Film | None = None,
    originals: "list[LargeStep] | None" = None,
) -> Iterator[tuple[Film, str, str | None]]:
    """Take the steps one by one into `run`, and yield (film, strip, file) after each; the file comes at the end."""
    from models.diffusion.large.trace import RUNS

    watch, begun = runtime.Stopwatch(), len(run.steps)
    total = begun + run.request.steps - start.index
    film: Film = {"run": run.key, "count": 1, "total": total, "steps": [], **(fork or {})}
    instead = tiny if isinstance(tiny, str) else ""
    steps = _denoise(loaded, run.request, start, None if isinstance(tiny, str) else tiny)
    while True:
        with watch("model"):
            step = next(steps, None)
        if step is None:
            return
        with watch("drawing"):
            original = originals[len(run.steps)] if originals and len(run.steps) < len(originals) else None
            drawn = draw_large(step, original)
            run.steps.append(step)
            film = {**film, "steps": [*film["steps"], drawn]}
        RUNS.keep(run)
        over = len(run.steps) == total
        note = instead if over else f"step {len(run.steps)} of {total}. {instead}".rstrip()
        strip = run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)
        yield film, strip, save_picture(step.picture, run.request.seed) if over else None


@runtime.gpu(duration=120)
def _denoise(loaded: "Loaded", request: "Request", start: "Start", tiny: "Loaded | None") -> Iterator["LargeStep"]:
    from models.diffusion.large.trace import trace_prompt

    yield from trace_prompt(loaded.network, request, start, tiny.network if tiny else None)


def save_picture(rgb: "np.ndarray", seed: int) -> str:
    """The finished picture as a PNG file in Gradio's cache."""
    cache_folder = Path(get_upload_folder())
    cache_folder.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=cache_folder)) / f"picture-{seed}.png"
    Image.fromarray(rgb).save(path)
    return str(path)


def _place_in(run: "LargeRun", place: Any) -> int:
    return check_integer(place, name="The step", low=0, high=len(run.steps) - 1)


def _sent(event: gr.EventData, name: str) -> Any:
    data = event._data
    return data.get(name) if isinstance(data, dict) else None


def view_step(event: gr.EventData) -> tuple[str, str]:
    """Guidance and words of the step that the film shows, as HTML."""
    from models.diffusion.large.trace import RUNS

    try:
        run = RUNS.find(_sent(event, "run"))
    except InputError:
        return NO_LONGER, NO_LONGER
    step = run.steps[_place_in(run, _sent(event, "place"))]
    return draw_words(step), draw_guidance(step)


def view_fork(event: gr.EventData) -> tuple[Any, ...]:
    """Open the fork panel for a step: (panel, where, heading, prompt, negative, guidance, sampler, seed)."""
    from models.diffusion.large.trace import RUNS

    run = RUNS.find(_sent(event, "run"))
    place = _place_in(run, _sent(event, "place"))
    asked, step = run.request, run.steps[place]
    heading = f"**Fork from step {place + 1} of {len(run.steps)}**, t = {step.t:.3g}. {FORK}"
    where = {"run": run.key, "place": place}
    changeable = (asked.prompt, asked.negative, asked.guidance, asked.sampler, asked.seed)
    return gr.Column(visible=True), where, heading, *changeable


def build() -> None:
    """The page: prompt and settings on the left, the film on the right, forks, words and guidance under it."""
    gr.Markdown(LARGE, elem_classes="gb-note", latex_delimiters=LATEX)
    models = large_models()
    if not models:
        gr.Markdown(NONE_OFFERED, elem_id="diffusion-large-none")
        return
    where = gr.State(None)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            model, wants, inputs = _build_request(models)
            with gr.Row():
                run = gr.Button("Generate", variant="primary", min_width=110, elem_id="diffusion-large-run")
                stop = gr.Button("Stop", min_width=80)
            file = gr.File(label="The picture", interactive=False, height=80)
        with gr.Column(scale=5, min_width=300):
            film = filmstrip(
                forkable=True,
                empty="Press Generate: every step appears here as it is computed.",
                elem_id="diffusion-large-film",
            )
            strip = gr.HTML(empty_strip("The model is fetched from the hub with the first run, then loaded."))
            panel, changes, heading, go = _build_fork()
            gr.Markdown(WORDS, elem_classes="gb-note")
            words = gr.HTML(css_template=STYLE, elem_id="diffusion-large-words")
            gr.Markdown(GUIDANCE_NOTE, elem_classes="gb-note")
            mixed = gr.HTML(css_template=STYLE, elem_id="diffusion-large-guidance")
    model.change(view_wants, model, wants, **private())
    running = run.click(compute_large, inputs, [film, strip, file, panel], **private(), **RUNNING)
    forking = go.click(compute_fork, [where, *changes], [film, strip, file], **private(), **RUNNING)
    film.fork(view_fork, None, [panel, where, heading, *changes], **private())
    film.step(view_step, None, [words, mixed], trigger_mode="always_last", **private())
    stop.click(None, None, None, cancels=[running, forking], api_visibility="private")


def _build_request(models: list[str]) -> tuple[gr.Dropdown, list[Any], list[Any]]:
    """What is asked for: the choice of model, what changes with it, and the inputs of `compute_large` in order."""
    choices = [(f"{weights.CATALOGUE[name].title}, from the hub", name) for name in models]
    words, wanted_steps, wanted_guidance = view_wants(models[0])
    model = gr.Dropdown(choices, value=models[0], label="Model", elem_id="diffusion-large-model")
    wants = gr.Markdown(words, elem_classes="gb-note")
    prompt = gr.Textbox("a red potion in a glass bottle", label="Prompt", lines=2, elem_id="diffusion-prompt")
    negative = _negative_prompt()
    steps = gr.Slider(1, MAX_STEPS, wanted_steps, step=1, label="Steps", elem_id="diffusion-large-steps")
    guidance = gr.Slider(1, MAX_GUIDANCE, wanted_guidance, step=0.5, label="Guidance", info="1: none")
    seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
    with gr.Accordion("More: sampler, and a picture to begin with", open=False):
        sampler = gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler")
        image = UploadedImage(label="Begin with a picture", sources=["upload", "webcam", "clipboard"], height=170)
        strength = gr.Slider(MIN_STRENGTH, 1, 0.6, step=0.05, label="Strength", info="share of the steps to run")
    inputs = [model, image, prompt, negative, steps, guidance, seed, sampler, strength]
    return model, [wants, steps, guidance], inputs


def _negative_prompt() -> gr.Textbox:
    return gr.Textbox("", label="Negative prompt: what to keep away from", placeholder="used above guidance 1")


def _build_fork() -> tuple[gr.Column, list[Any], gr.Markdown, gr.Button]:
    """The panel of a fork: what can be changed, in the order of `compute_fork`."""
    with gr.Column(visible=False, elem_id="diffusion-large-fork", elem_classes="gb-figure") as panel:
        heading = gr.Markdown(elem_classes="gb-note")
        with gr.Row():
            prompt = gr.Textbox(label="Prompt", lines=2, min_width=240, elem_id="diffusion-large-fork-prompt")
            negative = _negative_prompt()
        with gr.Row():
            guidance = gr.Slider(1, MAX_GUIDANCE, 1, step=0.5, label="Guidance", min_width=160)
            sampler = gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler", min_width=160)
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of fresh noise", min_width=160)
        go = gr.Button("Go on beside the original", variant="primary", elem_id="diffusion-large-fork-run")
    return panel, [prompt, negative, guidance, sampler, seed], heading, go
