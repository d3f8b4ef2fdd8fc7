"""What the pages that denoise ask for: limits, controls, a checked plan."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from demos.diffusion.networks import plan_for
from models.diffusion.data import ANY_CLASS, CLASSES
from models.diffusion.samplers import SAMPLERS, TITLES
from models.diffusion.schedule import GUIDANCE
from models.inputs import check_choice, check_integer, check_number

if TYPE_CHECKING:
    from models.diffusion.trace import Plan

Control = gr.Dropdown | gr.Slider | gr.Number

MAX_COUNT, MAX_STEPS, MAX_SEED, MAX_GUIDANCE = 16, 100, 2**31 - 1, 8
MEDIA = Path(__file__).resolve().parents[2] / "assets" / "media"
SAMPLER_CHOICES = [(title, name) for name, title in TITLES.items()]
BEST_FIRST = ["potion", "tree", "wand", "person", "jewellery", "statue", "scroll", "altar", "gateway"]
"""Classes whose sprites are most often readable, counted by eye: 16 of each at the defaults."""
ALL_CLASSES = [*BEST_FIRST, *(name for name in CLASSES if name not in BEST_FIRST), ANY_CLASS]


@cache
def example_sprites() -> dict[str, Path]:
    """Sprites made by the embedded model itself (`python -m models.recipes.diffusion.sample`), kept in assets/media."""
    return {path.stem.removeprefix("diffusion-"): path for path in sorted(MEDIA.glob("diffusion-*.png"))}


def check_seed(seed: object, name: str = "The seed") -> int:
    """A seed, or `InputError`."""
    return check_integer(seed, name=name, low=0, high=MAX_SEED)


def check_plan(
    sprite_class: object,
    count: object,
    steps: object,
    seed: object,
    guidance: object = GUIDANCE,
    sampler: object = "ddim",
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


def plan_controls(page: str, *, count: int = 4) -> dict[str, Control]:
    """The controls of a plan on that page, in the order of `check_plan`; element ids are `diffusion-<page>-<name>`."""
    names = ("class", "count", "steps", "seed", "guidance", "sampler")
    ids = {name: f"diffusion-{page}-{name}" for name in names}
    return {
        "sprite_class": gr.Dropdown(ALL_CLASSES, value=ALL_CLASSES[0], label="Class", elem_id=ids["class"]),
        "count": gr.Slider(1, MAX_COUNT, count, step=1, label="Sprites", elem_id=ids["count"]),
        "steps": gr.Slider(1, 50, 25, step=1, label="Steps", elem_id=ids["steps"]),
        "seed": gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", elem_id=ids["seed"]),
        "guidance": gr.Slider(
            1, MAX_GUIDANCE, GUIDANCE, step=0.1, label="Guidance", info="1: none", elem_id=ids["guidance"]
        ),
        "sampler": gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler", elem_id=ids["sampler"]),
    }
