"""Side by side: two settings in a grid, every cell one sprite, all denoised as one batch under one scrubber."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.diffusion.films import save_pictures, stop_button
from demos.diffusion.image import check_strength
from demos.diffusion.networks import loading
from demos.diffusion.plans import (
    ALL_CLASSES,
    MAX_GUIDANCE,
    MAX_SEED,
    SAMPLER_CHOICES,
    ClassMenu,
    check_plan,
    example_sprites,
)
from demos.opening import opens
from demos.tab import LIGHT, LONG, fold, private, stops
from demos.ui import component
from demos.views.diffusion_grid import GridView, contact_sheet, find_changes, sheet_of_moment
from models.diffusion.data import ANY_CLASS
from models.diffusion.samplers import TITLES
from models.diffusion.schedule import GUIDANCE, steps_of
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_choice, check_text

if TYPE_CHECKING:
    from models.diffusion.trace import Plan

TITLE = "Side by side"
MAX_CELLS, MAX_STEPS, MAX_VALUES_CHARS = 48, 50, 400
EMPTY = "Choose what differs from row to row and from column to column, and press Compare."

GRID = """All cells begin with the noise of their seed and are denoised together: one batch, one line of time. A cell of
few steps keeps its prediction until the others have come to the noise of its next step. Guidance in the middle acts
at the times 300 to 849 alone: what a sprite is has mostly been decided before, what it looks like in detail comes after
(Kynkäänniemi et al. 2024, [arXiv 2404.07724](https://arxiv.org/abs/2404.07724)). Where strength differs, all
begin with a picture: a cell of little strength shows it until the others have come to the noise it enters at."""


QUALITY = """Frechet distance of 355 sprites to real ones that were held out, divided by that of as many training
sprites: 1 is as good as more real sprites. In brackets precision (share of samples among the real ones) and recall
(share of the real ones among the samples). Measured beforehand at guidance 1.5, by
`python -m models.recipes.diffusion.evaluate`. Euler is DDIM in other coordinates, Euler ancestral DDPM.

| sampler | 5 steps | 10 steps | 25 steps |
|---|---|---|---|
| DDIM | 1.81 (0.58, 0.46) | 1.40 (0.70, 0.48) | 1.29 (0.77, 0.48) |
| DDPM | 2.06 (0.59, 0.36) | 1.64 (0.67, 0.48) | 1.39 (0.70, 0.52) |
| DPM-Solver++ | 1.64 (0.63, 0.51) | 1.28 (0.74, 0.45) | 1.28 (0.79, 0.50) |
| UniPC | 1.41 (0.67, 0.54) | 1.26 (0.77, 0.49) | 1.28 (0.79, 0.48) |

With guidance 2.5 in the middle alone (the times 300 to 849) and 25 steps, DDIM has 1.23 (0.74, 0.52) and UniPC
1.23 (0.77, 0.52). What they draw is of the class asked for in 81 % of the sprites, by a linear classifier that is right
about 69 % of real ones; with DDIM and guidance 1.5 all the way it is in 86 %."""


@dataclass(frozen=True)
class Axis:
    """A setting that can differ: `values` are its first ones, `number` is what its texts are read as."""

    title: str
    values: str
    number: type[int] | type[float] | None = None


AXES = {
    "sampler": Axis("sampler", "ddim, ddpm, dpm-solver++, unipc"),
    "steps": Axis("number of steps", "2, 4, 8, 16", int),
    "guidance": Axis("guidance", "1, 1.5, 3, 6", float),
    "guided": Axis("where guidance acts", "all the way, in the middle"),
    "seed": Axis("seed", "0, 1, 2, 3, 4, 5", int),
    "sprite_class": Axis("class", "potion, tree, wand, person"),
    "strength": Axis("strength", "0.2, 0.4, 0.6, 0.8", float),
    "prompt": Axis("words", "red potion, blue potion, green tree, purple book"),
}
AXIS_CHOICES = [(axis.title, name) for name, axis in AXES.items()]


def values_of(axis: str, text: object) -> list[Any]:
    """The values written for an axis, separated by commas. Raises `InputError` for none, or for what is no number."""
    title = AXES[axis].title
    text = check_text(text, name=f"What the {title} shall be", max_chars=MAX_VALUES_CHARS)
    values = [value.strip() for value in text.split(",") if value.strip()]
    if not values:
        raise InputError(f"Write at least one {title}, separated by commas.")
    number = AXES[axis].number
    try:
        return [number(value) for value in values] if number else values
    except ValueError:
        raise InputError(f"“{text}” is not a list of numbers for the {title}: separate them by commas.") from None


def check_grid(
    rows: object, row_values: object, columns: object, column_values: object, **base: object
) -> tuple[list[str], list[str], "tuple[Plan, ...]", tuple[float, ...]]:
    """Names of the rows and of the columns; of all cells, row by row, plans and strengths, the latter if they differ.

    Raises `InputError`.
    """
    rows = check_choice(rows, list(AXES), name="What differs from row to row")
    columns = check_choice(columns, list(AXES), name="What differs from column to column")
    if rows == columns:
        raise InputError("Rows and columns show the same setting: choose two different ones.")
    if {rows, columns} == {"prompt", "sprite_class"}:
        raise InputError("Words and classes are told to two different networks: choose one of them.")
    down, across = values_of(rows, row_values), values_of(columns, column_values)
    if len(down) * len(across) > MAX_CELLS:
        raise InputError(f"This grid has {len(down) * len(across):,} cells; {MAX_CELLS} are the most.")
    if "prompt" in (rows, columns):
        base = {**base, "sprite_class": ANY_CLASS}
    settings = [{**base, rows: row, columns: column} for row in down for column in across]
    # Where a run begins is no part of its plan.
    strengths = tuple(check_strength(setting.pop("strength")) for setting in settings if "strength" in setting)
    plans = tuple(check_plan(count=1, **setting) for setting in settings)  # pyright: ignore[reportArgumentType]
    if max(plan.steps for plan in plans) > MAX_STEPS:
        raise InputError(f"At most {MAX_STEPS} steps here.")
    return _named(rows, down), _named(columns, across), plans, strengths


def _named(axis: str, values: Sequence[Any]) -> list[str]:
    if axis == "sampler":
        return [TITLES[value] for value in values]
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in values]


def compute_grid(
    rows: object,
    row_values: object,
    columns: object,
    column_values: object,
    sprite_class: object,
    steps: object,
    seed: object,
    guidance: object,
    sampler: object,
    picture: object,
) -> Iterator[tuple[Any, ...]]:
    """Denoise all cells. Yields (grid, strip, file, where it is) after each moment; closing it stops all."""
    base = {"sprite_class": sprite_class, "steps": steps, "seed": seed, "guidance": guidance, "sampler": sampler}
    down, across, plans, strengths = check_grid(rows, row_values, columns, column_values, **base)
    picture = check_choice(picture, list(example_sprites()), name="The picture")
    rgba = read_rgba(example_sprites()[picture]) if strengths else None
    yield gr.skip(), loading() or gr.skip(), None, ""
    from models.diffusion.grid import denoise_grid

    heads = AXES[str(rows)].title, AXES[str(columns)].title
    sheets: list[str] = []
    times: list[list[int]] = []
    made = [steps_of(plan.steps, share) for plan, share in zip(plans, strengths or [1.0] * len(plans), strict=True)]
    for moment in denoise_grid(plans, rgba, strengths):
        sheets.append(sheet_of_moment(moment))
        times.append(list(moment.times))
        over = moment.index + 1 == moment.total
        note = "" if over else f"{moment.index + 1} of {moment.total}"
        file = save_pictures(contact_sheet(moment, len(across))[None], "grid")[0] if over else None
        finding = find_changes(moment.x_0, len(down), *heads) if over else ""
        view = GridView(*heads, down, across, moment.total, made, list(sheets), list(times), finding)
        more = [
            ("sprites", str(len(plans))),
            ("predictions", str(sum(moment.made) - sum(p.steps for p in plans) + sum(made))),
        ]
        yield view, strip_of(moment.run, more=more, note=note), file, note


def view_stopped(where: str) -> Any:
    """The strip that says where a grid was stopped; nothing where it had come to its end."""
    return empty_strip(f"Stopped at {where}.") if where else gr.skip()


def view_axis(axis: object) -> str:
    """The first values of an axis."""
    return AXES[check_choice(axis, list(AXES), name="What differs")].values


def build() -> None:
    """The page: what differs on the left, the grid on the right."""
    where = gr.State("")
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            with gr.Row():
                run = gr.Button("Compare", variant="primary", min_width=110, elem_id="diffusion-grid-run")
                stop = stop_button()
            with fold("Rows and columns"):
                rows, row_values = _build_axis("Rows", "sampler")
                columns, column_values = _build_axis("Columns", "steps")
            with fold("What all cells share"):
                shared = _build_shared()
            with gr.Accordion("The grid as a file", open=False):
                file = gr.File(show_label=False, interactive=False, height=80)
        with gr.Column(scale=5, min_width=300):
            grid = component("sprite_grid", elem_id="diffusion-grid", empty=EMPTY)
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            gr.Markdown(GRID, elem_classes="gb-note")
            with gr.Accordion("How good each is, measured beforehand", open=False):
                gr.Markdown(QUALITY)
    names = ("class", "steps", "seed", "guidance", "sampler", "picture")
    axes = {"rows": rows, "down": row_values, "columns": columns, "across": column_values}
    keeps(**axes, **dict(zip(names, shared, strict=True)), looks=("step",))
    for axis, values in ((rows, row_values), (columns, column_values)):
        axis.input(view_axis, axis, values, **private(), **LIGHT)
    inputs, outputs = [*axes.values(), *shared], [grid, strip, file, where]
    running = run.click(compute_grid, inputs, outputs, **private(), **LONG)
    opens(compute_grid, inputs, outputs, queue=LONG)
    stops(stop, [running], strip, view_stopped, where)


def _build_axis(name: str, axis: str) -> tuple[gr.Dropdown, gr.Textbox]:
    slug = name.lower()
    chosen = gr.Dropdown(AXIS_CHOICES, value=axis, label=name, elem_id=f"diffusion-grid-{slug}")
    values = gr.Textbox(
        AXES[axis].values, label=f"{name}: values", max_length=MAX_VALUES_CHARS, elem_id=f"diffusion-grid-{slug}-values"
    )
    return chosen, values


def _build_shared() -> list[gr.Dropdown | gr.Slider | gr.Number | gr.Radio]:
    """What is the same in all cells unless rows or columns say otherwise, and the picture that strengths need."""
    return [
        ClassMenu(value=ALL_CLASSES[0], label="Class"),
        gr.Slider(1, MAX_STEPS, 16, step=1, label="Steps"),
        gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed"),
        gr.Slider(1, MAX_GUIDANCE, GUIDANCE, step=0.1, label="Guidance", info="1: none"),
        gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler"),
        gr.Radio(list(example_sprites()), value="potion", label="Picture", info="where strength differs"),
    ]
