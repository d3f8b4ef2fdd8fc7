"""From an image: a picture or drawing enters the noise timeline and comes back as a sprite; a hole is filled."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from demos.address import keeps
from demos.base import empty_strip
from demos.diffusion.films import (
    film_strip,
    save_pictures,
    save_sprites,
    stop_button,
    stream_film,
    view_pixel,
    wire_stop,
)
from demos.diffusion.networks import chosen_network, follow_choice, loading, network_choice, size_of
from demos.diffusion.plans import check_plan, example_sprites, plan_controls
from demos.inputs.pixel_canvas import SIDE, Canvas, pixel_canvas, read_canvas, view_of_canvas
from demos.inputs.uploaded_image import UploadedImage
from demos.opening import opens
from demos.tab import LATEX, LIGHT, LONG, fold, private
from demos.views.diffusion import html_of_entry
from demos.views.diffusion_found import find_departure
from models.diffusion.pictures import shrink_square
from models.diffusion.runs import RUNS, SpriteRun
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_flag, check_integer, check_number

if TYPE_CHECKING:
    from models.diffusion.sprites import Denoised
    from models.diffusion.trace import Plan

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


def view_picture(image: str | None, cut: object, choice: object, own: object) -> Any:
    """The visitor's picture shrunk to what the network makes, on the canvas."""
    cut = check_flag(cut, name="“Background becomes transparent”")
    if image is None:
        return gr.skip()
    return view_of_canvas(as_sprite(image, cut, size_of(chosen_network(choice, own)))[None])


def as_sprite(image: str | None, cut: bool, size: int = SIDE) -> np.ndarray:
    """The middle square of an uploaded picture, `[size, size, 4] uint8`, its background transparent if `cut`."""
    from models.diffusion.edits import cut_out

    sprite = shrink_square(read_rgba(image), size)
    return cut_out(sprite) if cut else sprite


def view_canvas(choice: object, own: object, image: str | None, cut: object, canvas: object) -> Any:
    """The canvas at the size of the chosen network: the picture shrunk anew, or what was drawn."""
    size, picture = size_of(chosen_network(choice, own)), read_canvas(canvas)
    if picture is None or (image is not None and not picture.painted.any()):
        blank = view_of_canvas(np.zeros((1, size, size, 4), np.uint8))
        return blank if image is None else view_picture(image, cut, choice, own)
    return gr.skip() if len(picture.rgba) == size else view_of_canvas(shrink_square(picture.rgba, size)[None])


def _canvas_of(canvas: Canvas | None, plan: "Plan") -> Canvas:
    if canvas is None:
        raise InputError("There is no picture yet: upload one, pick an example or draw on the canvas.")
    if len(canvas.rgba) != plan.size:
        raise InputError(f"The canvas is not of the network's {plan.size} x {plan.size}: choose the network again.")
    return canvas


def check_strength(strength: object) -> float:
    """The share of the steps to run, or `InputError`."""
    return check_number(strength, name="Strength", low=0, high=1)


def view_entry(choice: object, own: object, canvas: object, strength: object, *values: object) -> str:
    """Where on the noise timeline the picture would enter, and what it looks like there. No network is run."""
    return entry_of(choice, own, read_canvas(canvas), strength, *values)


def entry_of(choice: object, own: object, picture: Canvas | None, strength: object, *values: object) -> str:
    """The same of what was read."""
    strength = check_strength(strength)
    plan = check_plan(*values, network=chosen_network(choice, own))
    if picture is None or len(picture.rgba) != plan.size:
        return ""
    from models.diffusion.edits import enter

    return html_of_entry(enter(plan, picture.rgba, strength), strength)


def compute_transform(
    choice: object, own: object, canvas: object, strength: object, *values: object
) -> Iterator[tuple[Any, ...]]:
    """The picture as a sprite of a class. Yields (film, strip, files, run)."""
    yield from transform(choice, own, read_canvas(canvas), strength, *values)


def transform(
    choice: object, own: object, canvas: Canvas | None, strength: object, *values: object
) -> Iterator[tuple[Any, ...]]:
    """The same of what was read."""
    network, strength = chosen_network(choice, own), check_strength(strength)
    plan = check_plan(*values, network=network)  # pyright: ignore[reportArgumentType]  # the controls' values, in order
    picture = _canvas_of(canvas, plan)
    from models.diffusion.data import to_signal
    from models.diffusion.edits import enter
    from models.diffusion.sprites import denoise_entry

    entry = enter(plan, picture.rgba, strength)
    if entry.first == plan.steps:
        note = "At this strength no step is run: the picture comes back as it is."
        yield None, empty_strip(note), save_pictures(picture.rgba[None], "unchanged"), None
        return
    run = SpriteRun(plan, plan.steps - entry.first, network=network)
    given = to_signal(picture.rgba[None])[0]
    yield from _stream(run, denoise_entry(entry, network), partial(find_departure, given=given))


