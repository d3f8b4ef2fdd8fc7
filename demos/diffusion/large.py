"""Large models: pictures from words, by models of the hub, on the same rail as the sprites."""

import html
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from demos.base import empty_strip, run_strip
from demos.components.filmstrip import filmstrip
from demos.components.uploaded_image import UploadedImage
from demos.diffusion.shared import LATEX, MAX_SEED, private
from demos.figures.diffusion_large import draw_guidance, draw_large, draw_words
from models import hub, runtime, weights
from models.diffusion.samplers import TITLES
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer, check_number, check_text

if TYPE_CHECKING:
    import numpy as np

    from models.diffusion.large import LargeStep, Request
    from models.runtime import Loaded

TITLE = "Large models"
MAX_STEPS, MAX_GUIDANCE, MAX_CHARS = 50, 15, 500
MIN_STRENGTH = 0.05
SAMPLERS = ("ddim", "ddpm", "euler", "euler-ancestral")
RUNNING = {"concurrency_id": "diffusion-large", "concurrency_limit": 1}

LARGE = r"""The same steps with far more weights. The network works on latents: pictures of four channels and an
eighth of the side, which a second network, the VAE, turns into pixels; a third one reads the prompt. SD-Turbo is
distilled for 1 to 4 steps without guidance (guidance 1); Stable Diffusion 1.5 wants some 25 steps and guidance of
about seven. **It needs a GPU to be pleasant**; on a CPU every step takes long. The model has some
gigabytes and is fetched from the hub when it is first run.

$$\hat\varepsilon = \hat\varepsilon_\varnothing + g\,(\hat\varepsilon_{p} - \hat\varepsilon_\varnothing)$$"""

NONE_OFFERED = """Large models come from the hub, and this app was started without it (`--models embedded`). Started
with `--models auto`, it offers them here."""

STYLE = """.gb-large { display: flex; flex-wrap: wrap; gap: 0.7rem; }
.gb-large figure { margin: 0; width: 128px; }
.gb-large img { width: 128px; height: 128px; border: 1px solid var(--gb-line); border-radius: 6px; display: block; }
.gb-large figcaption, .gb-large-words { font-size: 0.82rem; color: var(--gb-subtle); margin: 0.3rem 0 0; }
"""

WORDS = """**Where the words look.** For each word of the prompt, the share of the picture's attention it gets so far,
averaged over all layers and heads that read the prompt. Each word has its own scale. Most attention goes to the start
mark, which is left out."""

GUIDANCE_NOTE = """**Guidance.** The network is asked with the negative prompt (or nothing) and with the prompt; the
difference is what the prompt means for this picture at this time, as colours of the latents' first three channels."""


def check_request(
    prompt: Any, negative: Any, steps: Any, guidance: Any, seed: Any, sampler: Any, strength: Any
) -> "Request":
    """What is asked for, or `InputError`."""
    prompt = check_text(prompt, name="The prompt", max_chars=MAX_CHARS)
    negative = check_text(negative, name="The negative prompt", max_chars=MAX_CHARS, allow_empty=True)
    steps = check_integer(steps, name="The number of steps", low=1, high=MAX_STEPS)
    guidance = check_number(guidance, name="Guidance", low=1, high=MAX_GUIDANCE)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    sampler = check_choice(sampler, SAMPLERS, name="The sampler")
    strength = check_number(strength, name="The strength", low=MIN_STRENGTH, high=1)
    from models.diffusion.large import Request

    return Request(prompt, negative, steps, guidance, seed, sampler, strength)


def large_models() -> list[str]:
    """The hub's models for this page that may be chosen, by the app's mode."""
    return [name for name in weights.offered("diffusion") if weights.CATALOGUE[name].kind == "hub"]


