"""From noise to sprites, one step at a time, keeping what the network saw and said at every step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from models.diffusion.data import ANY_CLASS, to_rgba
from models.diffusion.network import CHANNELS, SIZE, SpriteUNet
from models.diffusion.schedule import (
    GUIDANCE,
    cosine_schedule,
    ddim_step,
    ddpm_step,
    from_velocity,
    guide,
    noise_in,
    timesteps,
)
from models.errors import InputError

SAMPLERS = ("ddim", "ddpm")
ALPHA_SNAP = 0.1


@dataclass(frozen=True)
class DenoisingStep:
    """One step from time `t` to `t_next` (-1: the end), number `index` of `steps`.

    Arrays are `[count, 4, 32, 32] float32`, premultiplied RGBA in about -1..1: `x_t` what the network saw, `epsilon`
    the noise it predicts in it, `x_0` the clean sprites that implies (clipped to -1..1), `x_next` the next `x_t`.
    They satisfy x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) epsilon.
    """

    index: int
    steps: int
    t: int
    t_next: int
    x_t: np.ndarray
    epsilon: np.ndarray
    x_0: np.ndarray
    x_next: np.ndarray

    def __post_init__(self) -> None:
        shape = (len(self.x_t), CHANNELS, SIZE, SIZE)
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
    sampler: Literal["ddim", "ddpm"] = "ddim",
) -> Iterator[DenoisingStep]:
    """Denoise `count` sprites in `steps` steps, giving each step when it is done; the same `seed`, the same sprites.

    `sprite_class` is one of the network's classes or `ANY_CLASS`. Stop iterating and nothing more is computed.
    Raises `InputError` for an unknown class, before the first step.
    """
    schedule, times = cosine_schedule(), timesteps(steps)
    device = next(network.parameters()).device
    labels = torch.full((count,), _number_of(network, sprite_class), device=device)
    random = torch.Generator().manual_seed(seed)
    x_t = torch.randn(count, CHANNELS, SIZE, SIZE, generator=random).to(device)
    for index, (t, t_next) in enumerate(zip(times, [*times[1:], -1], strict=True)):
        v = _predict(network, x_t, t, labels, guidance)
        x_0 = from_velocity(schedule, x_t, v, t)[0].clamp(-1, 1)
        epsilon = noise_in(schedule, x_t, x_0, t)
        if sampler == "ddim":
            x_next = ddim_step(schedule, x_0, epsilon, t_next)
        else:
            fresh = torch.randn(x_t.shape, generator=random).to(device)
            x_next = ddpm_step(schedule, x_0, x_t, fresh, t, t_next)
        yield DenoisingStep(index, steps, t, t_next, *(a.cpu().numpy() for a in (x_t, epsilon, x_0, x_next)))
        x_t = x_next


@torch.inference_mode()
def _predict(network: SpriteUNet, x_t: Tensor, t: int, labels: Tensor, guidance: float) -> Tensor:
    """Guided v; the classless prediction runs in the same batch, and only where it counts."""
    times = torch.full((len(x_t),), t, device=x_t.device)
    classless = torch.full_like(labels, network.no_class)
    if guidance == 1 or torch.equal(labels, classless):
        return network(x_t, times, labels).float()
    both = network(torch.cat([x_t, x_t]), torch.cat([times, times]), torch.cat([classless, labels])).float()
    unconditional, conditional = both.chunk(2)
    return guide(unconditional, conditional, guidance)


def _number_of(network: SpriteUNet, sprite_class: str) -> int:
    if sprite_class == ANY_CLASS:
        return network.no_class
    if sprite_class not in network.config.classes:
        raise InputError(f"There is no sprite class of that name: choose {', '.join(network.config.classes)}.")
    return network.config.classes.index(sprite_class)


def finished_sprites(x_0: np.ndarray) -> np.ndarray:
    """Predicted sprites as pictures: `[N, 4, 32, 32] float32` -> `[N, 32, 32, 4] uint8`, straight alpha.

    Nearly transparent pixels become transparent and nearly opaque ones opaque (within `ALPHA_SNAP`).
    """
    opacity = (x_0[:, 3:].clip(-1, 1) + 1) / 2
    signal = np.where(opacity < ALPHA_SNAP, -1.0, x_0)
    signal[:, 3:] = np.where(opacity > 1 - ALPHA_SNAP, 1.0, signal[:, 3:])
    return to_rgba(signal.astype(np.float32))


def generate_sprites(
    network: SpriteUNet, sprite_class: str, count: int, steps: int, seed: int, *, guidance: float = GUIDANCE
) -> np.ndarray:
    """The last step of `trace_denoising` as pictures, `[count, 32, 32, 4] uint8`."""
    *_, last = trace_denoising(network, sprite_class, count, steps, seed, guidance=guidance)
    return finished_sprites(last.x_0)
