"""Restoring: a sprite from its brightness alone, or from a quarter of its pixels, by the network that knows sprites.

What is given is a linear measurement y = A x_0 of a picture. After every prediction the predicted picture is replaced
by the nearest one of which that measurement is y, and the sampler goes on from there (Wang et al. 2023, DDNM):

    x_0 + A+ (y - A x_0)

Nothing is trained for it. A A+ is the identity for both measurements. The replacement may leave the range of colours,
so that it is made a few times, each followed by clipping.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from models.diffusion.data import to_signal
from models.diffusion.network import SpriteUNet
from models.diffusion.schedule import cosine_schedule, from_velocity, timesteps
from models.diffusion.trace import DenoisingStep, Plan, class_vectors, first_noise, predicted, solve_step

FACTOR = 2
REPLACEMENTS = 16


@dataclass(frozen=True)
class Measurement:
    """`of`: A, what is given of pictures `[N, 4, size, size]`; `back`: A+, the smallest picture that would give it."""

    of: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]


def _brightness(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x[:, :3].mean(1, keepdims=True), x[:, 3:]], axis=1)


def _grey(y: np.ndarray) -> np.ndarray:
    return np.concatenate([y[:, :1].repeat(3, axis=1), y[:, 1:]], axis=1)


def _averages(x: np.ndarray) -> np.ndarray:
    count, channels, height, width = x.shape
    return x.reshape(count, channels, height // FACTOR, FACTOR, width // FACTOR, FACTOR).mean((3, 5))


def _blocks(y: np.ndarray) -> np.ndarray:
    return y.repeat(FACTOR, axis=2).repeat(FACTOR, axis=3)


MEASUREMENTS = {"grey": Measurement(_brightness, _grey), "small": Measurement(_averages, _blocks)}


def nearest_with(x_0: np.ndarray, y: np.ndarray, measurement: Measurement) -> np.ndarray:
    """The pictures nearest to `x_0 [N, 4, size, size]` of which the measurement is `y`."""
    return x_0 + measurement.back(y - measurement.of(x_0))


def kept_to(x_0: np.ndarray, y: np.ndarray, measurement: Measurement) -> np.ndarray:
    """Nearly the same within -1..1: corrected and clipped, again and again."""
    for _ in range(REPLACEMENTS):
        x_0 = nearest_with(x_0, y, measurement).clip(-1, 1)
    return x_0


@torch.inference_mode()
def restore(network: SpriteUNet, plan: Plan, rgba: np.ndarray, measurement: Measurement) -> Iterator[DenoisingStep]:
    """Denoise by `plan`, keeping to what is measured of `rgba [size, size, 4] uint8`.

    The steps' `x_0` are the corrected pictures, and noise and v those that belong to them.
    """
    y, schedule = measurement.of(to_signal(rgba[None])), cosine_schedule()
    told = class_vectors(network, [plan.sprite_class] * plan.count)
    x_t = first_noise(plan.count, plan.seed, plan.size)
    for index, t in enumerate(timesteps(plan.steps)):
        seen, v = predicted(network, plan, told, t, x_t)
        x_0 = from_velocity(schedule, seen, v, t)[0].clamp(-1, 1).cpu().numpy()
        corrected = torch.from_numpy(kept_to(x_0, y, measurement)).to(seen.device)
        v = (float(schedule.signal(t)) * seen - corrected) / float(schedule.noise(t))
        step = replace(solve_step(plan, index, x_t, seen, v), predicts="")
        yield step
        x_t = step.x_next
