"""What the pages that denoise have in common: a checked plan, the film while it is made, the finished files."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from demos.base import run_strip
from demos.diffusion.networks import load_chosen, plan_for
from demos.diffusion.shared import MAX_COUNT, MAX_SEED, MAX_STEPS, NAME
from demos.views.diffusion import draw_step, preview
from models import runtime
from models.diffusion import runs
from models.diffusion.data import ANY_CLASS, CLASSES
from models.diffusion.samplers import SAMPLERS, TITLES
from models.diffusion.schedule import GUIDANCE, Schedule, cosine_schedule
from models.inputs import check_choice, check_integer, check_number

if TYPE_CHECKING:
    from models.diffusion.edits import Entry
    from models.diffusion.trace import DenoisingStep, Plan

Control = gr.Dropdown | gr.Slider | gr.Number

MAX_GUIDANCE = 8
ALL_CLASSES = [*CLASSES, ANY_CLASS]
SAMPLER_CHOICES = [(title, name) for name, title in TITLES.items()]


@cache
def cosine() -> Schedule:
    """The sprite network's schedule."""
    return cosine_schedule()


def check_seed(seed: Any, name: str = "The seed") -> int:
    """A seed, or `InputError`."""
    return check_integer(seed, name=name, low=0, high=MAX_SEED)


def check_plan(
    sprite_class: Any,
    count: Any,
    steps: Any,
    seed: Any,
    guidance: Any = GUIDANCE,
    sampler: Any = "ddim",
    network: str = "",
) -> "Plan":
    """The values that define a run of the network of that name, or `InputError`."""
    sprite_class = check_choice(sprite_class, ALL_CLASSES, name="The sprite class")
    count = check_integer(count, name="The number of sprites", low=1, high=MAX_COUNT)
    steps = check_integer(steps, name="The number of steps", low=1, high=MAX_STEPS)
    seed = check_seed(seed)
    guidance = check_number(guidance, name="Guidance", low=1, high=MAX_GUIDANCE)
    sampler = check_choice(sampler, list(SAMPLERS), name="The sampler")
    from models.diffusion.trace import Plan

    return plan_for(network, Plan(sprite_class, count, steps, seed, guidance, sampler))


@runtime.gpu()
def denoise_entry(entry: "Entry", network: str = "") -> Iterator["DenoisingStep"]:
    """The steps of a run from where it begins, by the network of that name."""
    from models.diffusion.edits import run_entry

    yield from run_entry(load_chosen(network).network, entry)


Film = dict[str, Any]

RESENT, WHOLE_EVERY = 4, 16


def stream_film(
    run: runs.Run,
    steps: Iterator["DenoisingStep"],
    *,
    total: int,
    film: Film | None = None,
    original: "Callable[[int], DenoisingStep | None]" = lambda place: None,
) -> Iterator[tuple[Film, str]]:
    """Take the steps one by one into `run`, and yield (film, strip) after each. `film` is what the film begins as.

    A whole film of many sprites has megabytes: it is sent as a whole now and then and at the end, else only its newest
    steps, some of them again in case the browser has missed one.
    """
    loaded, watch = load_chosen(run.network), runtime.Stopwatch()
    film = {"run": run.key, "count": run.plan.count, "total": total, **(film or {})}
    made: list[dict[str, Any]] = []
    while True:
        with watch("model"):
            step = next(steps, None)
        if step is None:
            break
        with watch("drawing"):
            drawn = draw_step(step, cosine(), original(len(run.steps)))
            run.steps.append(step)
            made.append(drawn)
        note = f"step {len(run.steps)} of {total}" if len(run.steps) < total else ""
        whole = len(run.steps) >= total or len(made) % WHOLE_EVERY == 0
        first = 0 if whole else max(0, len(made) - RESENT)
        strip = run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)
        yield {**film, "first": first, "steps": made[first:]}, strip


def save_sprites(x_0: np.ndarray, name: str, given: np.ndarray | None = None) -> list[str]:
    """Finished sprites as PNG files in a folder of their own in Gradio's cache; pixels `given` stay as they are."""
    from models.diffusion.trace import finished_sprites

    cache_folder = Path(get_upload_folder())
    cache_folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache_folder))
    paths = []
    for number, sprite in enumerate(finished_sprites(x_0, given)):
        paths.append(str(folder / f"{name}-{number}.png"))
        Image.fromarray(sprite).save(paths[-1])
    return paths


def stream_answers(entry: "Entry", asked: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Answers of an endpoint: one for each step, then the result with the paths of its files."""
    start, x_0, given = time.perf_counter(), entry.x_t, np.ones(entry.x_t.shape[-2:], bool)
    for step in denoise_entry(entry):
        x_0, given = step.x_0, step.given
        yield {"step": step.index + 1, "steps": step.steps, "t": step.t, "preview": preview(x_0)}, []
    seconds = round(time.perf_counter() - start, 4)
    paths = save_sprites(x_0, f"{entry.plan.sprite_class}-{entry.plan.seed}", given)
    names = [Path(path).name for path in paths]
    yield {"model": NAME, "seconds": seconds, "images": names, **asked}, paths


def plan_controls(*, count: int = 4, samplers: bool = True) -> dict[str, Control]:
    """The controls of a plan, in the order of `check_plan`."""
    controls: dict[str, Control] = {
        "sprite_class": gr.Dropdown(ALL_CLASSES, value="monster", label="Class"),
        "count": gr.Slider(1, MAX_COUNT, count, step=1, label="Sprites"),
        "steps": gr.Slider(1, 50, 25, step=1, label="Steps"),
        "seed": gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed"),
        "guidance": gr.Slider(1, MAX_GUIDANCE, GUIDANCE, step=0.1, label="Guidance", info="1: none"),
    }
    if samplers:
        controls["sampler"] = gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler")
    return controls
