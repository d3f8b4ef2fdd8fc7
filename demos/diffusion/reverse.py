"""Reverse: sprites denoised step by step, any step left by a fork, and compared with the training sprites."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api

from demos.base import empty_strip
from demos.components.filmstrip import filmstrip
from demos.components.pixel_canvas import Canvas, canvas_value, pixel_canvas, read_canvas
from demos.diffusion.networks import chosen_network, follow_choice, load_chosen, loading, network_choice
from demos.diffusion.running import (
    ALL_CLASSES,
    MAX_GUIDANCE,
    SAMPLER_CHOICES,
    check_plan,
    denoise_entry,
    plan_controls,
    save_sprites,
    stream_answers,
    stream_film,
)
from demos.diffusion.shared import LATEX, MAX_SEED, NETWORK, load_sprite_network, private
from demos.views.diffusion import draw_known, draw_nearest, draw_pixel
from models.diffusion import runs
from models.diffusion.samplers import TITLES
from models.diffusion.schedule import GUIDANCE
from models.errors import InputError
from models.inputs import check_integer

if TYPE_CHECKING:
    from models.diffusion.edits import Entry
    from models.diffusion.trace import DenoisingStep, Plan

TITLE = "Reverse: take it away"

REVERSE = r"""The network sees $x_t$, the time and the class, and says what is noise. That gives a guess of the clean
picture, vague at first. The sampler mixes the next, slightly less noisy picture from what is there: each line under the
pictures is that sum, with the factors that were used. For DDIM (Song et al. 2021) it is

