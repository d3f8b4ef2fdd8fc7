"""Drawings in one stroke: Gaussian diffusion on 64 points, the same noise, schedule and sampler as for pictures."""

from dataclasses import dataclass

import numpy as np
import torch

from models import runtime
from models.compute import Run, compute, run_of
from models.diffusion.samplers import EPSILON, SAMPLERS, X_0, X_T, combine, level_at
from models.diffusion.schedule import cosine_schedule, from_velocity, timesteps
from models.diffusion.strokes_network import StrokesNetwork, load
from models.runtime import Stopwatch

NAME = "one-stroke"


@dataclass(frozen=True)
class Drawn:
    """Drawings step by step. x_t `[steps + 1, N, points, 2]`, the last without noise; x_0 `[steps, N, points, 2]`.

    times `[steps]`: 999 is noise alone.
    """

    x_t: np.ndarray
    x_0: np.ndarray
    times: list[int]
    run: Run


@compute
def draw_strokes(name: str, count: int, steps: int, seed: int) -> Drawn:
    """`count` drawings of a class, or of any where `name` is none of the classes."""
    loaded, watch = runtime.load(NAME, load), Stopwatch()
    with watch("model"):
        x_t, x_0 = denoise(loaded.network, [name] * count, steps, seed)
    return Drawn(x_t, x_0, timesteps(steps), run_of(loaded, watch.seconds["model"]))


@torch.inference_mode()
def denoise(network: StrokesNetwork, names: list[str], steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One drawing for each of `names`, as `Drawn.x_t` and `Drawn.x_0`. The noise follows from the seed.

    A name that is no class stands for none: the network is not told what it draws.
    """
    classes, device = network.config.classes, next(network.parameters()).device
    untold = len(classes)
    told = torch.tensor([classes.index(name) if name in classes else untold for name in names], device=device)
    random = torch.Generator().manual_seed(seed)
    x, schedule = torch.randn(len(names), network.config.points, 2, generator=random).to(device), cosine_schedule()
    seen, predicted = [x], []
    for t, t_next in zip(timesteps(steps), [*timesteps(steps)[1:], -1], strict=True):
        time = torch.full((len(names),), t, device=device)
        x_0, epsilon = from_velocity(schedule, x, network(x, time, told), t)
        update = SAMPLERS["ddim"](level_at(schedule, t), level_at(schedule, t_next), [])
        x = combine(update.step, {X_T: x, X_0: x_0, EPSILON: epsilon})
        seen.append(x)
        predicted.append(x_0)
    return torch.stack(seen).cpu().numpy(), torch.stack(predicted).cpu().numpy()
