"""Reverse: sprites denoised step by step, any step left by a fork, and compared with the training sprites."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

import gradio as gr
from gradio.events import Dependency

from demos.address import keeps
from demos.base import empty_strip
from demos.diffusion.films import film_strip, place_in, save_sprites, stop_button, stream_film, view_pixel, wire_stop
from demos.diffusion.networks import chosen_network, follow_choice, loading, network_choice
from demos.diffusion.plans import (
    BADLY_DRAWN,
    ENOUGH,
    MAX_GUIDANCE,
    MAX_SEED,
    READABLE_OF,
    SAMPLER_CHOICES,
    ClassMenu,
    check_plan,
    plan_controls,
)
from demos.inputs.pixel_canvas import Canvas, pixel_canvas, read_canvas, view_of_canvas
from demos.opening import opens
from demos.tab import LATEX, LIGHT, LONG, RUN, fold, payload, private
from demos.ui import View
from demos.views.diffusion import ForkView, html_of_known, html_of_nearest
from demos.views.diffusion_found import find_halfway
from models.diffusion.runs import RUNS, SpriteRun
from models.diffusion.samplers import TITLES
from models.diffusion.schedule import GUIDANCE
from models.diffusion.trained import TRAINED
from models.errors import InputError

if TYPE_CHECKING:
    from models.diffusion.edits import Entry
    from models.diffusion.trace import Plan

TITLE = "Reverse: take it away"

NOISE_OR_V = r"""The network could be asked for the noise, for the picture, or for a mixture of both; with $x_t$, any
one of them gives the other two.

| asked for | near t = 999, nearly all noise | near t = 0, nearly all picture |
|---|---|---|
| the noise $\varepsilon$ | easy: copy $x_t$ | hard, and worth learning |
| the picture $x_0$ | hard, and worth learning | easy: copy $x_t$ |
| $v = \sqrt{\bar\alpha_t}\,\varepsilon - \sqrt{1-\bar\alpha_t}\,x_0$ | the picture, with the sign turned | the noise |

So the training of this network asks for $v$ (Salimans & Ho 2022): at every time the answer is the part that cannot be
read off. With the noise alone, $\hat x_0$ at $t = 999$ would be a difference divided by 0.00005. The line under the
pictures says both conversions with the factors of the step you are at; a click on a pixel shows them with
that pixel's numbers."""

REVERSE = r"""The network sees $x_t$, the time and the class, and predicts $v$, a mixture of noise and picture (Salimans
& Ho 2022): in a picture that is all noise, to name the noise would be to copy it; $v$ is worth learning at every time.
From $v$ follow the noise in $x_t$ and a guess of the clean picture, vague at first. The [sampler](#term-sampler)
mixes the next, slightly less noisy picture from what is there: each line under the pictures is that sum, with
the factors that were used. For DDIM (Song et al. 2021) it is

$$x_{t'} = \sqrt{\bar\alpha_{t'}}\, \hat x_0 + \sqrt{1-\bar\alpha_{t'}}\, \hat\varepsilon \qquad
\hat x_0 = \sqrt{\bar\alpha_t}\, x_t - \sqrt{1-\bar\alpha_t}\, \hat v \qquad
\hat\varepsilon = \sqrt{1-\bar\alpha_t}\, x_t + \sqrt{\bar\alpha_t}\, \hat v$$

[Guidance](#term-guidance) asks twice, with and without the class, and goes further in the direction of the
difference."""

TRY = """- Go back to the first steps: the predicted picture is a grey average of everything the class could be.
- Keep the seed and change the class: the same noise becomes something else with the same light and dark places.
- Set guidance to 1 (none), then to 4: more typical, less varied, in the end too strong.
- Try 4 steps, then 50. Where does it stop to matter? And with DPM-Solver++, which looks back one step?
- Run DDIM, then Euler with the same seed: the same sprites, for it is the same step in other coordinates. So are DDPM
  and Euler ancestral, up to the network's rounding.
- Fork at an early step with another class: the outline stays. Fork late: only colours can still change.
- Click a pixel of a picture: from v to the picture, the noise and the next x, with that pixel's own numbers.
- The embedded network has seen some 3,300 sprites of one game and knows nothing else."""

FORK = """Everything before this step stays. Change a setting, or paint on the predicted picture, and go on beside the
original; with nothing changed the run repeats itself exactly. The seed is that of fresh noise, which only DDPM and
Euler ancestral add on the way."""

NOVELTY = """Each finished sprite is compared with all sprites of the training, as the embedded vision model
(DINOv2) sees them. The training sprites themselves are not part of this app, so that the nearest one is named, not
shown. A distance alone says little; beside it stands how many real sprites that were never trained on are as near.
Pictures of a network that you trained are compared pixel by pixel with those you gave it."""