def open_transform(
    image: str | None, cut: object, choice: object, own: object, strength: object, *values: object
) -> Iterator[tuple[Any, ...]]:
    """What the page opens on: the example under the pen, and what becomes of it.

    Yields (canvas, timeline, film, strip, files, run).
    """
    sprite = as_sprite(image, check_flag(cut, name="“Background becomes transparent”"))
    nothing = np.zeros(sprite.shape[:2], bool)
    canvas = Canvas(sprite, nothing, nothing, 0)
    timeline = entry_of(choice, own, canvas, strength, *values)
    yield view_of_canvas(sprite[None]), timeline, gr.skip(), gr.skip(), gr.skip(), gr.skip()
    for shown in transform(choice, own, canvas, strength, *values):
        yield gr.skip(), gr.skip(), *shown


def compute_inpainting(
    choice: object, own: object, canvas: object, rounds: object, *values: object
) -> Iterator[tuple[Any, ...]]:
    """The hole in the picture filled. Yields (film, strip, files, run)."""
    rounds = check_integer(rounds, name="The number of rounds", low=1, high=MAX_ROUNDS)
    network = chosen_network(choice, own)
    sprite_class, count, steps, seed, guidance, _ = values
    plan = check_plan(sprite_class, count, steps, seed, guidance, "ddpm", network)
    picture = _canvas_of(read_canvas(canvas), plan)
    if not picture.hole.any():
        raise InputError("There is no hole yet: choose the brush “Hole” and mark what is to be made anew.")
    from models.diffusion.sprites import fill_hole

    run = SpriteRun(plan, plan.steps * rounds, network=network)
    yield from _stream(run, fill_hole(plan, picture.rgba, picture.hole, rounds, network))


def _stream(
    run: SpriteRun, steps: "Iterator[Denoised]", find: Callable[[SpriteRun], tuple[int, str]] | None = None
) -> Iterator[tuple[Any, ...]]:
    yield gr.skip(), loading(run.network) or gr.skip(), None, None
    name = RUNS.put(run)
    for film, strip in stream_film(name, run, steps, find=find):
        last = run.steps[-1]
        files = save_sprites(last.x_0, f"{run.plan.sprite_class}-{run.plan.seed}", last.given) if run.over else None
        yield film, strip, files, name


def build(own: gr.State) -> None:
    """The page: what goes in on the left, the timeline and the film on the right."""
    examples, run_name = example_sprites(), gr.State(None)
    with gr.Row(elem_classes="gb-examples"):
        buttons = {name: gr.Button(name, size="sm", min_width=80) for name in examples}
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            canvas = pixel_canvas("diffusion-canvas", holes=True)
            strength = gr.Slider(0, 1, STRENGTH, step=0.01, label="Strength", elem_id="diffusion-strength")
            with gr.Row():
                run = gr.Button("Make a sprite of it", variant="primary", elem_id="diffusion-transform")
                stop = stop_button()
            settings = fold()
        with settings:
            image = UploadedImage(
                value=str(next(iter(examples.values()))),
                label="A picture",
                elem_id="diffusion-image",
                sources=["upload", "webcam"],
                height=190,
                image_mode=None,
            )
            cut = gr.Checkbox(value=True, label="Background becomes transparent")
            named = plan_controls("image")
            controls = list(named.values())
            rounds = gr.Slider(1, MAX_ROUNDS, 1, step=1, label="Rounds of filling")
            fill = gr.Button("Fill the hole", min_width=110, elem_id="diffusion-fill")
            network = network_choice("diffusion-image-network")
        with gr.Column(scale=5, min_width=300):
            timeline = gr.HTML(elem_id="diffusion-entry")
            film = film_strip("diffusion-film-image", empty=EMPTY, pixel=view_pixel)
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
    with gr.Accordion("The sprites as files", open=False):
        files = gr.Files(show_label=False, interactive=False, height=120)
    gr.Markdown(TRANSFORM, elem_classes="gb-note", latex_delimiters=LATEX)
    gr.Markdown(INPAINT, elem_classes="gb-note")
    for name, button in buttons.items():
        button.click(partial(str, examples[name]), None, image, **private())
    keeps(picture=image, cut=cut, network=network, strength=strength, rounds=rounds, **named, looks=("step", "hole"))
    entering = [network, own, canvas, strength, *controls]
    shown = partial(dict, fn=view_entry, inputs=entering, outputs=timeline, **private(), **LIGHT)
    for event in (image.change, cut.input):
        event(view_picture, [image, cut, network, own], canvas, **private(), **LIGHT).then(**shown())
    for event in (canvas.painted, strength.input, *(control.change for control in controls)):
        event(**shown(trigger_mode="always_last"))
    follow_choice(network, own, [named["sprite_class"], named["guidance"]])
    chosen = [network, own, image, cut, canvas]
    resized = gr.on([network.input, own.change], view_canvas, chosen, canvas, **private(), **LIGHT)
    resized.then(**shown())
    outputs = [film, strip, files, run_name]
    running = run.click(compute_transform, entering, outputs, **private(), **LONG)
    asked = [image, cut, network, own, strength, *controls]
    opens(open_transform, asked, [canvas, timeline, *outputs], queue=LONG)
    filling = fill.click(compute_inpainting, [network, own, canvas, rounds, *controls], outputs, **private(), **LONG)
    wire_stop(stop, RUNS, run_name, strip, [running, filling])
