"""Runs side by side: many settings as one batch, so that all are at the same noise at the same moment."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models import runtime
from models.compute import Run, compute, run_of
from models.diffusion.data import to_signal
from models.diffusion.edits import enter
from models.diffusion.reading import NAME as WORDS
from models.diffusion.reading import load_sprite_words
from models.diffusion.schedule import timesteps
from models.diffusion.sprites import load_sprites
from models.diffusion.trace import (
    REMEMBERED,
    DenoisingStep,
    Network,
    Plan,
    Told,
    class_vectors,
    first_noise,
    predict,
    solve_step,
)
from models.diffusion.words_network import padded


@dataclass(frozen=True)
class GridMoment:
    """All cells at moment `index` of `total`: what each last predicted, `x_0 [cells, 4, size, size] float32`.

    times, made: of each cell, the time t of that prediction and how many of its steps are made.
    """

    index: int
    total: int
    x_0: np.ndarray
    times: tuple[int, ...]
    made: tuple[int, ...]
    run: Run


@dataclass
class _Cell:
    """One run. begins: what it is shown as before its first step, and the time it enters at; None from noise alone."""

    plan: Plan
    x_t: np.ndarray
    past: tuple[DenoisingStep, ...] = ()
    made: int = 0
    begins: tuple[np.ndarray, int] | None = None

    @property
    def shown(self) -> tuple[np.ndarray, int]:
        """What it last predicted, and at which time."""
        if self.past:
            return self.past[-1].x_0, self.past[-1].t
        assert self.begins is not None  # from noise alone the first step is made at the first moment
        return self.begins

    def due(self, moment: int, moments: int) -> bool:
        """Whether the cell makes a step now: one of few steps makes each when the others come to the same noise."""
        return moment * self.plan.steps // moments == self.made


@compute(heavy=True)
def denoise_grid(
    plans: tuple[Plan, ...], rgba: np.ndarray | None = None, strengths: tuple[float, ...] = ()
) -> Iterator[GridMoment]:
    """Denoise one sprite for each plan. Plans may differ in everything but whether they have a prompt.

    strengths: one a plan, if its run begins with `rgba [size, size, 4] uint8` (`edits.enter`): the share of its steps
    that are made. Until then the cell shows the picture.
    """
    reads = bool(plans[0].prompt)
    loaded = runtime.load(WORDS, load_sprite_words) if reads else load_sprites()
    network: Network = loaded.network.unet if reads else loaded.network
    told = [loaded.network.told(p.prompt, p.negative, 1) if reads else None for p in plans]
    if rgba is None:
        cells = [_Cell(plan, first_noise(1, plan.seed)) for plan in plans]
    else:
        cells = [_entering(plan, rgba, strength) for plan, strength in zip(plans, strengths, strict=True)]
    moments, seconds = max(plan.steps for plan in plans), 0.0
    for moment in range(moments):
        start = time.perf_counter()
        due = [number for number, cell in enumerate(cells) if cell.due(moment, moments)]
        if due:
            _advance(network, [cells[number] for number in due], [told[number] for number in due])
        seconds += time.perf_counter() - start
        x_0, times = zip(*(cell.shown for cell in cells), strict=True)
        yield GridMoment(
            moment,
            moments,
            np.concatenate(x_0),
            times,
            tuple(cell.made for cell in cells),
            run_of(loaded, seconds),
        )


def _entering(plan: Plan, rgba: np.ndarray, strength: float) -> _Cell:
    entry = enter(plan, rgba, strength)
    t = [*timesteps(plan.steps), 0][entry.first]
    return _Cell(plan, entry.x_t, made=entry.first, begins=(to_signal(rgba[None]), t))


@torch.inference_mode()
def _advance(network: Network, cells: Sequence[_Cell], told: Sequence[Told | None]) -> None:
    """One step of each of the cells, predicted in one batch."""
    x_t = torch.from_numpy(np.concatenate([cell.x_t for cell in cells])).to(network.fold.weight.device)
    times = [timesteps(cell.plan.steps)[cell.made] for cell in cells]
    strengths = [cell.plan.guidance_at(t) for cell, t in zip(cells, times, strict=True)]
    guidance = torch.tensor(strengths, device=x_t.device)
    v = predict(network, x_t, torch.tensor(times, device=x_t.device), _together(network, cells, told), guidance)
    for number, cell in enumerate(cells):
        one = slice(number, number + 1)
        step = solve_step(cell.plan, cell.made, cell.x_t, x_t[one], v[one], cell.past)
        cell.x_t, cell.past, cell.made = step.x_next, (*cell.past, step)[-REMEMBERED:], cell.made + 1


def _together(network: Network, cells: Sequence[_Cell], told: Sequence[Told | None]) -> Told:
    pairs = [pair for pair in told if isinstance(pair, tuple)]
    if not pairs:
        return class_vectors(network, [cell.plan.sprite_class for cell in cells])
    without, asked = (padded([prompt for pair in pairs for prompt in pair[side].each()]) for side in (0, 1))
    return without, asked
