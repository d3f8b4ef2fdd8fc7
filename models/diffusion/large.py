"""Latent diffusion from a prompt, one step at a time: what the large network saw, said twice, and where words look.

The same times, sums and samplers as for the sprites, on latent pictures: x_0 is what the VAE makes of a picture, with
four channels and an eighth of its side (Rombach et al. 2022). Guidance (Ho and Salimans 2022) asks the network with the
negative prompt and with the prompt:

    epsilon = epsilon_without + guidance (epsilon_with - epsilon_without)

Where the words look is the cross-attention of every layer and head, averaged over the steps so far (DAAM, Tang et al.
2023).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from models.diffusion.pipeline import TextToPicture
from models.diffusion.samplers import EPSILON, FRESH, SAMPLERS, X_0, X_T, Update, combine, level_at
from models.diffusion.schedule import Schedule, add_noise, from_velocity, guide, timesteps

FORGETFUL_SAMPLERS = ("ddim", "ddpm", "euler", "euler-ancestral")  # those that do not look back


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
        return self.steps - min(max(1, int(self.steps * self.strength)), self.steps)


@dataclass(frozen=True)
class LargeStep:
    """One step. Latents `[4, height, width] float32`; `picture [8 height, 8 width, 3] uint8` is x_0 decoded.

    `without` and `with_prompt` are the two predictions of the noise that guidance mixes (`without` is None for guidance
    1). `attention` is `{word: [height, width]}`, the share of every place's attention that the word gets.
    """

    index: int
    t: int
    t_next: int
    x_t: np.ndarray
    epsilon: np.ndarray
    x_0: np.ndarray
    x_next: np.ndarray
    without: np.ndarray | None
    with_prompt: np.ndarray
    update: Update
    picture: np.ndarray
    attention: dict[str, np.ndarray]


def schedule_of(network: TextToPicture) -> Schedule:
    """The noise table that the network was trained with."""
    return Schedule(network.pipeline.scheduler.alphas_cumprod.double().cpu().numpy())


@torch.inference_mode()
def trace_prompt(network: TextToPicture, request: Request, rgb: np.ndarray | None = None) -> Iterator[LargeStep]:
    """The steps of a request, each when it is done, from noise or from a picture `[height, width, 3] uint8`."""
    schedule, times = schedule_of(network), [*timesteps(request.steps), -1]
    first = request.first if rgb is not None else 0
    x_t = first_latent(network, request.seed)
    if rgb is not None:
        x_t = add_noise(schedule, encode_picture(network, rgb), x_t, times[first])
    texts = encode_prompts(network, request)
    words = words_of(network.pipeline.tokenizer, request.prompt)
    with CrossAttention(network.unet, x_t.shape[-1]) as attention:
        for index in range(first, request.steps):
            t, t_next = times[index : index + 2]
            said = _predict(network, x_t, t, texts)
            x_0, epsilon = _solve(network, schedule, x_t, guide(said[0], said[-1], request.guidance), t)
            update = SAMPLERS[request.sampler](level_at(schedule, t), level_at(schedule, t_next), [])
            pictures = {X_T: x_t, X_0: x_0, EPSILON: epsilon}
            if any(term.of == FRESH for term in update.step):
                pictures[FRESH] = first_latent(network, request.seed + 1 + index)
            x_next = combine(update.step, pictures)
            noises = [_solve(network, schedule, x_t, output, t)[1] for output in said]
            yield LargeStep(
                index,
                t,
                t_next,
                x_t=_array(x_t),
                epsilon=_array(epsilon),
                x_0=_array(x_0),
                x_next=_array(x_next),
                without=_array(noises[0]) if len(noises) > 1 else None,
                with_prompt=_array(noises[-1]),
                update=update,
                picture=decode_latent(network, x_0),
                attention={word: attention.of(places) for word, places in words},
            )
            x_t = x_next


def _array(latent: Tensor) -> np.ndarray:
    return latent[0].float().cpu().numpy()


def first_latent(network: TextToPicture, seed: int) -> Tensor:
    """Noise of the size that the network was made for, `[1, 4, height, width] float32`."""
    side, channels = network.unet.config.sample_size, network.unet.config.in_channels
    noise = torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(seed))
    return noise.to(network.unet.device)


def encode_prompts(network: TextToPicture, request: Request) -> Tensor:
    """Text vectors `[1 or 2, tokens, width]`: of the negative prompt, if guidance needs it, and of the prompt."""
    guided = request.guidance != 1
    prompt, negative = network.pipeline.encode_prompt(
        request.prompt, network.unet.device, 1, guided, negative_prompt=request.negative if guided else None
    )
    return torch.cat([negative, prompt]) if guided else prompt


def _predict(network: TextToPicture, x_t: Tensor, t: int, texts: Tensor) -> tuple[Tensor, ...]:
    """What the network says for each of `texts`, `[1, 4, height, width] float32` each."""
    seen = x_t.to(network.unet.dtype).expand(len(texts), -1, -1, -1)
    return network.unet(seen, t, encoder_hidden_states=texts).sample.float().split(1)


def _solve(network: TextToPicture, schedule: Schedule, x_t: Tensor, output: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """The clean latent and the noise that an output of the network means: `(x_0, epsilon)`."""
    if network.pipeline.scheduler.config.prediction_type == "v_prediction":
        return from_velocity(schedule, x_t, output, t)
    signal, noise = float(schedule.signal(t)), float(schedule.noise(t))
    return (x_t - noise * output) / signal, output


def decode_latent(network: TextToPicture, x_0: Tensor) -> np.ndarray:
    """The picture of a latent, `[height, width, 3] uint8`, by the model's own VAE."""
    vae = network.vae
    decoded = vae.decode(x_0.to(vae.dtype) / vae.config.scaling_factor).sample[0].float().cpu().numpy()
    return np.rint((decoded.clip(-1, 1) + 1) / 2 * 255).astype(np.uint8).transpose(1, 2, 0)


