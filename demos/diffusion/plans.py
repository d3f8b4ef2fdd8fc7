"""What the pages that denoise ask for: limits, controls, a checked plan."""

from functools import cache, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.diffusion.networks import plan_for
from models.diffusion.data import ANY_CLASS
from models.diffusion.samplers import SAMPLERS, TITLES
from models.diffusion.schedule import ALL_THE_WAY, GUIDANCE, GUIDED
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number, check_text

if TYPE_CHECKING:
    from models.diffusion.trace import Plan

Control = gr.Dropdown | gr.Slider | gr.Number

MAX_COUNT, MAX_STEPS, MAX_SEED, MAX_GUIDANCE = 16, 100, 2**31 - 1, 8
MAX_CHARS = 500  # of a prompt
MEDIA = Path(__file__).resolve().parents[2] / "assets" / "media"
SAMPLER_CHOICES = [(title, name) for name, title in TITLES.items()]
READABLE = {
    "potion": 15,
    "tree": 15,
    "wand": 15,
    "person": 12,
    "jewellery": 12,
    "statue": 11,
    "scroll": 11,
    "altar": 9,
    "gateway": 9,
    "food": 9,
    "weapon": 8,
    "monster": 4,
    "armour": 2,
}
"""How many of 16 sprites of each class can be read, counted by eye at the defaults; the best first."""
READABLE_OF, ENOUGH = 16, 12
ALL_CLASSES = [*READABLE, ANY_CLASS]
BADLY_DRAWN = {name: count for name, count in READABLE.items() if count < ENOUGH}
CLASS_CHOICES = [name for name in ALL_CLASSES if name not in BADLY_DRAWN]
"""What is offered: the classes of which at least `ENOUGH` of `READABLE_OF` sprites can be read."""


def counted_classes() -> list[str]:
    """All that a run may be told, with how much of it can be read."""
    return [*(f"{name} ({count} of {READABLE_OF} can be read)" for name, count in READABLE.items()), ANY_CLASS]


class ClassMenu(gr.Dropdown):
    """The menu of classes. It offers `CLASS_CHOICES`, and takes the others by name: from a link, a fork, a lesson."""

    also = tuple(BADLY_DRAWN)

    def __init__(self, choices: list[str] = CLASS_CHOICES, **options: Any) -> None:
        super().__init__(choices, **{**options, "allow_custom_value": True})

    def get_block_name(self) -> str:
        """The browser draws it as Gradio's own."""
        return "dropdown"


update_wrapper(ClassMenu.__init__, gr.Dropdown.__init__)  # Gradio sends to the page what the signature names


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
    prompt: object = "",
    negative: object = "",
    guided: object = ALL_THE_WAY,
) -> "Plan":
    """The values that define a run of the network of that name, or of the one that reads words; or `InputError`."""
    sprite_class = check_choice(sprite_class, ALL_CLASSES, name="The sprite class")
    count = check_integer(count, name="The number of sprites", low=1, high=MAX_COUNT)
    steps = check_integer(steps, name="The number of steps", low=1, high=MAX_STEPS)
    seed = check_seed(seed)
    guidance = check_number(guidance, name="Guidance", low=1, high=MAX_GUIDANCE)
    sampler = check_choice(sampler, list(SAMPLERS), name="The sampler")
    guided = check_choice(guided, list(GUIDED), name="Where guidance acts")
    prompt = check_text(prompt, name="The prompt", max_chars=MAX_CHARS, allow_empty=True).strip()
    negative = check_text(negative, name="The negative prompt", max_chars=MAX_CHARS, allow_empty=True)
    if prompt and sprite_class != ANY_CLASS:
        raise InputError(f"Give a class or a prompt, not both: with a prompt the class is “{ANY_CLASS}”.")
    if negative.strip() and not prompt:
        raise InputError("A negative prompt needs a prompt: the network that is told a class reads no words.")
    from models.diffusion.trace import Plan

    plan = Plan(sprite_class, count, steps, seed, guidance, sampler, prompt=prompt, negative=negative, guided=guided)
    return plan_for(network, plan)


def plan_controls(page: str, *, count: int = 4) -> dict[str, Control]:
    """The controls of a plan on that page, in the order of `check_plan`; element ids are `diffusion-<page>-<name>`."""
    names = ("class", "count", "steps", "seed", "guidance", "sampler")
    ids = {name: f"diffusion-{page}-{name}" for name in names}
    return {
        "sprite_class": ClassMenu(value=ALL_CLASSES[0], label="Class", elem_id=ids["class"]),
        "count": gr.Slider(1, MAX_COUNT, count, step=1, label="Sprites", elem_id=ids["count"]),
        "steps": gr.Slider(1, 50, 25, step=1, label="Steps", elem_id=ids["steps"]),
        "seed": gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", elem_id=ids["seed"]),
        "guidance": gr.Slider(
            1, MAX_GUIDANCE, GUIDANCE, step=0.1, label="Guidance", info="1: none", elem_id=ids["guidance"]
        ),
        "sampler": gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler", elem_id=ids["sampler"]),
    }
