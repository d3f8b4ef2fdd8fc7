"""Six samplers, each a weighted sum: the next picture is mixed from pictures that are there already.

A sampler looks only at places on the noise timeline (`Level`) and answers with factors (`Update`); `combine` does the
sum. What is shown of a step is therefore what was computed. Deterministic samplers follow one path from the noise to
the picture, the others add fresh noise at every step:

    ddim              Song et al. 2021, equation 12 with sigma = 0
    ddpm              Ho et al. 2020, equations 6 and 7
    euler             Karras et al. 2022, algorithm 1 without the second half (Heun) of the step
    euler-ancestral   the same, a longer step and fresh noise (k-diffusion, Crowson 2022)
    dpm-solver++      Lu et al. 2022b, algorithm 2 (2M): also uses the prediction of the step before
    unipc             Zhao et al. 2023, order 2, B(h) = exp(h) - 1: corrects where it is before it goes on

Euler is DDIM, and Euler ancestral is DDPM, written in other coordinates: the same factors up to rounding.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.diffusion.schedule import Schedule

X_T, X_0, EPSILON, FRESH = "x_t", "x_0", "epsilon", "fresh"
KNOWN, KNOWN_FRESH = "known", "known_fresh"
X_0_BEFORE, X_0_BEFORE_THAT, X_BEFORE, CORRECTED = "x_0_before", "x_0_before_that", "x_before", "x_corrected"


@dataclass(frozen=True)
class Level:
    """A place on the noise timeline, where x = signal x_0 + noise epsilon; (1, 0) is the end.

    In diffusion the squares of the two sum to 1, in flow matching the two themselves.
    """

    signal: float
    noise: float

    @property
    def sigma(self) -> float:
        """Noise / signal: the standard deviation of the noise where the picture is not shrunk (Karras et al. 2022)."""
        return self.noise / self.signal if self.signal else math.inf

    @property
    def log_snr(self) -> float:
        """Lambda = log(signal / noise), half the logarithm of the ratio of variances; infinite at the end."""
        return math.log(self.signal / self.noise) if self.noise else math.inf


@dataclass(frozen=True)
class Term:
    """One summand: `factor` times the picture called `of`."""

    factor: float
    of: str


Sum = tuple[Term, ...]


@dataclass(frozen=True)
class Update:
    """How x_next is mixed (`step`), and before it a better x_t, if the sampler makes one (`correction`)."""

    step: Sum
    correction: Sum = ()


Sampler = Callable[[Level, Level, Sequence[Level]], Update]


def level_at(schedule: Schedule, t: int) -> Level:
    """The level at time `t`; negative times are the end."""
    return Level(float(schedule.signal(t)), float(schedule.noise(t))) if t >= 0 else Level(1.0, 0.0)


def combine(terms: Sum, pictures: Mapping[str, Any]) -> Any:
    """The weighted sum of `pictures` (tensors or arrays of one shape) that `terms` describe, first term first."""
    total = terms[0].factor * pictures[terms[0].of]
    for term in terms[1:]:
        total = total + term.factor * pictures[term.of]
    return total


def _ddim(now: Level, following: Level, earlier: Sequence[Level]) -> Update:
    """The predicted picture, noised anew with the same noise, less of it."""
    return Update((Term(following.signal, X_0), Term(following.noise, EPSILON)))


def _ddpm(now: Level, following: Level, earlier: Sequence[Level]) -> Update:
    """The mean of q(x_next | x_t, x_0) and fresh noise of its variance."""
    shrink = now.signal / following.signal  # the root of alpha of the whole step
    variance, variance_next = now.noise**2, following.noise**2
    beta = variance - shrink**2 * variance_next  # noise of the step; 1 - alpha where variances sum to 1
    towards_x_0 = following.signal * beta / variance
    towards_x_t = shrink * variance_next / variance
    deviation = math.sqrt(max(0.0, beta * variance_next / variance))
    return Update((Term(towards_x_0, X_0), Term(towards_x_t, X_T), Term(deviation, FRESH)))


def _euler(now: Level, following: Level, earlier: Sequence[Level]) -> Update:
    """A straight line in sigma: x / signal moves by (sigma_next - sigma) epsilon."""
    return Update(_towards(now, following, following.sigma))


def _euler_ancestral(now: Level, following: Level, earlier: Sequence[Level]) -> Update:
    """Down to less noise than asked for, then up with fresh noise."""
    sigma, sigma_next = now.sigma, following.sigma
    up = sigma_next * math.sqrt(max(0.0, 1 - (sigma_next / sigma) ** 2))
    down = math.sqrt(max(0.0, sigma_next**2 - up**2))
    return Update((*_towards(now, following, down), Term(following.signal * up, FRESH)))


def _towards(now: Level, following: Level, sigma: float) -> Sum:
    """From sigma `now` straight to another `sigma`, in the size of pictures at `following`."""
    return (
        Term(following.signal * sigma / now.noise, X_T),
        Term(following.signal * (1 - sigma / now.sigma), X_0),
    )


def _dpm_solver_plus_plus(now: Level, following: Level, earlier: Sequence[Level]) -> Update:
    """The second step onwards extrapolates the predicted picture from the last two; the last step does not."""
    shrink = following.noise / now.noise
    towards = following.signal - shrink * now.signal  # -signal_next (exp(-h) - 1)
    if not earlier or not following.noise:
        return Update((Term(shrink, X_T), Term(towards, X_0)))
    slope = _half_slope(now, following, earlier[0])
    return Update((Term(shrink, X_T), Term(towards * (1 + slope), X_0), Term(-towards * slope, X_0_BEFORE)))


def _half_slope(now: Level, following: Level, before: Level) -> float:
    """1 / (2 r), where r is the last step's length in log_snr over this one's."""
    return (following.log_snr - now.log_snr) / (2 * (now.log_snr - before.log_snr))


def _unipc(now: Level, following: Level, earlier: Sequence[Level]) -> Update:
    """DPM-Solver++'s step, after x_t itself was corrected with what the network has since said there."""
    step = _dpm_solver_plus_plus(now, following, earlier).step
    if not earlier:
        return Update(step)
    step = tuple(Term(term.factor, CORRECTED if term.of == X_T else term.of) for term in step)
    return Update(step, _correction(now, earlier))


