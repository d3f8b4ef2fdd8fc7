"""Other ways into and through the denoising: fork a run, paint on it, begin with a picture, fill a hole, go between.

All are small changes around `models.diffusion.trace.denoise`: what differs is where a run begins, and from what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from models.diffusion.data import to_signal
from models.diffusion.network import SpriteUNet
from models.diffusion.samplers import KNOWN, KNOWN_FRESH, Term, combine, level_at
from models.diffusion.schedule import cosine_schedule, steps_of, timesteps
from models.diffusion.trace import (
    DenoisingStep,
    Network,
    Plan,
    Told,
    class_vectors,
    denoise,
    denoise_once,
    first_noise,
    fresh_noise,
)

BORDER_TOLERANCE = 48
KNOWN_NOISE, BACK_NOISE = 1, 2


@dataclass(frozen=True)
class Painting:
    """What a visitor painted on number `sprite`: `rgba [size, size, 4] uint8` where `mask [size, size]` is True."""

    rgba: np.ndarray
    mask: np.ndarray
    sprite: int


@dataclass(frozen=True)
class Entry:
    """Where a run begins: at step `first`, with pictures `x_t`, after steps `past` that samplers may look back to."""

    plan: Plan
    first: int
    x_t: np.ndarray
    past: tuple[DenoisingStep, ...] = ()


def fork(
    plan: Plan, steps: Sequence[DenoisingStep], at: int, changed: Plan, painting: Painting | None = None, since: int = 0
) -> Entry:
    """Go on from the picture that step number `at` of a run began with, by another plan.

    `changed` may differ in class, guidance, sampler and seed (of the fresh noise). With an unchanged plan the run is
    repeated bit by bit. Samplers that look back forget the steps before the fork where anything but the seed changed:
    what was predicted there answers another question. Steps before number `since` are forgotten anyway.
    """
    step = steps[at]
    x_t = paint(step, painting) if painting else step.x_t
    same = replace(changed, seed=plan.seed) == plan and painting is None
    return Entry(changed, step.index, x_t, tuple(steps[since:at]) if same else ())


def paint(step: DenoisingStep, painting: Painting) -> np.ndarray:
    """`x_t` as it would be with the painted pixels in the predicted picture and the same noise: the rest is untouched.

    x_t changes by sqrt(alpha_bar_t) times what x_0 changes by, so that early on, paint hardly shows.
    """
    signal = np.float32(cosine_schedule().signal(step.t))
    painted = to_signal(painting.rgba[None])[0]
    x_t = step.x_t.copy()
    change = signal * (painted - step.x_0[painting.sprite])
    x_t[painting.sprite] += np.where(painting.mask, change, np.float32(0))
    return x_t


def begin(plan: Plan) -> Entry:
    """Begin with the noise that the plan's seed gives."""
    return Entry(plan, 0, first_noise(plan.count, plan.seed, plan.size))


def enter(plan: Plan, rgba: np.ndarray, strength: float) -> Entry:
    """Image to image (SDEdit, Meng et al. 2022): noise `rgba [size, size, 4] uint8`, denoise from there.

    `strength` is the share of the plan's steps that are run: 0 none, 1 all, beginning with next to nothing but noise.
    """
    first = plan.steps - steps_of(plan.steps, strength)
    x_0 = np.repeat(to_signal(rgba[None]), plan.count, axis=0)
    times = [*timesteps(plan.steps), -1]
    return Entry(plan, first, _noised(x_0, first_noise(plan.count, plan.seed, plan.size), times[first]))


def _noised(x_0: np.ndarray, epsilon: np.ndarray, t: int) -> np.ndarray:
    level = level_at(cosine_schedule(), t)
    return level.signal * x_0 + level.noise * epsilon


