"""The forward process on any picture: how much noise, at which time, by which schedule. Nothing is learned here.

The shifted schedule multiplies the ratio of noise to signal by `SHIFT` at every time. Large pictures want it: where
neighbouring pixels repeat each other, the same noise hides less (Hoogeboom et al. 2023, "simple diffusion", section 3;
Esser et al. 2024, section 5.3.2, where it is the shift of a flow-matching model).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from models.diffusion.data import to_signal
from models.diffusion.schedule import Schedule, cosine_schedule, linear_schedule

SHIFT = 3.0
MOST_DRAWN = 2**22  # numbers of noise that the small steps may draw: a thousand steps of 32 x 32 pixels
FRAMES = 6


def shifted_schedule(shift: float = SHIFT) -> Schedule:
    """The cosine schedule with its noise-to-signal ratio (of amplitudes) multiplied by `shift`."""
    cosine = cosine_schedule().alphas_cumprod
    return Schedule(cosine / (cosine + shift**2 * (1 - cosine)))


SCHEDULES: dict[str, Callable[[], Schedule]] = {
    "cosine": cosine_schedule,
    "linear": linear_schedule,
    "shifted": shifted_schedule,
}


@cache
def schedule_called(name: str) -> Schedule:
    """One of `SCHEDULES`, made once."""
    return SCHEDULES[name]()


@dataclass(frozen=True)
class NoisyPicture:
    """A picture with noise at time `t`: `x_t = signal x_0 + noise epsilon`, each `[4, size, size] float32`.

    Colours are multiplied by opacity and everything lies in -1..1, as the sprites' network sees it.
    """

    schedule: str
    t: int
    x_0: np.ndarray
    epsilon: np.ndarray
    x_t: np.ndarray

    @property
    def alpha_bar(self) -> float:
        """The share of variance that is picture."""
        return float(schedule_called(self.schedule).alpha_bar(self.t))

    @property
    def signal(self) -> float:
        """What `x_0` is multiplied with."""
        return float(schedule_called(self.schedule).signal(self.t))

    @property
    def noise(self) -> float:
        """What `epsilon` is multiplied with."""
        return float(schedule_called(self.schedule).noise(self.t))

    @property
    def signal_to_noise(self) -> float:
        """The ratio of variances."""
        return float(schedule_called(self.schedule).signal_to_noise(self.t))


def noisy_picture(rgba: np.ndarray, t: int, schedule: str, seed: int) -> NoisyPicture:
    """The closed form (Ho et al. 2020, equation 4) on `rgba [size, size, 4] uint8`; the seed decides the noise."""
    x_0 = to_signal(rgba[None])[0]
    epsilon = np.random.default_rng(seed).standard_normal(x_0.shape).astype(np.float32)
    table = schedule_called(schedule)
    x_t = (table.signal(t) * x_0 + table.noise(t) * epsilon).astype(np.float32)
    return NoisyPicture(schedule, t, x_0, epsilon, x_t)


@dataclass(frozen=True)
class SmallSteps:
    """The same in small steps, each with noise of its own (Ho et al. 2020, equation 2).

    times: at which `frames [FRAMES, 4, size, size]` are shown, the last one t. count: how many steps were made.
    noise_mean, noise_deviation: of the one noise that all the small ones come to: (x_t - signal x_0) / noise.
    """

    times: tuple[int, ...]
    frames: np.ndarray
    count: int
    noise_mean: float
    noise_deviation: float


def small_steps(noisy: NoisyPicture, seed: int) -> SmallSteps:
    """`noisy` once more, by one step for each unit of time; large pictures by fewer and longer ones."""
    table, t = schedule_called(noisy.schedule), noisy.t
    count = max(1, min(t + 1, MOST_DRAWN // noisy.x_0.size))
    stops = sorted({round((t + 1) * part / count) - 1 for part in range(1, count + 1)})
    shown = {stops[round((len(stops) - 1) * part / (FRAMES - 1))] for part in range(FRAMES)}
    random = np.random.default_rng([seed, 1])
    x, share, frames = noisy.x_0, 1.0, {}
    for stop in stops:
        ratio = float(table.alpha_bar(stop)) / share
        fresh = random.standard_normal(x.shape, np.float32)
        x = np.float32(ratio**0.5) * x + np.float32((1 - ratio) ** 0.5) * fresh
        share *= ratio
        if stop in shown:
            frames[stop] = x
    noise = (x - np.float32(noisy.signal) * noisy.x_0) / np.float32(noisy.noise)
    mean, deviation = float(noise.mean()), float(noise.std())
    return SmallSteps(tuple(frames), np.stack(list(frames.values())), len(stops), mean, deviation)
