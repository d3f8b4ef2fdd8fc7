"""A run as a film while it is made: its steps for the browser, the strip, where it was stopped, its files."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.events import Dependency
from gradio.utils import get_upload_folder
from PIL import Image

from demos.base import empty_strip, strip_of
from demos.tab import answering, stops
from demos.ui import View, component
from demos.views.diffusion import FilmView, ForkView, PixelView, StepView, view_of_pixel, view_of_step
from models.diffusion.large.runs import LargeRun
from models.diffusion.runs import RUNS, SpriteRun
from models.diffusion.schedule import Schedule, cosine_schedule
from models.errors import InputError
from models.inputs import check_integer
from models.store import Store

if TYPE_CHECKING:
    from models.diffusion.sprites import Denoised
    from models.diffusion.trace import DenoisingStep

EMPTY = "Choose a class and press Generate: every step appears here as it is computed."


def film_strip(
    elem_id: str,
    *,
    empty: str = EMPTY,
    forkable: bool = False,
    pixel: Callable[[Any], Any] | None = None,
    walk: bool = False,
) -> View:
    """The film of a run, a `FilmView`.

    forkable: there is a button that tells the event `fork`, {run, place}: go on differently from a step.
    pixel: answers a click on a pixel, {run, place, sprite, row, column}, with a `PixelView`.
    walk: the sprites stand in one row, in their order.
    The event `step`, {run, place}: another step is shown.
    """
    return component(
        "filmstrip",
        events=("fork", "step"),
        server_functions=[pixel] if pixel else (),
        elem_id=elem_id,
        empty=empty,
        forkable=forkable,
        pixels=pixel is not None,
        walk=walk,
    )


@cache
def cosine() -> Schedule:
    """The sprite network's schedule."""
    return cosine_schedule()


def stream_film(
    name: str,
    run: SpriteRun,
    steps: "Iterator[Denoised]",
    *,
    fork: ForkView | None = None,
    originals: "Sequence[DenoisingStep]" = (),
    find: Callable[[SpriteRun], tuple[int, str]] | None = None,
    lead: bool = False,
) -> Iterator[tuple[FilmView, str]]:
    """Take the steps one by one into the `run` of that name; yields (film, strip) after each.

    find: what is seen in the run once it is over, and the place of the step that shows it.
    lead: show that step then, and not the last one.
    A film holds small JSON only, and Gradio sends what is new in it.
    """
    drawn: list[StepView] = []
    drawing = 0.0
    for denoised in steps:
        began, place = time.perf_counter(), len(run.steps)
        drawn.append(view_of_step(denoised.step, cosine(), originals[place] if place < len(originals) else None))
        run.steps.append(denoised.step)
        drawing += time.perf_counter() - began
        note = "" if run.over else f"step {len(run.steps)} of {run.total}"
        first, said = find(run) if find and run.over else (None, "")
        first = first if lead else None
        film = FilmView(name, run.plan.count, run.total, fork, list(drawn), said, first)
        yield film, strip_of(denoised.run, drawing=drawing, note=note)


Runs = Store[SpriteRun] | Store[LargeRun]


def view_stopped(runs: Runs, name: object) -> Any:
    """The strip that says at which step a run was stopped; nothing where it had come to its end."""
    if name not in runs or (run := runs.find(name)).over:
        return gr.skip()
    return empty_strip(f"Stopped at step {len(run.steps)} of {run.total}.")


def stop_button() -> gr.Button:
    """The button that ends a run; `wire_stop` says which."""
    return gr.Button("Stop", min_width=80)


def wire_stop(button: gr.Button, runs: Runs, name: gr.State, strip: gr.HTML, running: Sequence[Dependency]) -> None:
    """Let the button end the `running` events, and the strip say where that was."""
    stops(button, running, strip, partial(view_stopped, runs), name)


def place_in(run: SpriteRun | LargeRun, place: object) -> int:
    """Number of a step of a run, from 0. Raises `InputError` where there is none."""
    if not run.steps:
        raise InputError("This run has no steps yet.")
    return check_integer(place, name="The step", low=0, high=len(run.steps) - 1)


@answering
def view_pixel(request: dict[str, Any]) -> PixelView:
    """The arithmetic of one step at one pixel."""
    run = RUNS.find(request.get("run"))
    step = run.steps[place_in(run, request.get("place"))]
    sprite = check_integer(request.get("sprite"), name="The sprite", low=0, high=run.plan.count - 1)
    highest = run.plan.size - 1
    row = check_integer(request.get("row"), name="The row", low=0, high=highest)
    column = check_integer(request.get("column"), name="The column", low=0, high=highest)
    return view_of_pixel(step, sprite, row, column)


def save_pictures(pictures: np.ndarray, name: str) -> list[str]:
    """Pictures `[N, height, width, 3 or 4]` uint8 as PNG files in a folder of their own in Gradio's cache."""
    cache_folder = Path(get_upload_folder())
    cache_folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache_folder))
    paths = []
    for number, pixels in enumerate(pictures):
        paths.append(str(folder / f"{name}-{number}.png"))
        Image.fromarray(pixels).save(paths[-1])
    return paths


def save_sprites(x_0: np.ndarray, name: str, given: np.ndarray | None = None) -> list[str]:
    """Predicted sprites `[N, 4, size, size]` as PNG files; pixels `given` `[size, size]` stay as they are."""
    from models.diffusion.trace import finished_sprites

    return save_pictures(finished_sprites(x_0, given), name)
