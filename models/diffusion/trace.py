"""From noise to sprites, one step at a time, keeping what the network saw and said at every step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models import runtime
from models.diffusion import samplers
from models.diffusion.data import ANY_CLASS, to_rgba
from models.diffusion.network import CHANNELS, SIZE, SpriteUNet
from models.diffusion.samplers import CORRECTED, EPSILON, FRESH, SAMPLERS, X_0, X_T, Sum, Update, combine, level_at
from models.diffusion.schedule import (
    ALL_THE_WAY,
    GUIDANCE,
    GUIDED,
    cosine_schedule,
    from_velocity,
    guide,
    noise_in,
    timesteps,
    velocity_of_noise,
)
from models.diffusion.words_network import Prompts, WordsUNet, padded
from models.errors import InputError

ALPHA_SNAP = 0.1
REMEMBERED = 2

Network = SpriteUNet | WordsUNet
Told = Tensor | tuple[Prompts, Prompts]
"""What a network is told of its pictures: vectors of classes `[count, embedding]`, or the negative prompts and the
prompts, one of each for every picture."""


@dataclass(frozen=True)
class Plan:
    """What a run is asked for: `count` sprites of a class in `steps` steps, from the noise that `seed` gives.

    `guided`, one of `GUIDED`, says where guidance acts; elsewhere it is 1. `size` is that of the network's pictures, in
    pixels a side. A network that reads words is told a `prompt`, and
    `negative`, what guidance leads away from, in place of the class.
    """

    sprite_class: str
    count: int
    steps: int
    seed: int
    guidance: float = GUIDANCE
    sampler: str = "ddim"
    size: int = SIZE
    prompt: str = ""
    negative: str = ""
    guided: str = ALL_THE_WAY

    def guidance_at(self, t: int) -> float:
        """The guidance at time `t`."""
        low, high = GUIDED[self.guided]
        return self.guidance if low <= t < high else 1.0


@dataclass(frozen=True)
class DenoisingStep:
    """One step from time `t` to `t_next` (-1: the end), number `index` of `steps`.

    Arrays are `[count, 4, size, size] float32`, premultiplied RGBA in about -1..1: `x_t` what the network saw,
    `epsilon` the noise it predicts in it, `x_0` the clean sprites that implies (clipped to -1..1), `x_next` the next
    `x_t`. They satisfy x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) epsilon.

    `update` are the sampler's factors and `pictures` all that they multiply, by name: x_next is
    `combine(update.step, pictures)`. `v` is what the network said, guidance included. `given` `[size, size]` bool:
    pixels that are the visitor's own, not predicted; there x_next is `combine(around, pictures)`. `predicts`: "v";
    "epsilon" where v was computed from the noise that the network said; empty where x_0 was corrected afterwards.
    """

    index: int
    steps: int
    t: int
    t_next: int
    x_t: np.ndarray
    epsilon: np.ndarray
    x_0: np.ndarray
    x_next: np.ndarray
    update: Update = field(default_factory=lambda: Update(()))
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    given: np.ndarray | None = None
    v: np.ndarray | None = None
    predicts: str = "v"
    around: Sum = ()

    def __post_init__(self) -> None:
        shape = (len(self.x_t), CHANNELS, *self.x_t.shape[2:])
        for name in ("x_t", "epsilon", "x_0", "x_next"):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must be {shape}, not {getattr(self, name).shape}")


def trace_denoising(
    network: SpriteUNet,
    sprite_class: str,
    count: int,
    steps: int,
    seed: int,
    *,
    guidance: float = GUIDANCE,
    sampler: str = "ddim",
    guided: str = ALL_THE_WAY,
) -> Iterator[DenoisingStep]:
    """Denoise `count` sprites in `steps` steps, giving each step when it is done; the same `seed`, the same sprites.

    `sprite_class` is one of the network's classes or `ANY_CLASS`, `sampler` one of `SAMPLERS`. Stop iterating and
    nothing more is computed. Raises `InputError` for an unknown class or sampler, before the first step.
    """
    plan = Plan(sprite_class, count, steps, seed, guidance, sampler, guided=guided)
    yield from denoise(network, plan, first_noise(count, seed))


def denoise(
    network: Network,
    plan: Plan,
    x_t: np.ndarray,
    *,
    first: int = 0,
    past: Sequence[DenoisingStep] = (),
    told: Told | None = None,
) -> Iterator[DenoisingStep]:
    """Steps `first` to the last of `plan`, from the pictures `x_t [count, 4, size, size]` at the time of step `first`.

    `past` are the steps before it, oldest first, for samplers that look back. `told` replaces the vectors of the
    plan's class.
    """
    if told is None:
        told = class_vectors(network, [plan.sprite_class] * plan.count)
    past = tuple(past)[-REMEMBERED:]
    for index in range(first, plan.steps):
        step = denoise_once(network, plan, told, index, x_t, past)
        yield step
        x_t, past = step.x_next, (*past, step)[-REMEMBERED:]


@torch.inference_mode()
def denoise_once(
    network: Network, plan: Plan, told: Told, index: int, x_t: np.ndarray, past: Sequence[DenoisingStep] = ()
) -> DenoisingStep:
    """Step `index` of `plan` from `x_t`; arguments as in `denoise`. Raises `InputError` for an unknown sampler."""
    if plan.sampler not in SAMPLERS:
        raise InputError(f"There is no sampler of that name: choose {', '.join(SAMPLERS)}.")
    seen, v = predicted(network, plan, told, timesteps(plan.steps)[index], x_t)
    return replace(solve_step(plan, index, x_t, seen, v, past), predicts=network.config.predicts)


def solve_step(
    plan: Plan, index: int, x_t: np.ndarray, seen: Tensor, v: Tensor, past: Sequence[DenoisingStep] = ()
) -> DenoisingStep:
    """Step `index` of `plan` from what the network saw, `x_t` or `seen`, and said of it, v."""
    schedule = cosine_schedule()
    t, t_next = [*timesteps(plan.steps), -1][index : index + 2]
    x_0 = from_velocity(schedule, seen, v, t)[0].clamp(-1, 1)
    epsilon = noise_in(schedule, seen, x_0, t)
    earlier = [level_at(schedule, step.t) for step in reversed(past)]
    update = SAMPLERS[plan.sampler](level_at(schedule, t), level_at(schedule, t_next), earlier)
    pictures = {X_T: x_t, X_0: x_0.cpu().numpy(), EPSILON: epsilon.cpu().numpy(), **_remembered(past)}
    if any(term.of == FRESH for term in update.step):
        pictures[FRESH] = fresh_noise(x_t.shape, plan.seed, t)
    if update.correction:
        pictures[CORRECTED] = combine(update.correction, pictures)
    x_next = combine(update.step, pictures)
    used = {term.of for term in (*update.step, *update.correction)}
    pictures = {name: picture for name, picture in pictures.items() if name in used}
    return DenoisingStep(
        index,
        plan.steps,
        t,
        t_next,
        x_t,
        epsilon=epsilon.cpu().numpy(),
        x_0=x_0.cpu().numpy(),
        x_next=x_next,
        update=update,
        pictures=pictures,
        v=v.cpu().numpy(),
    )


def _remembered(past: Sequence[DenoisingStep]) -> dict[str, np.ndarray]:
    """What samplers that look back multiply: earlier predictions, and the picture that the last step began with."""
    pictures = {}
    if past:
        pictures[samplers.X_0_BEFORE] = past[-1].x_0
        pictures[samplers.X_BEFORE] = past[-1].pictures.get(CORRECTED, past[-1].x_t)
    if len(past) > 1:
        pictures[samplers.X_0_BEFORE_THAT] = past[-2].x_0
    return pictures


def first_noise(count: int, seed: int, size: int = SIZE) -> np.ndarray:
    """The noise that a run begins with, `[count, 4, size, size] float32` standard normal."""
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, CHANNELS, size, size, generator=random).numpy()


def fresh_noise(shape: tuple[int, ...], seed: int, t: int) -> np.ndarray:
    """The noise added on the way at time `t`: of the seed and the time alone, so that a step can be done again."""
    return np.random.default_rng([seed, t]).standard_normal(shape, dtype=np.float32)


def class_vectors(network: Network, classes: Sequence[str]) -> Tensor:
    """What the network knows of each class by, `[len(classes), embedding]`. Raises `InputError` for unknown ones."""
    if isinstance(network, WordsUNet):
        raise InputError("This network is told words, not a class: write a prompt.")
    numbers = torch.tensor([_number_of(network, name) for name in classes], device=_device(network))
    return network.sprite_class.weight[numbers]


def _number_of(network: SpriteUNet, sprite_class: str) -> int:
    if sprite_class == ANY_CLASS:
        return network.no_class
    if sprite_class not in network.config.classes:
        raise InputError(f"There is no sprite class of that name: choose {', '.join(network.config.classes)}.")
    return network.config.classes.index(sprite_class)


def _device(network: Network) -> torch.device:
    return network.fold.weight.device


def predicted(network: Network, plan: Plan, told: Told, t: int, x_t: np.ndarray) -> tuple[Tensor, Tensor]:
    """What the network saw at time `t`, and v as it says it, `[count, 4, size, size]` each."""
    seen = torch.from_numpy(x_t).to(_device(network))
    return seen, predict(network, seen, torch.full((len(seen),), t, device=seen.device), told, plan.guidance_at(t))


def predict(network: Network, x_t: Tensor, t: Tensor, told: Told, guidance: float | Tensor) -> Tensor:
    """Guided v for `x_t [B, 4, size, size]` at times `t [B]`; `guidance` is one number or `[B]` of them.

    The prediction without class, or with the negative prompt, runs in the same batch, and only where it counts.
    """
    unguided = isinstance(guidance, float | int) and guidance == 1
    with runtime.autocast(x_t.device.type):
        if isinstance(network, WordsUNet):
            assert isinstance(told, tuple)
            without, asked = told
        else:
            assert isinstance(told, Tensor)
            without, asked = network.sprite_class.weight[network.no_class].expand_as(told), told
            unguided = unguided or torch.equal(told, without)
        if unguided:
            return _as_velocity(network, network(x_t, t, asked).float(), x_t, t)
        both = network(torch.cat([x_t, x_t]), torch.cat([t, t]), _together(without, asked)).float()
    unconditional, conditional = both.chunk(2)
    return _as_velocity(network, guide(unconditional, conditional, guidance), x_t, t)


def _as_velocity(network: Network, said: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    return velocity_of_noise(cosine_schedule(), x_t, said, t.cpu()) if network.config.predicts == "epsilon" else said


def _together(first: Tensor | Prompts, second: Tensor | Prompts) -> Any:
    """What both halves of a batch are told, in one."""
    if isinstance(first, Prompts) and isinstance(second, Prompts):
        return padded([*first.each(), *second.each()])
    assert isinstance(first, Tensor)
    assert isinstance(second, Tensor)
    return torch.cat([first, second])


def finished_sprites(x_0: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
    """Predicted sprites as pictures: `[N, 4, size, size] float32` -> `[N, size, size, 4] uint8`, straight alpha.

    Nearly transparent pixels become transparent and nearly opaque ones opaque (within `ALPHA_SNAP`), but those that are
    `given` `[size, size]` stay as they are.
    """
    opacity = (x_0[:, 3:].clip(-1, 1) + 1) / 2
    signal = np.where(opacity < ALPHA_SNAP, -1.0, x_0)
    signal[:, 3:] = np.where(opacity > 1 - ALPHA_SNAP, 1.0, signal[:, 3:])
    signal = signal if given is None else np.where(given, x_0, signal)
    return to_rgba(signal.astype(np.float32))
