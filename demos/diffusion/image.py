"""From an image: a picture or drawing enters the noise timeline and comes back as a sprite; a hole is filled."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from demos.base import empty_strip
from demos.components.filmstrip import filmstrip
from demos.components.pixel_canvas import SIDE, Canvas, canvas_value, pixel_canvas, read_canvas
from demos.diffusion.networks import chosen_network, follow_choice, load_chosen, loading, network_choice, size_of
from demos.diffusion.running import (
    check_plan,
    denoise_entry,
    plan_controls,
    save_sprites,
    stream_answers,
    stream_film,
)
from demos.diffusion.shared import LATEX, NETWORK, example_sprites, load_sprite_network, private
from demos.inputs.uploaded_image import UploadedImage
from demos.views.diffusion import draw_entry
from models import runtime
from models.diffusion import runs
from models.diffusion.pictures import shrink_square
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_flag, check_integer, check_number

if TYPE_CHECKING:
    from models.diffusion.edits import Entry
    from models.diffusion.trace import DenoisingStep, Plan

TITLE = "From an image"
STRENGTH = 0.6
MAX_ROUNDS = 4
EMPTY = "Upload a picture or draw on the canvas, then choose how far back into the noise it goes."

TRANSFORM = r"""Image to image (SDEdit, Meng et al. 2022) is the same denoising, begun late: the picture is noised by
the formula up to the time $t$ at which it enters, and the network takes it from there. What the noise has drowned is
invented anew; what still stands out stays. Strength is the share of the steps that are run.

$$x_t = \sqrt{\bar\alpha_t}\, x_\text{picture} + \sqrt{1-\bar\alpha_t}\, \varepsilon$$"""

INPAINT = """Mark a hole with the brush on the canvas and fill it. This is the replacement method of RePaint (Lugmayr
et al. 2022) with DDPM: after every step, all but the hole is replaced by the picture with the noise of that time, so
that the network always sees the true surroundings. More rounds go back one step and denoise again, and the hole fits
its surroundings better, for as many times the work."""


def view_picture(image: Any, cut: Any, choice: Any, own: Any) -> Any:
    """The visitor's picture shrunk to what the network makes, on the canvas."""
    cut = check_flag(cut, name="“Background becomes transparent”")
    if image is None:
        return gr.skip()
    return canvas_value(_as_sprite(image, cut, size_of(chosen_network(choice, own)))[None])


def _as_sprite(image: Any, cut: bool, size: int = SIDE) -> np.ndarray:
    from models.diffusion.edits import cut_out

    sprite = shrink_square(read_rgba(image), size)
    return cut_out(sprite) if cut else sprite


def view_canvas(choice: Any, own: Any, image: Any, cut: Any, canvas: Any) -> Any:
    """The canvas at the size of the chosen network: the picture shrunk anew, or what was drawn."""
    size, picture = size_of(chosen_network(choice, own)), read_canvas(canvas)
    if picture is None or (image is not None and not picture.painted.any()):
        blank = canvas_value(np.zeros((1, size, size, 4), np.uint8))
        return blank if image is None else view_picture(image, cut, choice, own)
    return gr.skip() if len(picture.rgba) == size else canvas_value(shrink_square(picture.rgba, size)[None])


def _canvas_of(value: Any, plan: "Plan") -> Canvas:
    canvas = read_canvas(value)
    if canvas is None:
        raise InputError("There is no picture yet: upload one, pick an example or draw on the canvas.")
    if len(canvas.rgba) != plan.size:
        raise InputError(f"The canvas is not of the network's {plan.size} x {plan.size}: choose the network again.")
    return canvas


def _check_strength(strength: Any) -> float:
    return check_number(strength, name="Strength", low=0, high=1)


def view_entry(choice: Any, own: Any, canvas: Any, strength: Any, *values: Any) -> str:
    """Where on the noise timeline the picture would enter, and what it looks like there. No network is run."""
    strength, picture = _check_strength(strength), read_canvas(canvas)
    plan = check_plan(*values, network=chosen_network(choice, own))
    if picture is None or len(picture.rgba) != plan.size:
        return ""
    from models.diffusion.edits import enter

    return draw_entry(enter(plan, picture.rgba, strength), strength)