$$x_{t'} = \sqrt{\bar\alpha_{t'}}\, \hat x_0 + \sqrt{1-\bar\alpha_{t'}}\, \hat\varepsilon$$

Guidance asks twice, with and without the class, and goes further in the direction of the difference."""

TRY = """- Go back to the first steps: the predicted picture is a grey average of everything the class could be.
- Keep the seed and change the class: the same noise becomes something else with the same light and dark places.
- Set guidance to 1 (none), then to 4: more typical, less varied, in the end too strong.
- Try 4 steps, then 50. Where does it stop to matter? And with DPM-Solver++, which looks back one step?
- Run DDIM, then Euler with the same seed: the same sprites, for it is the same step in other coordinates. So are DDPM
  and Euler ancestral, up to the network's rounding.
- Fork at an early step with another class: the outline stays. Fork late: only colours can still change.
- Click a pixel of a picture: the arithmetic of that step with that pixel's own numbers.
- The embedded network has seen some 3,300 sprites of one game and knows nothing else."""

FORK = """Everything before this step stays. Change a setting, or paint on the predicted picture, and go on beside the
original; with nothing changed the run repeats itself exactly. The seed is that of fresh noise, which only DDPM and
Euler ancestral add on the way."""

NOVELTY = """Each finished sprite is compared with all sprites of the training, as the embedded vision model
(DINOv2) sees them. The training sprites themselves are not part of this app, so that the nearest one is named, not
shown. A distance alone says little; beside it stands how many real sprites that were never trained on are as near.
Pictures of a network that you trained are compared pixel by pixel with those you gave it."""


def compute_sprites(choice: Any, own: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Denoise while the visitor watches. Yields (film, strip, files, run, pixel, fork panel); closing it stops it."""
    network = chosen_network(choice, own)
    plan = check_plan(*values, network=network)
    closed, as_they_are = ("", gr.Column(visible=False)), (gr.skip(), gr.skip())
    yield gr.skip(), loading(network) or gr.skip(), None, None, *closed
    load_chosen(network)
    run = runs.keep(runs.Run(plan, network=network))
    film, strip = None, ""
    for film, strip in stream_film(run, denoise_entry(_beginning(plan), network), total=plan.steps):
        yield film, strip, None, run.key, *as_they_are
    yield film, strip, save_sprites(run.steps[-1].x_0, f"{plan.sprite_class}-{plan.seed}"), run.key, *as_they_are


def _beginning(plan: "Plan") -> "Entry":
    from models.diffusion.edits import Entry
    from models.diffusion.trace import first_noise

    return Entry(plan, 0, first_noise(plan.count, plan.seed, plan.size))


def _place_in(run: runs.Run, place: Any) -> int:
    if not run.steps:
        raise InputError("This run has no steps yet.")
    return check_integer(place, name="The step", low=0, high=len(run.steps) - 1)


def _sent(event: gr.EventData, name: str) -> Any:
    data = event._data
    return data.get(name) if isinstance(data, dict) else None


def view_fork(event: gr.EventData) -> tuple[Any, ...]:
    """Open the fork panel: (panel, where, heading, canvas, class, guidance, sampler, seed, panel of the classes)."""
    run = runs.find(_sent(event, "run"))
    place = _place_in(run, _sent(event, "place"))
    from models.diffusion.trace import finished_sprites

    step, plan = run.steps[place], run.plan
    heading = f"**Fork from step {place + 1} of {plan.steps}**, t = {step.t}. {FORK}"
    canvas = canvas_value(finished_sprites(step.x_0))
    where = {"run": run.key, "place": place}
    values = plan.sprite_class, plan.guidance, plan.sampler, plan.seed
    return gr.Column(visible=True), where, heading, canvas, *values, gr.Column(visible=not run.network)


def compute_fork(
    where: Any, sprite_class: Any, guidance: Any, sampler: Any, seed: Any, canvas: Any
) -> Iterator[tuple[Any, ...]]:
    """Go on from a step by another plan, beside the original. Yields (film, strip, files, run)."""
    if not isinstance(where, dict):
        raise InputError("Choose a step of a film first and press “Fork from this step”.")
    parent = runs.find(where.get("run"))
    place = _place_in(parent, where.get("place"))
    network, count, steps = parent.network, parent.plan.count, parent.plan.steps
    plan = check_plan(sprite_class, count, steps, seed, guidance, sampler, network)
    painted = read_canvas(canvas)
    entry = _fork_entry(parent, place, plan, painted)
    since = parent.since if entry.past or place == parent.since else place
    run = runs.keep(runs.Run(plan, list(parent.steps[:place]), since, network))
    fork = {"forkOf": parent.key, "from": place, "changed": describe_changes(parent.plan, plan, painted)}

    def original(at: int) -> "DenoisingStep | None":
        return parent.steps[at] if at < len(parent.steps) else None

    film, strip = None, ""
    steps_of_fork = denoise_entry(entry, network)
    for film, strip in stream_film(run, steps_of_fork, total=plan.steps, film=fork, original=original):
        yield film, strip, None, run.key
    yield film, strip, save_sprites(run.steps[-1].x_0, f"{plan.sprite_class}-{plan.seed}-fork"), run.key


def _fork_entry(parent: runs.Run, place: int, plan: "Plan", canvas: Canvas | None) -> "Entry":
    from models.diffusion.edits import Painting, fork

    painting = None
    if canvas is not None and canvas.painted.any():
        if canvas.sprite >= plan.count:
            raise InputError(f"There is no sprite number {canvas.sprite + 1} in this run.")
        if len(canvas.rgba) != plan.size:
            raise InputError("What was painted is not of the size of this run: press “Fork from this step” again.")
        painting = Painting(canvas.rgba, canvas.painted, canvas.sprite)
    return fork(parent.plan, parent.steps, place, plan, painting, since=parent.since)


def describe_changes(before: "Plan", after: "Plan", canvas: Canvas | None) -> str:
    """What a fork does differently, in words."""
    names = {"sprite_class": "class", "guidance": "guidance", "sampler": "sampler", "seed": "seed"}
    changes = []
    for field, name in names.items():
        old, new = (TITLES.get(str(value), value) for value in (getattr(before, field), getattr(after, field)))
        if old != new:
            changes.append(f"{name} {old} → {new}")
    if canvas is not None and canvas.painted.any():
        changes.append(f"painted on sprite {canvas.sprite + 1}")
    return ", ".join(changes) or "nothing changed"


def view_pixel(event: gr.EventData) -> str:
    """The arithmetic of one step at one pixel, as HTML."""
    run = runs.find(_sent(event, "run"))
    step = run.steps[_place_in(run, _sent(event, "place"))]
    sprite = check_integer(_sent(event, "sprite"), name="The sprite", low=0, high=run.plan.count - 1)
    places = {name: _sent(event, name) for name in ("row", "column")}
    row, column = (check_integer(at, name=f"The {name}", low=0, high=run.plan.size - 1) for name, at in places.items())
    return draw_pixel(step, sprite, row, column)


def compute_nearest(key: Any) -> Iterator[str]:
    """Compare the finished sprites of the last run with the training sprites. Yields HTML."""
    if key is None:
        raise InputError("Generate sprites first.")
    run = runs.find(key)
    if len(run.steps) < run.plan.steps:
        raise InputError("This run was stopped before its end: generate sprites to the last step first.")
    from models.diffusion.trace import finished_sprites

    sprites = finished_sprites(run.steps[-1].x_0)
    if run.network:
        from models.diffusion import live

        yield draw_known(sprites, *live.nearest_pictures(sprites, live.find(run.network).rgba))
        return
    yield empty_strip("Looking at the sprites with DINOv2 …")
    from models.diffusion.novelty import nearest_training

    yield draw_nearest(sprites, nearest_training(sprites))


def diffusion_generate(
    sprite_class: str, count: int = 4, steps: int = 25, seed: int = 0
) -> Iterator[tuple[dict[str, Any], list[FileData]]]:
    """Sprites of a class, denoised from random noise; the same seed gives the same sprites.

    Streams one answer a step, `{"step", "steps", "t", "preview": PNG data address of the predicted sprites}` without
    files, and the result at the end. Cancel the job and the work stops within a step.

    Args:
        sprite_class: one of the classes of the Diffusion tab, or "any".
        count: how many sprites, 1 to 16.
        steps: denoising steps, 1 to 100.
        seed: 0 to 2147483647.

    Returns:
        {"model", "seconds", "images": [file names], "sprite_class", "steps", "seed"} and the PNG files themselves,
        RGBA of 32 x 32 pixels.
    """
    plan = check_plan(sprite_class, count, steps, seed, GUIDANCE)
    load_sprite_network()
    asked = {"sprite_class": sprite_class, "steps": steps, "seed": seed}
    for facts, paths in stream_answers(_beginning(plan), asked):
        yield facts, [FileData(path=path, orig_name=Path(path).name) for path in paths]


def build(own: gr.State) -> None:
    """The page: what to make on the left, the film on the right, forks and the comparison under it."""
    run_key, where = gr.State(None), gr.State(None)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            network = network_choice("diffusion-network")
            controls = plan_controls()
            with gr.Row():
                run = gr.Button("Generate", variant="primary", min_width=110, elem_id="diffusion-run")
                stop = gr.Button("Stop", min_width=80)
            with gr.Accordion("The sprites as files", open=False):
                files = gr.Files(show_label=False, interactive=False, height=120)
        with gr.Column(scale=5, min_width=300):
            film = filmstrip(forkable=True, elem_id="diffusion-film")
            pixel = gr.HTML(elem_id="diffusion-pixel")
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            panel, fork_controls, classed, canvas, heading, go = _build_fork()
            gr.Markdown(REVERSE, elem_classes="gb-note", latex_delimiters=LATEX)
    _build_nearest(run_key)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    outputs = [film, strip, files, run_key]
    follow_choice(network, own, [controls["sprite_class"], controls["guidance"]])
    asked = [network, own, *controls.values()]
    running = run.click(compute_sprites, asked, [*outputs, pixel, panel], **private(), **NETWORK)
    forking = go.click(compute_fork, [where, *fork_controls, canvas], outputs, **private(), **NETWORK)
    film.fork(view_fork, None, [panel, where, heading, canvas, *fork_controls, classed], **private())
    film.pixel(view_pixel, None, pixel, **private())
    stop.click(None, None, None, cancels=[running, forking], api_visibility="private")
    api(diffusion_generate, api_name="diffusion_generate", **NETWORK)


def _build_fork() -> tuple[gr.Column, list[Any], gr.Column, gr.HTML, gr.Markdown, gr.Button]:
    with gr.Column(visible=False, elem_id="diffusion-fork", elem_classes="gb-figure") as panel:
        heading = gr.Markdown(elem_classes="gb-note")
        with gr.Row():
            with gr.Column(min_width=240):
                canvas = pixel_canvas(elem_id="diffusion-fork-canvas")
            with gr.Column(min_width=240):
                with gr.Column() as classed:
                    sprite_class = gr.Dropdown(ALL_CLASSES, label="Class", elem_id="diffusion-fork-class")
                    guidance = gr.Slider(1, MAX_GUIDANCE, GUIDANCE, step=0.1, label="Guidance", info="1: none")
                sampler = gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler", elem_id="diffusion-fork-sampler")
                seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of fresh noise")
                go = gr.Button("Go on beside the original", variant="primary", elem_id="diffusion-fork-run")
    return panel, [sprite_class, guidance, sampler, seed], classed, canvas, heading, go


def _build_nearest(run_key: gr.State) -> None:
    with gr.Accordion("Is it new? The nearest training sprites", open=False, elem_id="diffusion-nearest"):
        gr.Markdown(NOVELTY, elem_classes="gb-note")
        compare = gr.Button("Compare the finished sprites", elem_id="diffusion-compare")
        table = gr.HTML()
    compare.click(compute_nearest, run_key, table, **private(), **NETWORK)
