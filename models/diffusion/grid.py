"""Runs side by side: many settings as one batch, so that all are at the same noise at the same moment."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models import runtime
from models.compute import Run, compute, run_of
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
    plan: Plan
    x_t: np.ndarray
    past: tuple[DenoisingStep, ...] = ()
    made: int = 0

    def due(self, moment: int, moments: int) -> bool:
        """Whether the cell makes a step now: one of few steps makes each when the others come to the same noise."""
        return moment * self.plan.steps // moments == self.made


@compute(heavy=True)
def denoise_grid(plans: tuple[Plan, ...]) -> Iterator[GridMoment]:
    """Denoise one sprite for each plan. Plans may differ in everything but whether they have a prompt."""
    reads = bool(plans[0].prompt)
    loaded = runtime.load(WORDS, load_sprite_words) if reads else load_sprites()
    network: Network = loaded.network.unet if reads else loaded.network
    told = [loaded.network.told(p.prompt, p.negative, 1) if reads else None for p in plans]
    cells = [_Cell(plan, first_noise(1, plan.seed)) for plan in plans]
    moments, seconds = max(plan.steps for plan in plans), 0.0
    for moment in range(moments):
        start = time.perf_counter()
        due = [number for number, cell in enumerate(cells) if cell.due(moment, moments)]
        _advance(network, [cells[number] for number in due], [told[number] for number in due])
        seconds += time.perf_counter() - start
        last = [cell.past[-1] for cell in cells]
        yield GridMoment(
            moment,
            moments,
            np.concatenate([step.x_0 for step in last]),
            tuple(step.t for step in last),
            tuple(cell.made for cell in cells),
            run_of(loaded, seconds),
        )


@torch.inference_mode()
def _advance(network: Network, cells: Sequence[_Cell], told: Sequence[Told | None]) -> None:
    """One step of each of the cells, predicted in one batch."""
    x_t = torch.from_numpy(np.concatenate([cell.x_t for cell in cells])).to(network.fold.weight.device)
    times = [timesteps(cell.plan.steps)[cell.made] for cell in cells]
    guidance = torch.tensor([cell.plan.guidance for cell in cells], device=x_t.device)
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