def compute_transform(choice: Any, own: Any, canvas: Any, strength: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
    """The picture as a sprite of a class. Yields (film, strip, files)."""
    network, strength = chosen_network(choice, own), _check_strength(strength)
    plan = check_plan(*values, network=network)
    picture = _canvas_of(canvas, plan)
    from models.diffusion.edits import enter

    entry = enter(plan, picture.rgba, strength)
    if entry.first == plan.steps:
        note = "At this strength no step is run: the picture comes back as it is."
        yield None, empty_strip(note), save_sprites(entry.x_t[:1], "unchanged", np.ones(entry.x_t.shape[-2:], bool))
        return
    run = runs.Run(plan, network=network)
    yield from _stream(run, denoise_entry(entry, network), plan.steps - entry.first)


def compute_inpainting(choice: Any, own: Any, canvas: Any, rounds: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
    """The hole in the picture filled. Yields (film, strip, files)."""
    rounds = check_integer(rounds, name="The number of rounds", low=1, high=MAX_ROUNDS)
    network = chosen_network(choice, own)
    sprite_class, count, steps, seed, guidance, _ = values
    plan = check_plan(sprite_class, count, steps, seed, guidance, "ddpm", network)
    picture = _canvas_of(canvas, plan)
    if not picture.hole.any():
        raise InputError("There is no hole yet: choose the brush “Hole” and mark what is to be made anew.")
    yield from _stream(runs.Run(plan, network=network), _fill(plan, picture, rounds, network), plan.steps * rounds)


@runtime.gpu()
def _fill(plan: "Plan", picture: Canvas, rounds: int, network: str) -> "Iterator[DenoisingStep]":
    from models.diffusion.edits import inpaint

    yield from inpaint(load_chosen(network).network, plan, picture.rgba, picture.hole, rounds=rounds)


def _stream(run: runs.Run, steps: "Iterator[DenoisingStep]", total: int) -> Iterator[tuple[Any, ...]]:
    if note := loading(run.network):
        yield gr.skip(), note, None
    load_chosen(run.network)
    film, strip = None, ""
    for film, strip in stream_film(run, steps, total=total):
        yield film, strip, None
    last = run.steps[-1]
    yield film, strip, save_sprites(last.x_0, f"{run.plan.sprite_class}-{run.plan.seed}", last.given)


def diffusion_transform(
    image: str | None,
    sprite_class: str = "any",
    strength: float = STRENGTH,
    count: int = 4,
    steps: int = 25,
    seed: int = 0,
    cut_out: bool = True,
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """A picture made into sprites of a class (image to image): noised part of the way, and denoised from there.

    Streams one answer a step, as `/diffusion_generate` does, and the result at the end.

    Args:
        image: PNG, JPEG, WebP or GIF; its middle square is shrunk to 32 x 32 pixels.
        sprite_class: one of the classes of the Diffusion tab, or "any".
        strength: 0 (the picture comes back as it is) to 1 (hardly anything of it is left): the share of steps run.
        count: how many sprites, 1 to 16.
        steps: denoising steps of the whole timeline, 1 to 100.
        seed: 0 to 2147483647.
        cut_out: whether a background of the border's colour becomes transparent.

    Returns:
        {"model", "seconds", "images": [file names], "sprite_class", "strength", "steps", "steps_run", "entered_at",
        "seed"} and the PNG files themselves; "entered_at" is the time t, null where no step was run.
    """
    plan, strength = check_plan(sprite_class, count, steps, seed), _check_strength(strength)
    sprite = _as_sprite(image, check_flag(cut_out, name="cut_out"))
    load_sprite_network()
    yield from stream_answers(*transform_answer(plan, sprite, strength))


def transform_answer(plan: "Plan", sprite: Any, strength: float) -> "tuple[Entry, dict[str, Any]]":
    """Where the run begins, and what the answer says of it."""
    from models.diffusion.edits import enter
    from models.diffusion.schedule import timesteps

    entry = enter(plan, sprite, strength)
    entered_at = timesteps(plan.steps)[entry.first] if entry.first < plan.steps else None
    asked = {"sprite_class": plan.sprite_class, "strength": strength, "steps": plan.steps, "seed": plan.seed}
    return entry, {**asked, "steps_run": plan.steps - entry.first, "entered_at": entered_at}


def build(own: gr.State) -> None:
    """The page: what goes in on the left, the timeline and the film on the right."""
    examples = example_sprites()
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = UploadedImage(
                label="A picture",
                elem_id="diffusion-image",
                sources=["upload", "webcam"],
                height=190,
                image_mode=None,
            )
            with gr.Row():
                buttons = {name: gr.Button(name, size="sm", min_width=80) for name in examples}
            cut = gr.Checkbox(value=True, label="Background becomes transparent")
            gr.Markdown("Or draw, paint over it, or mark a hole:", elem_classes="gb-note")
            canvas = pixel_canvas(holes=True, elem_id="diffusion-canvas")
        with gr.Column(scale=2, min_width=240):
            network = network_choice("diffusion-image-network")
            named = plan_controls()
            controls = list(named.values())
            strength = gr.Slider(0, 1, STRENGTH, step=0.01, label="Strength", elem_id="diffusion-strength")
            run = gr.Button("Make a sprite of it", variant="primary", elem_id="diffusion-transform")
            rounds = gr.Slider(1, MAX_ROUNDS, 1, step=1, label="Rounds of filling")
            with gr.Row():
                fill = gr.Button("Fill the hole", min_width=110, elem_id="diffusion-fill")
                stop = gr.Button("Stop", min_width=80)
    timeline = gr.HTML(elem_id="diffusion-entry")
    film = filmstrip(elem_id="diffusion-film-image", empty=EMPTY)
    strip = gr.HTML(empty_strip("The model is loaded with the first run."))
    with gr.Accordion("The sprites as files", open=False):
        files = gr.Files(show_label=False, interactive=False, height=120)
    gr.Markdown(TRANSFORM, elem_classes="gb-note", latex_delimiters=LATEX)
    gr.Markdown(INPAINT, elem_classes="gb-note")
    for name, button in buttons.items():
        button.click(partial(str, examples[name]), None, image, **private())
    entering = [network, own, canvas, strength, *controls]
    shown = partial(dict, fn=view_entry, inputs=entering, outputs=timeline, concurrency_limit=4, **private())
    for event in (image.change, cut.input):
        event(view_picture, [image, cut, network, own], canvas, **private()).then(**shown())
    for event in (canvas.painted, strength.input, *(control.change for control in controls)):
        event(**shown(trigger_mode="always_last"))
    follow_choice(network, own, [named["sprite_class"], named["guidance"]])
    resized = gr.on([network.input, own.change], view_canvas, [network, own, image, cut, canvas], canvas, **private())
    resized.then(**shown())
    outputs = [film, strip, files]
    running = run.click(compute_transform, entering, outputs, **private(), **NETWORK)
    filling = fill.click(compute_inpainting, [network, own, canvas, rounds, *controls], outputs, **private(), **NETWORK)
    stop.click(None, None, None, cancels=[running, filling], api_visibility="private")
    _offer_endpoint()


def _offer_endpoint() -> None:
    image = UploadedImage(visible=False, image_mode=None)
    values = [
        gr.Textbox("any", visible=False),
        gr.Number(STRENGTH, visible=False),
        gr.Number(4, visible=False),
        gr.Number(25, visible=False),
        gr.Number(0, visible=False),
        gr.Checkbox(value=True, visible=False),
    ]
    answer = [gr.JSON(visible=False), gr.Files(visible=False)]
    gr.Button(visible=False).click(
        diffusion_transform,
        [image, *values],
        answer,
        api_name="diffusion_transform",
        api_visibility="public",
        **NETWORK,
    )
