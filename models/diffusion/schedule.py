"""How much picture and how much noise at each time, and how v, x_0 and epsilon belong together: no learning in here.

Symbols as in the papers: `x_0` the clean picture, `epsilon` unit Gaussian noise, `alpha_bar_t` (alphas_cumprod) the
share of the picture's variance left at time t = 0 .. 999:

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) epsilon           Ho et al. 2020, equation 4
    v_t = sqrt(alpha_bar_t) epsilon - sqrt(1 - alpha_bar_t) x_0           Salimans and Ho 2022, appendix D
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

TRAINING_STEPS = 1000
MAX_BETA = 0.999
GUIDANCE = 1.5
ALL_THE_WAY = "all the way"
GUIDED = {ALL_THE_WAY: (0, TRAINING_STEPS), "in the middle": (300, 850)}
"""At which times guidance acts, from and below (Kynkäänniemi et al. 2024, "Applying Guidance in a Limited Interval
Improves Sample and Distribution Quality in Diffusion Models", arXiv 2404.07724)."""


@dataclass(frozen=True)
class Schedule:
    """`alphas_cumprod [1000] float64`, falling from nearly 1 (a clean picture) to nearly 0 (noise).

    Methods take one time or `[B]` of them, as integers, an array or a tensor on the CPU.
    """

    alphas_cumprod: np.ndarray

    def alpha_bar(self, t: Any) -> np.ndarray:
        """alpha_bar_t, the share of variance that is picture."""
        return self.alphas_cumprod[np.asarray(t)]

    def signal(self, t: Any) -> np.ndarray:
        """sqrt(alpha_bar_t): what x_0 is multiplied with."""
        return np.sqrt(self.alpha_bar(t))

    def noise(self, t: Any) -> np.ndarray:
        """sqrt(1 - alpha_bar_t): what epsilon is multiplied with."""
        return np.sqrt(1 - self.alpha_bar(t))

    def signal_to_noise(self, t: Any) -> np.ndarray:
        """alpha_bar_t / (1 - alpha_bar_t), the ratio of variances."""
        return self.alpha_bar(t) / (1 - self.alpha_bar(t))


def cosine_schedule(steps: int = TRAINING_STEPS) -> Schedule:
    """Nichol and Dhariwal 2021, equation 17: alpha_bar falls as a squared cosine."""

    def alpha_bar(share: float) -> float:
        return math.cos((share + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1 - alpha_bar((i + 1) / steps) / alpha_bar(i / steps), MAX_BETA) for i in range(steps)]
    return Schedule(np.cumprod(1 - np.array(betas)))


def linear_schedule(steps: int = TRAINING_STEPS) -> Schedule:
    """Ho et al. 2020, section 4: beta grows evenly from 0.0001 to 0.02."""
    return Schedule(np.cumprod(1 - np.linspace(1e-4, 0.02, steps)))


def timesteps(steps: int) -> list[int]:
    """`steps` times from 999 down, evenly spaced, for sampling with fewer steps than in training ("trailing")."""
    return [round(TRAINING_STEPS * (1 - i / steps)) - 1 for i in range(steps)]


def _like(factor: np.ndarray | float, x: "Tensor") -> "Tensor":
    """The factor (one, or one a picture) in the type of `x` and shaped to multiply it."""
    return x.new_tensor(factor).reshape(-1, *[1] * (x.ndim - 1))


def add_noise(schedule: Schedule, x_0: "Tensor", epsilon: "Tensor", t: Any) -> "Tensor":
    """x_t in one jump, the closed form of t small steps. `x_0, epsilon [B, ...]`, `t` one time or `[B]`."""
    return _like(schedule.signal(t), x_0) * x_0 + _like(schedule.noise(t), x_0) * epsilon


def velocity(schedule: Schedule, x_0: "Tensor", epsilon: "Tensor", t: Any) -> "Tensor":
    """v_t, what the network learns: at high noise mostly -x_0, at low noise mostly epsilon; never an easy answer."""
    return _like(schedule.signal(t), x_0) * epsilon - _like(schedule.noise(t), x_0) * x_0


def from_velocity(schedule: Schedule, x_t: "Tensor", v: "Tensor", t: Any) -> tuple["Tensor", "Tensor"]:
    """Solve x_t and v_t for the clean picture and the noise they imply: `(x_0, epsilon)`."""
    signal, noise = _like(schedule.signal(t), x_t), _like(schedule.noise(t), x_t)
    return signal * x_t - noise * v, noise * x_t + signal * v


def velocity_of_noise(schedule: Schedule, x_t: "Tensor", epsilon: "Tensor", t: Any) -> "Tensor":
    """v_t where the noise is said: near t = 999 its error is divided by next to nothing."""
    return (epsilon - _like(schedule.noise(t), x_t) * x_t) / _like(schedule.signal(t), x_t)


def noise_in(schedule: Schedule, x_t: "Tensor", x_0: "Tensor", t: Any) -> "Tensor":
    """The noise that is in `x_t` if `x_0` is the picture in it: equation 4 solved for epsilon."""
    return (x_t - _like(schedule.signal(t), x_t) * x_0) / _like(schedule.noise(t), x_t)


def guide(unconditional: "Tensor", conditional: "Tensor", guidance: "float | Tensor") -> "Tensor":
    """Classifier-free guidance (Ho and Salimans 2022): go past the class's prediction, away from the classless one.

    `guidance`, one number or one a picture: 1 is the class alone, 0 no class at all.
    """
    if not isinstance(guidance, float | int):
        guidance = guidance.reshape(-1, *[1] * (conditional.ndim - 1))
    return unconditional + guidance * (conditional - unconditional)


def steps_of(steps: int, share: float) -> int:
    """How many whole steps a share of them is, as the share is written: 0.58 of 50 are 29, not 28.999... of them."""
    return min(math.floor(steps * Fraction(str(share))), steps)