def encode_picture(network: TextToPicture, rgb: np.ndarray) -> Tensor:
    """The latent of a picture's middle square, shrunk or enlarged to the network's size."""
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    size = network.unet.config.sample_size * network.pipeline.vae_scale_factor
    square = Image.fromarray(np.ascontiguousarray(rgb[top : top + side, left : left + side]))
    signal = np.asarray(square.resize((size, size), Image.Resampling.LANCZOS), np.float32) / 127.5 - 1
    picture = torch.from_numpy(signal.transpose(2, 0, 1)[None].copy()).to(network.vae.device, network.vae.dtype)
    return network.vae.encode(picture).latent_dist.mode().float() * network.vae.config.scaling_factor


def words_of(tokenizer: Any, prompt: str) -> list[tuple[str, list[int]]]:
    """The prompt's words with the places of their tokens; a word that comes twice is listed twice, numbered."""
    numbers = tokenizer(prompt, truncation=True, max_length=tokenizer.model_max_length).input_ids
    groups: list[list[int]] = []
    open_word = False
    for place, token in enumerate(tokenizer.convert_ids_to_tokens(numbers)):
        if numbers[place] in tokenizer.all_special_ids:
            continue
        if not open_word:
            groups.append([])
        groups[-1].append(place)
        open_word = not token.endswith("</w>")
    words: list[tuple[str, list[int]]] = []
    for places in groups:
        word = tokenizer.decode([numbers[place] for place in places]).strip()
        seen = sum(known.split(" #")[0] == word for known, _ in words)
        words.append((f"{word} #{seen + 1}" if seen else word, places))
    return words


class CrossAttention:
    """While entered: the mean over layers, heads and calls of where a U-Net looks in its text, `[tokens, side, side]`.

    It computes the attention beside the network and changes nothing in it. Of a batch, the last is looked at.
    """

    def __init__(self, unet: torch.nn.Module, side: int) -> None:
        self.layers = [module for name, module in unet.named_modules() if name.endswith("attn2")]
        self.side = side
        self.total: Tensor | None = None
        self.calls = 0

    def __enter__(self) -> "CrossAttention":
        self.hooks = [layer.register_forward_pre_hook(self._look, with_kwargs=True) for layer in self.layers]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hook in self.hooks:
            hook.remove()

    def _look(self, layer: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        hidden, text = arguments[0][-1:], named["encoder_hidden_states"][-1:]
        query, key = layer.head_to_batch_dim(layer.to_q(hidden)), layer.head_to_batch_dim(layer.to_k(text))
        shares = layer.get_attention_scores(query, key).float().mean(0).T  # [tokens, places]
        side = math.isqrt(shares.shape[1])
        maps = interpolate(shares.reshape(1, -1, side, side), size=(self.side, self.side), mode="bilinear")[0].cpu()
        self.total = maps if self.total is None else self.total + maps
        self.calls += 1

    def of(self, places: list[int]) -> np.ndarray:
        """The share of attention that the tokens at `places` get together, `[side, side]` in 0..1."""
        if self.total is None:
            return np.zeros((self.side, self.side), np.float32)
        return (self.total[places].sum(0) / self.calls).numpy()