def _correction(now: Level, earlier: Sequence[Level]) -> Sum:
    """UniC (Zhao et al. 2023, algorithm 1): the step that led here once more, knowing the prediction at its end."""
    before = earlier[0]
    shrink = now.noise / before.noise
    towards = now.signal - shrink * before.signal
    if len(earlier) == 1:
        return (Term(shrink, X_BEFORE), Term(towards / 2, X_0_BEFORE), Term(towards / 2, X_0))
    h = now.log_snr - before.log_snr
    r = (earlier[1].log_snr - before.log_snr) / h
    phi_2 = math.expm1(-h) / -h - 1
    phi_3 = phi_2 / -h - 0.5
    right = np.array([phi_2, 2 * phi_3]) / math.expm1(-h)
    rho_before, rho_now = np.linalg.solve([[1.0, 1.0], [r, 1.0]], right)
    return (
        Term(shrink, X_BEFORE),
        Term(towards * float(1 - rho_before / r - rho_now), X_0_BEFORE),
        Term(towards * float(rho_before / r), X_0_BEFORE_THAT),
        Term(towards * float(rho_now), X_0),
    )


SAMPLERS: dict[str, Sampler] = {
    "ddim": _ddim,
    "ddpm": _ddpm,
    "euler": _euler,
    "euler-ancestral": _euler_ancestral,
    "dpm-solver++": _dpm_solver_plus_plus,
    "unipc": _unipc,
}
TITLES = {
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "euler": "Euler",
    "euler-ancestral": "Euler ancestral",
    "dpm-solver++": "DPM-Solver++",
    "unipc": "UniPC",
}
