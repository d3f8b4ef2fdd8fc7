"""Reverse: sprites denoised step by step while one watches."""

import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.events import api
from gradio.utils import get_upload_folder
from PIL import Image

from demos.base import empty_strip, run_strip
from demos.components.filmstrip import filmstrip
from demos.diffusion.shared import (
    LATEX,
    MAX_COUNT,
    MAX_SEED,
    MAX_STEPS,
    NAME,
    NETWORK,
    load_sprite_network,
    private,
)
from demos.figures.diffusion import draw_step
from models import runtime
from models.diffusion.data import ANY_CLASS, CLASSES
from models.diffusion.schedule import GUIDANCE, Schedule, cosine_schedule
from models.inputs import check_choice, check_integer, check_number

TITLE = "Reverse: take it away"

REVERSE = r"""The network sees $x_t$, the time and the class, and says what is noise. That gives a guess of the clean
picture, vague at first; the next, slightly less noisy picture is mixed from that guess and the predicted noise (DDIM,
Song et al. 2021). Guidance asks twice, with and without the class, and goes further in the direction of the difference.

$$x_{t'} = \sqrt{\bar\alpha_{t'}}\, \hat x_0 + \sqrt{1-\bar\alpha_{t'}}\, \hat\varepsilon$$"""

TRY = """- Go back to the first steps: the predicted picture is a grey average of everything the class could be.
- Keep the seed and change the class: the same noise becomes something else with the same light and dark places.
- Set guidance to 1 (none), then to 4: more typical, less varied, in the end too strong.
- Try 4 steps, then 50. Where does it stop to matter?
- It has seen some 3,300 sprites of one game and knows nothing else."""


@cache
def _schedule() -> Schedule:
    return cosine_schedule()


@runtime.gpu()
def _denoise(sprite_class: str, count: int, steps: int, seed: int, guidance: float) -> Iterator[Any]:
    from models.diffusion.trace import trace_denoising

    yield from trace_denoising(load_sprite_network().network, sprite_class, count, steps, seed, guidance=guidance)


def compute_sprites(
    sprite_class: Any, count: Any, steps: Any, seed: Any, guidance: Any
) -> Iterator[tuple[Any, str, list[str] | None]]:
    """Denoise while the visitor watches. Yields (film, strip, files) after every step; closing it stops the work."""
    sprite_class, count, steps, seed = check_request(sprite_class, count, steps, seed)
    guidance = check_number(guidance, name="Guidance", low=1, high=8)
    if NAME not in runtime.names_in_memory():
        yield gr.skip(), empty_strip("Loading the sprite model …"), None
    loaded, watch = load_sprite_network(), runtime.Stopwatch()
    film: dict[str, Any] = {"run": str(time.time_ns()), "count": count, "total": steps, "steps": []}
    stream = _denoise(sprite_class, count, steps, seed, guidance)
    step = None
    while True:
        with watch("model"):
            following = next(stream, None)
        if following is None:
            break
        step = following
        with watch("drawing"):
            film = {**film, "steps": [*film["steps"], draw_step(step, _schedule())]}
        done = f"step {step.index + 1} of {steps}"
        yield film, run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=done), None
    assert step is not None
    strip = run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"])
    yield film, strip, _save(step.x_0, sprite_class, seed)


def check_request(sprite_class: Any, count: Any, steps: Any, seed: Any) -> tuple[str, int, int, int]:
    """The four values that define a run, or `InputError`."""
    return (
        check_choice(sprite_class, [*CLASSES, ANY_CLASS], name="The sprite class"),
        check_integer(count, name="The number of sprites", low=1, high=MAX_COUNT),
        check_integer(steps, name="The number of steps", low=1, high=MAX_STEPS),
        check_integer(seed, name="The seed", low=0, high=MAX_SEED),
    )


def diffusion_generate(
    sprite_class: str, count: int = 4, steps: int = 25, seed: int = 0
) -> tuple[dict[str, Any], list[FileData]]:
    """Sprites of a class, denoised from random noise; the same seed gives the same sprites.

    Args:
        sprite_class: one of the classes of the Diffusion tab, or "any".
        count: how many sprites, 1 to 16.
        steps: denoising steps, 1 to 100.
        seed: 0 to 2147483647.

    Returns:
        {"model", "seconds", "images": [file names], "sprite_class", "steps", "seed"} and the PNG files themselves,
        RGBA of 32 x 32 pixels.
    """
    sprite_class, count, steps, seed = check_request(sprite_class, count, steps, seed)
    load_sprite_network()
    start = time.perf_counter()
    *_, last = _denoise(sprite_class, count, steps, seed, GUIDANCE)
    seconds = round(time.perf_counter() - start, 4)
    paths = _save(last.x_0, sprite_class, seed)
    names = [Path(path).name for path in paths]
    facts = {"model": NAME, "seconds": seconds, "images": names}
    files = [FileData(path=path, orig_name=name) for path, name in zip(paths, names, strict=True)]
    return {**facts, "sprite_class": sprite_class, "steps": steps, "seed": seed}, [file.model_dump() for file in files]  # pyright: ignore[reportReturnType]


def _save(x_0: np.ndarray, sprite_class: str, seed: int) -> list[str]:
    """Finished sprites as PNG files in a folder of their own in Gradio's cache."""
    from models.diffusion.trace import finished_sprites

    cache_folder = Path(get_upload_folder())
    cache_folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache_folder))
    paths = []
    for number, sprite in enumerate(finished_sprites(x_0)):
        paths.append(str(folder / f"{sprite_class}-{seed}-{number}.png"))
        Image.fromarray(sprite).save(paths[-1])
    return paths


def build() -> None:
    """The page: what to make on the left, the film on the right."""
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            sprite_class = gr.Dropdown([*CLASSES, ANY_CLASS], value="monster", label="Class", elem_id="diffusion-class")
            count = gr.Slider(1, MAX_COUNT, 4, step=1, label="Sprites")
            steps = gr.Slider(1, 50, 25, step=1, label="Steps")
            guidance = gr.Slider(1, 8, GUIDANCE, step=0.1, label="Guidance", info="1: none")
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
            with gr.Row():
                run = gr.Button("Generate", variant="primary", min_width=110, elem_id="diffusion-run")
                stop = gr.Button("Stop", min_width=80)
            with gr.Accordion("The sprites as files", open=False):
                files = gr.Files(label="PNG, 32 x 32, transparent", interactive=False)
        with gr.Column(scale=5, min_width=300):
            film = filmstrip()
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            gr.Markdown(
                REVERSE,
                elem_classes="gb-note",
                latex_delimiters=LATEX,
            )
    running = run.click(
        compute_sprites, [sprite_class, count, steps, seed, guidance], [film, strip, files], **private(), **NETWORK
    )
    stop.click(None, None, None, cancels=running, api_visibility="private")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    api(diffusion_generate, api_name="diffusion_generate", **NETWORK)
