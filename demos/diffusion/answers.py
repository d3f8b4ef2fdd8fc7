"""What the endpoints of the Diffusion tab answer: one small answer a step, then facts and files."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gradio.data_classes import FileData

from demos.diffusion.films import save_sprites
from demos.diffusion.large import NAME as WORDS
from demos.diffusion.networks import NAME
from demos.views.diffusion import preview

if TYPE_CHECKING:
    from models.diffusion.edits import Entry
    from models.diffusion.sprites import Denoised
    from models.diffusion.trace import Plan

Facts = dict[str, Any]


def answers_of(entry: "Entry", asked: Facts) -> Iterator[tuple[Facts, list[str]]]:
    """One answer for each step of a run from `entry`, then the result with the paths of its files."""
    from models.diffusion.sprites import denoise_entry

    given = np.ones(entry.x_t.shape[-2:], bool)
    yield from answers(denoise_entry(entry), entry.plan, asked, entry.x_t, given)


def answers(
    made: "Iterator[Denoised]", plan: "Plan", asked: Facts, x_0: np.ndarray, given: np.ndarray | None = None
) -> Iterator[tuple[Facts, list[str]]]:
    """The same of steps that are made already; `x_0` and `given` are what the result is where there is none."""
    start = time.perf_counter()
    for denoised in made:
        step = denoised.step
        x_0, given = step.x_0, step.given
        yield answer_of_step(denoised), []
    paths = save_sprites(x_0, f"{plan.sprite_class}-{plan.seed}", given)
    yield {**facts_of_run(plan, start, paths), **asked}, paths


def answer_of_step(denoised: "Denoised") -> Facts:
    """What is told of a step while a run goes on."""
    step = denoised.step
    return {"step": step.index + 1, "steps": step.steps, "t": step.t, "preview": preview(step.x_0)}


def facts_of_run(plan: "Plan", start: float, paths: list[str]) -> Facts:
    """The model, the seconds since `start`, and the names of the files."""
    model = WORDS if plan.prompt else NAME
    seconds = round(time.perf_counter() - start, 4)
    return {"model": model, "seconds": seconds, "images": [Path(path).name for path in paths]}


def as_files(paths: list[str]) -> list[FileData]:
    """The files as an endpoint without components gives them."""
    return [FileData(path=path, orig_name=Path(path).name) for path in paths]
