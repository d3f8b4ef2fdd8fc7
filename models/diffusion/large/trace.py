"""A picture from a prompt, one step at a time: what the large network saw, said twice, and where words look.

The same sums and samplers as for the sprites, on latent pictures: x_0 is what the VAE makes of a picture, with a few
channels and an eighth of its side (Rombach et al. 2022). Guidance (Ho and Salimans 2022) asks the network with the
negative prompt and with the prompt:

    output = output_without + guidance (output_with - output_without)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from models.diffusion.large.attention import WordAttention
from models.diffusion.large.network import LargeNetwork, first_noise
from models.diffusion.samplers import EPSILON, FRESH, SAMPLERS, X_0, X_T, Level, Update, combine
from models.diffusion.schedule import guide, steps_of


@dataclass(frozen=True)
class Request:
    """What a large model is asked for. `guidance` 1 leaves the negative prompt out; `strength` matters with a picture.

    Strength is where one enters the noise timeline: 1 at its noisy end, small values near the picture.
    """

    prompt: str
    negative: str = ""
    steps: int = 4
    guidance: float = 1.0
    seed: int = 0
    sampler: str = "ddim"
    strength: float = 1.0

    @property
    def first(self) -> int:
        """The step at which a run from a picture begins; at least one step is run."""
        return self.steps - max(1, steps_of(self.steps, self.strength))


@dataclass(frozen=True)
class Start:
    """Where a run begins: at step number `index`, with the latent `x_t [channels, height, width] float32`."""

    index: int
    x_t: np.ndarray


@dataclass(frozen=True)
class LargeStep:
    """One step from time `t` to `t_next` (-1: the end). Latents are `[channels, height, width] float32`.

    `picture [8 height, 8 width, 3] uint8` is x_0 decoded. `without` and `with_prompt` are the two predictions of the
    noise that guidance mixes (`without` is None for guidance 1). `attention` is `{word: [height, width]}`, the share of
    every place's attention that the word gets; `in_layers` the same for each layer that has a name. They satisfy
    x_t = level.signal x_0 + level.noise epsilon.
    """

    index: int
    t: float
    t_next: float
    level: Level
    x_t: np.ndarray
    epsilon: np.ndarray
    x_0: np.ndarray
    x_next: np.ndarray
    guidance: float
    without: np.ndarray | None
    with_prompt: np.ndarray
    update: Update
    picture: np.ndarray
    attention: dict[str, np.ndarray]
    in_layers: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    predicts: Literal["v", ""] = ""

    @property
    def nbytes(self) -> int:
        """What the arrays take."""
        arrays = [self.x_t, self.epsilon, self.x_0, self.x_next, self.without, self.with_prompt, self.picture]
        shares = [*self.attention.values(), *(one for maps in self.in_layers.values() for one in maps.values())]
        return sum(array.nbytes for array in (*arrays, *shares) if array is not None)


def from_noise(network: LargeNetwork, request: Request) -> Start:
    """Begin with the noise that the request's seed gives."""
    return Start(0, _array(first_noise(network, request.seed)))


@torch.inference_mode()
def from_picture(network: LargeNetwork, request: Request, rgb: np.ndarray) -> Start:
    """Image to image (SDEdit, Meng et al. 2022): begin with `rgb [height, width, 3] uint8`, noised by its strength."""
    level = network.times(request.steps)[request.first].level
    x_t = level.signal * network.encode(rgb) + level.noise * first_noise(network, request.seed)
    return Start(request.first, _array(x_t))


def from_step(step: LargeStep) -> Start:
    """Go on from what a step began with: by another request it is a fork, by the same it is the same run again."""
    return Start(step.index, step.x_t)


@torch.inference_mode()
def trace_prompt(
    network: LargeNetwork, request: Request, start: Start | None = None, tiny: torch.nn.Module | None = None
) -> Iterator[LargeStep]:
    """The steps of a request from where it starts (noise), each when it is done.

    Predicted pictures are decoded by `tiny`, if there is one; the finished one always by the model's own VAE.
    """
    for asked in (request.prompt, request.negative):
        network.check_length(asked)
    start = start or from_noise(network, request)
    times = network.times(request.steps)
    x_t = torch.from_numpy(start.x_t)[None].to(network.device)
    text = network.encode_text(request.prompt, request.negative, request.guidance != 1)
    words = network.words(request.prompt)
    attention = WordAttention(network)
    for index in range(start.index, request.steps):
        time, following = times[index : index + 2]
        attention.forget()
        with attention:
            outputs = network.predict(x_t, time, text)
        x_0, epsilon = network.solve(x_t, guide(outputs[0], outputs[-1], request.guidance), time.level)
        update = SAMPLERS[request.sampler](time.level, following.level, [])
        pictures = {X_T: x_t, X_0: x_0, EPSILON: epsilon}
        if any(term.of == FRESH for term in update.step):
            pictures[FRESH] = first_noise(network, request.seed + 1 + index)
        x_next = combine(update.step, pictures)
        noises = [_array(network.noise_of(x_t, output, time.level)) for output in outputs]
        last = index + 1 == request.steps
        yield LargeStep(
            index,
            time.t,
            following.t,
            time.level,
            x_t=_array(x_t),
            epsilon=_array(epsilon),
            x_0=_array(x_0),
            x_next=_array(x_next),
            guidance=request.guidance,
            without=noises[0] if len(noises) > 1 else None,
            with_prompt=noises[-1],
            update=update,
            picture=network.decode(x_0, None if last else tiny),
            attention={word: attention.of(places) for word, places in words},
            in_layers={word: attention.in_layers(places) for word, places in words} if attention.each else {},
            predicts=network.predicts,
        )
        x_t = x_next


def _array(latent: Tensor) -> np.ndarray:
    return latent[0].float().cpu().numpy()