BADLY = f"""Of these classes fewer than {ENOUGH} of {READABLE_OF} sprites can be read, counted by eye at the settings
with which this page opens, so that the menus do not offer them. Look for yourself. Nearly all potions have one
outline, monsters have many; and half of all that the network has seen are monsters: more pictures alone did not
help."""


class Where(TypedDict):
    """A step of a run: the run's name, and the number of the step from 0."""

    run: str
    place: int


def compute_sprites(choice: object, own: object, *values: object) -> Iterator[tuple[Any, ...]]:
    """Denoise while the visitor watches. Yields (film, strip, files, run, fork panel); closing it stops it."""
    yield from _sprites(choice, own, values, lead=False)


def open_sprites(choice: object, own: object, *values: object) -> Iterator[tuple[Any, ...]]:
    """What the page opens on: the same run, shown at the step by which half of the way is done."""
    yield from _sprites(choice, own, values, lead=True)


def _sprites(choice: object, own: object, values: tuple[object, ...], *, lead: bool) -> Iterator[tuple[Any, ...]]:
    network = chosen_network(choice, own)
    plan = check_plan(*values, network=network)  # pyright: ignore[reportArgumentType]  # the controls' values, in order
    yield gr.skip(), loading(network) or gr.skip(), None, None, gr.Column(visible=False)
    from models.diffusion.edits import begin
    from models.diffusion.sprites import denoise_entry

    run = SpriteRun(plan, plan.steps, network=network)
    name = RUNS.put(run)
    for film, strip in stream_film(name, run, denoise_entry(begin(plan), network), find=find_halfway, lead=lead):
        files = save_sprites(run.steps[-1].x_0, f"{plan.sprite_class}-{plan.seed}") if run.over else None
        yield film, strip, files, name, gr.skip()


def view_fork(event: gr.EventData) -> tuple[Any, ...]:
    """Open the fork panel: (panel, where, heading, canvas, class, guidance, sampler, seed, panel of the classes)."""
    name = payload(event, "run")
    run = RUNS.find(name)
    place = place_in(run, payload(event, "place"))
    from models.diffusion.trace import finished_sprites

    step, plan = run.steps[place], run.plan
    heading = f"**Fork from step {place + 1} of {plan.steps}**, t = {step.t}. {FORK}"
    canvas = view_of_canvas(finished_sprites(step.x_0))
    values = plan.sprite_class, plan.guidance, plan.sampler, plan.seed
    where = Where(run=name, place=place)
    return gr.Column(visible=True), where, heading, canvas, *values, gr.Column(visible=not run.network)


def compute_fork(
    where: object, sprite_class: object, guidance: object, sampler: object, seed: object, canvas: object
) -> Iterator[tuple[Any, ...]]:
    """Go on from a step by another plan, beside the original. Yields (film, strip, files, run)."""
    if not isinstance(where, dict):
        raise InputError("Choose a step of a film first and press “Fork from this step”.")
    parent = RUNS.find(where.get("run"))
    place = place_in(parent, where.get("place"))
    network, count, steps = parent.network, parent.plan.count, parent.plan.steps
    plan = check_plan(sprite_class, count, steps, seed, guidance, sampler, network)
    painted = read_canvas(canvas)
    entry = _fork_entry(parent, place, plan, painted)
    from models.diffusion.sprites import denoise_entry

    since = parent.since if entry.past or place == parent.since else place
    run = SpriteRun(plan, parent.total, list(parent.steps[:place]), since, network)
    name = RUNS.put(run)
    fork = ForkView(where["run"], place, describe_changes(parent.plan, plan, painted))
    made = denoise_entry(entry, network)
    for film, strip in stream_film(name, run, made, fork=fork, originals=parent.steps):
        files = save_sprites(run.steps[-1].x_0, f"{plan.sprite_class}-{plan.seed}-fork") if run.over else None
        yield film, strip, files, name


def _fork_entry(parent: SpriteRun, place: int, plan: "Plan", canvas: Canvas | None) -> "Entry":
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
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            changes.append(f"{name} {_said(old)} → {_said(new)}")
    if canvas is not None and canvas.painted.any():
        changes.append(f"painted on sprite {canvas.sprite + 1}")
    return ", ".join(changes) or "nothing changed"


def _said(value: str | float) -> str:
    return TITLES.get(value, value) if isinstance(value, str) else f"{value:.9g}"