def compute_large(model: Any, image: str | None, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Denoise by a large model. Yields (film, strip, guidance, words, file); closing it stops after the step."""
    request = check_request(*values)
    if not isinstance(model, str) or model not in large_models():
        raise InputError("There is no such large model here: choose one of the list.")
    rgb = None if image is None else read_image(image)
    if hub.start(model).status != "ready":
        yield gr.skip(), waiting_strip(model), gr.skip(), gr.skip(), gr.skip()
        return
    title = weights.CATALOGUE[model].title
    yield gr.skip(), empty_strip(f"Loading {title} …"), gr.skip(), gr.skip(), None
    from models.diffusion.pipeline import load_pipeline

    yield from _watch(runtime.load(model, load_pipeline), request, rgb)


def waiting_strip(model: str) -> str:
    """Where the download of a model stands; the page goes on telling it by itself."""
    note = f'<span class="gb-strip-note" data-gb-download="{model}">{html.escape(hub.describe(model))}</span>'
    return f'<div class="gb-strip" role="status">{note}</div>'


def _watch(loaded: "Loaded", request: "Request", rgb: "np.ndarray | None") -> Iterator[tuple[Any, ...]]:
    from models.diffusion.large import schedule_of

    watch, schedule = runtime.Stopwatch(), schedule_of(loaded.network)
    total = request.steps - (request.first if rgb is not None else 0)
    film: dict[str, Any] = {"run": secrets.token_hex(4), "count": 1, "total": total, "steps": []}
    steps = _denoise(loaded, request, rgb)
    while True:
        with watch("model"):
            step = next(steps, None)
        if step is None:
            return
        with watch("drawing"):
            film = {**film, "steps": [*film["steps"], draw_large(step, schedule)]}
            guidance, words = draw_guidance(step, request.guidance), draw_words(step)
        over = len(film["steps"]) == total
        note = "" if over else f"step {len(film['steps'])} of {total}"
        strip = run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)
        yield film, strip, guidance, words, save_picture(step.picture, request.seed) if over else None


@runtime.gpu(duration=120)
def _denoise(loaded: "Loaded", request: "Request", rgb: "np.ndarray | None") -> Iterator["LargeStep"]:
    from models.diffusion.large import trace_prompt

    yield from trace_prompt(loaded.network, request, rgb)


def save_picture(rgb: "np.ndarray", seed: int) -> str:
    """The finished picture as a PNG file in Gradio's cache."""
    cache_folder = Path(get_upload_folder())
    cache_folder.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=cache_folder)) / f"picture-{seed}.png"
    Image.fromarray(rgb).save(path)
    return str(path)


def build() -> None:
    """The page: prompt and settings on the left, the film on the right, guidance and words under it."""
    gr.Markdown(LARGE, elem_classes="gb-note", latex_delimiters=LATEX)
    models = large_models()
    if not models:
        gr.Markdown(NONE_OFFERED, elem_id="diffusion-large-none")
        return
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            choices = [(f"{weights.CATALOGUE[name].title}, from the hub", name) for name in models]
            model = gr.Dropdown(choices, value=models[0], label="Model")
            prompt = gr.Textbox("a red potion in a glass bottle", label="Prompt", lines=2, elem_id="diffusion-prompt")
            negative = gr.Textbox(
                "", label="Negative prompt: what to keep away from", placeholder="used above guidance 1"
            )
            steps = gr.Slider(1, MAX_STEPS, 4, step=1, label="Steps", elem_id="diffusion-large-steps")
            guidance = gr.Slider(1, MAX_GUIDANCE, 1, step=0.5, label="Guidance", info="1: none")
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
            with gr.Accordion("More: sampler, and a picture to begin with", open=False):
                sampler = gr.Dropdown([(TITLES[name], name) for name in SAMPLERS], value="ddim", label="Sampler")
                image = UploadedImage(
                    label="Begin with a picture", sources=["upload", "webcam", "clipboard"], height=170
                )
                strength = gr.Slider(
                    MIN_STRENGTH, 1, 0.6, step=0.05, label="Strength", info="share of the steps to run"
                )
            with gr.Row():
                run = gr.Button("Generate", variant="primary", min_width=110, elem_id="diffusion-large-run")
                stop = gr.Button("Stop", min_width=80)
            file = gr.File(label="The picture", interactive=False, height=80)
        with gr.Column(scale=5, min_width=300):
            film = filmstrip(
                empty="Press Generate: every step appears here as it is computed.", elem_id="diffusion-large-film"
            )
            strip = gr.HTML(empty_strip("The model is fetched from the hub with the first run, then loaded."))
            gr.Markdown(WORDS, elem_classes="gb-note")
            words = gr.HTML(css_template=STYLE, elem_id="diffusion-large-words")
            gr.Markdown(GUIDANCE_NOTE, elem_classes="gb-note")
            mixed = gr.HTML(css_template=STYLE, elem_id="diffusion-large-guidance")
    inputs = [model, image, prompt, negative, steps, guidance, seed, sampler, strength]
    running = run.click(compute_large, inputs, [film, strip, mixed, words, file], **private(), **RUNNING)
    stop.click(None, None, None, cancels=[running], api_visibility="private")