def inpaint(
    network: Network,
    plan: Plan,
    rgba: np.ndarray,
    hole: np.ndarray,
    *,
    rounds: int = 1,
    told: Told | None = None,
) -> Iterator[DenoisingStep]:
    """Fill `hole [size, size] bool` in `rgba [size, size, 4] uint8` (RePaint, Lugmayr et al. 2022, algorithm 1).

    After every step all but the hole is replaced by the picture with the noise of that time. More `rounds` go back
    one step and denoise again, so that the hole learns of its surroundings; the steps are then `rounds` times as many.
    `told` replaces the vectors of the plan's class.
    """
    if told is None:
        told = class_vectors(network, [plan.sprite_class] * plan.count)
    known = np.repeat(to_signal(rgba[None]), plan.count, axis=0)
    noise = first_noise(plan.count, plan.seed, plan.size)
    x_t = np.where(hole, noise, _noised(known, noise, timesteps(plan.steps)[0]))
    schedule = cosine_schedule()
    for number in range(plan.steps * rounds):
        index, repeat = divmod(number, rounds)
        step = denoise_once(network, replace(plan, seed=_another(plan.seed, repeat)), told, index, x_t)
        following = level_at(schedule, step.t_next)
        around = (Term(following.signal, KNOWN), Term(following.noise, KNOWN_FRESH))
        fresh = fresh_noise(x_t.shape, _another(plan.seed, repeat, KNOWN_NOISE), step.t)
        pictures = {**step.pictures, KNOWN: known, KNOWN_FRESH: fresh}
        x_next = np.where(hole, step.x_next, combine(around, pictures))
        x_0 = np.where(hole, step.x_0, known)
        yield replace(step, x_next=x_next, x_0=x_0, given=~hole, pictures=pictures, around=around)
        again = repeat < rounds - 1
        x_t = _one_step_back(x_next, step, _another(plan.seed, repeat, BACK_NOISE)) if again else x_next


def _one_step_back(x_next: np.ndarray, step: DenoisingStep, seed: int) -> np.ndarray:
    """Noise `x_next` again up to the time of `step` (RePaint, equation 9)."""
    schedule = cosine_schedule()
    now, following = level_at(schedule, step.t), level_at(schedule, step.t_next)
    keep = now.signal / following.signal
    return np.float32(keep) * x_next + np.float32(np.sqrt(1 - keep**2)) * fresh_noise(x_next.shape, seed, step.t)


def _another(seed: int, repeat: int, purpose: int = 0) -> int:
    """A seed of its own for each round and purpose."""
    return seed + ((3 * repeat + purpose) << 32)


def between(network: SpriteUNet, plan: Plan, last_class: str, last_seed: int) -> tuple[Entry, Tensor]:
    """`plan.count` sprites on the way from the plan's class and seed to another class and seed, ends included.

    Noises are mixed on the sphere (`slerp`), class vectors on a line. Returns where the run begins and the vectors.
    """
    shares = np.linspace(0, 1, plan.count)
    first, last = (first_noise(1, seed, plan.size)[0] for seed in (plan.seed, last_seed))
    x_t = np.stack([slerp(first, last, share) for share in shares])
    ends = class_vectors(network, [plan.sprite_class, last_class])
    mix = ends.new_tensor(shares)[:, None]
    return Entry(plan, 0, x_t), ends[:1] * (1 - mix) + ends[1:] * mix


def slerp(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Along the great circle from `first` to `second` (Shoemake 1985): of Gaussian noises, Gaussian noise again.

    The straight line between them would pass through noise of too small a variance.
    """
    cosine = float((first * second).sum() / (np.linalg.norm(first) * np.linalg.norm(second)))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if np.sin(angle) < 1e-4:
        return (np.float32(1 - share) * first + np.float32(share) * second).astype(np.float32)
    factors = np.float32(np.sin((1 - share) * angle) / np.sin(angle)), np.float32(np.sin(share * angle) / np.sin(angle))
    return factors[0] * first + factors[1] * second


def run_entry(network: Network, entry: Entry, told: Told | None = None) -> Iterator[DenoisingStep]:
    """Denoise from where `entry` begins."""
    yield from denoise(network, entry.plan, entry.x_t, first=entry.first, past=entry.past, told=told)


def cut_out(rgba: np.ndarray) -> np.ndarray:
    """`[size, size, 4] uint8` with what is coloured like the border, and hangs together with it, transparent.

    A picture with transparency of its own stays as it is.
    """
    if (rgba[..., 3] < 255).any():
        return rgba
    edge = np.zeros(rgba.shape[:2], bool)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    color = np.median(rgba[edge][:, :3], axis=0)
    similar = np.abs(rgba[..., :3] - color).max(axis=-1) < BORDER_TOLERANCE
    outside, grown = np.zeros_like(edge), edge & similar
    while (grown != outside).any():
        outside = grown
        grown = outside.copy()
        grown[1:] |= outside[:-1]
        grown[:-1] |= outside[1:]
        grown[:, 1:] |= outside[:, :-1]
        grown[:, :-1] |= outside[:, 1:]
        grown &= similar
    return np.where(outside[..., None], np.uint8(0), rgba)