def compute_nearest(name: object) -> Iterator[str]:
    """Compare the finished sprites of the last run with the training sprites. Yields HTML."""
    if name is None:
        raise InputError("Generate sprites first.")
    run = RUNS.find(name)
    if not run.over:
        raise InputError("This run was stopped before its end: generate sprites to the last step first.")
    from models.diffusion.trace import finished_sprites

    sprites = finished_sprites(run.steps[-1].x_0)
    if run.network:
        from models.diffusion.live import nearest_pictures

        yield html_of_known(sprites, *nearest_pictures(sprites, TRAINED.find(run.network).rgba))
        return
    yield empty_strip("Looking at the sprites with DINOv2 …")
    from models.diffusion.novelty import nearest_training

    yield html_of_nearest(sprites, nearest_training(sprites))


def build(own: gr.State) -> None:
    """The page: what to make on the left, the film on the right, forks and the comparison under it."""
    run_name, where = gr.State(None), gr.State(None)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            with gr.Row():
                run = gr.Button("Generate", variant="primary", min_width=110, elem_id="diffusion-run")
                stop = stop_button()
            with fold("What to make"):
                controls = plan_controls("reverse")
                network = network_choice("diffusion-network")
            with gr.Accordion("The sprites as files", open=False):
                files = gr.Files(show_label=False, interactive=False, height=120)
        with gr.Column(scale=5, min_width=300):
            film = film_strip("diffusion-film", forkable=True, pixel=view_pixel)
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            panel, fork_controls, classed, canvas, heading, go = _build_fork()
            gr.Markdown(REVERSE, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("Noise or v: what the network is asked", open=False):
        gr.Markdown(NOISE_OR_V, latex_delimiters=LATEX)
    _build_nearest(run_name)
    badly = _build_badly(controls["sprite_class"])
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(network=network, **controls, looks=("step",))
    outputs = [film, strip, files, run_name]
    follow_choice(network, own, [controls["sprite_class"], controls["guidance"]])
    asked = [network, own, *controls.values()]
    running = run.click(compute_sprites, asked, [*outputs, panel], **private(), **LONG)
    opens(open_sprites, asked, [*outputs, panel], queue=LONG)
    drawing = [chosen.success(compute_sprites, asked, [*outputs, panel], **private(), **LONG) for chosen in badly]
    forking = go.click(compute_fork, [where, *fork_controls, canvas], outputs, **private(), **LONG)
    film.fork(view_fork, None, [panel, where, heading, canvas, *fork_controls, classed], **private(), **LIGHT)
    wire_stop(stop, RUNS, run_name, strip, [running, forking, *drawing])


def _build_fork() -> tuple[gr.Column, list[gr.components.Component], gr.Column, View, gr.Markdown, gr.Button]:
    with gr.Column(visible=False, elem_id="diffusion-fork", elem_classes="gb-figure") as panel:
        heading = gr.Markdown(elem_classes="gb-note")
        with gr.Row():
            with gr.Column(min_width=240):
                canvas = pixel_canvas("diffusion-fork-canvas")
            with gr.Column(min_width=240):
                with gr.Column() as classed:
                    sprite_class = ClassMenu(label="Class", elem_id="diffusion-fork-class")
                    guidance = gr.Slider(1, MAX_GUIDANCE, GUIDANCE, step=0.1, label="Guidance", info="1: none")
                sampler = gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler", elem_id="diffusion-fork-sampler")
                seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of fresh noise")
                go = gr.Button("Go on beside the original", variant="primary", elem_id="diffusion-fork-run")
    return panel, [sprite_class, guidance, sampler, seed], classed, canvas, heading, go


def _build_badly(menu: gr.components.Component) -> list[Dependency]:
    """A button for each class that is not offered; returns the events that put it into the menu."""
    with gr.Accordion("What it draws badly", open=False, elem_id="diffusion-badly"):
        gr.Markdown(BADLY, elem_classes="gb-note")
        with gr.Row(elem_classes="gb-examples"):
            buttons = {
                name: gr.Button(f"{name} {count}/{READABLE_OF}", size="sm", min_width=110)
                for name, count in BADLY_DRAWN.items()
            }
    return [button.click(partial(str, name), None, menu, queue=False, **private()) for name, button in buttons.items()]


def _build_nearest(run_name: gr.State) -> None:
    with gr.Accordion("Is it new? The nearest training sprites", open=False, elem_id="diffusion-nearest"):
        gr.Markdown(NOVELTY, elem_classes="gb-note")
        compare = gr.Button("Compare the finished sprites", elem_id="diffusion-compare")
        table = gr.HTML()
    compare.click(compute_nearest, run_name, table, **private(), **RUN)
