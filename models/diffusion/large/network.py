"""What the trace asks of a large model, whatever its family: its times, its text, its prediction, its latents."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models.diffusion.samplers import Level
from models.errors import InputError

WORD = re.compile(r"\w+|[^\w\s]+")

Text = dict[str, Tensor]  # named inputs of the denoiser, each [1 or 2, ...]: of the negative prompt, and of the prompt


@dataclass(frozen=True)
class Time:
    """A place on the timeline: `t` as the model counts it, and how much picture and noise there is; the end is t = -1.

    Diffusion counts from 999 down to 0, flow matching from 1 to 0.
    """

    t: float
    level: Level


END = Time(-1, Level(1.0, 0.0))


class LargeNetwork(torch.nn.Module):
    """A text-to-picture pipeline of diffusers, whose networks are submodules: it moves and counts as one network.

    Latents are `[1, channels, side, side] float32`. A family says what is its own; decoding is the same for all.
    """

    pipeline: Any
    denoiser: Any
    vae: Any
    predicts: Literal["v", ""] = ""
    """What steps are said to follow from: v, or (empty) what the page says of each family."""
    layer_names: tuple[str, ...] = ()
    """Of the reading layers in the order in which they run, where a network has few enough to be looked at singly."""

    def __init__(self, pipeline: Any, denoiser: torch.nn.Module, text_encoders: list[torch.nn.Module]) -> None:
        super().__init__()
        self.pipeline = pipeline
        self.denoiser, self.vae = denoiser, pipeline.vae
        self.text_encoders = torch.nn.ModuleList(text_encoders)

    @classmethod
    def load(cls, folder: Path) -> "LargeNetwork":
        """The network in a local folder of diffusers' format."""
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.denoiser.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """In what the denoiser computes."""
        return next(self.denoiser.parameters()).dtype

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the latents that the network was made for."""
        raise NotImplementedError

    def times(self, steps: int) -> list[Time]:
        """The times of `steps` steps from noise on, and the end."""
        raise NotImplementedError

    def encode_text(self, prompt: str, negative: str, guided: bool) -> Text:
        """What the denoiser reads: of the negative prompt, if `guided`, and of the prompt."""
        raise NotImplementedError

    def predict(self, x_t: Tensor, time: Time, text: Text) -> tuple[Tensor, ...]:
        """The denoiser's output for each text."""
        raise NotImplementedError

    def solve(self, x_t: Tensor, output: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """The clean latent and the noise that an output means: `(x_0, epsilon)`."""
        raise NotImplementedError

    def check_length(self, text: str) -> None:
        """Raises `InputError` for a text that the network would not read to its end."""
        tokenizer = self.pipeline.tokenizer
        length, most = len(tokenizer(text, verbose=False)["input_ids"]), tokenizer.model_max_length
        if length > most:
            raise InputError(f"This network reads {most} pieces of words; a prompt of yours has {length}: shorten it.")

    def words(self, prompt: str) -> list[tuple[str, list[int]]]:
        """The prompt's words, each with the places of its tokens in what the denoiser reads."""
        return words_of(self.pipeline.tokenizer, prompt)

    def noise_of(self, x_t: Tensor, output: Tensor, level: Level) -> Tensor:
        """The noise that an output means before anything is kept within bounds: what guidance mixes."""
        return self.solve(x_t, output, level)[1]

    def decode(self, latent: Tensor, tiny: torch.nn.Module | None = None) -> np.ndarray:
        """The picture of a latent, `[height, width, 3] uint8`, by the tiny decoder, if given, else by its own."""
        return decode_latent(tiny or self.vae, latent)

    def encode(self, rgb: np.ndarray) -> Tensor:
        """The latent of the middle square of `rgb [height, width, 3] uint8`."""
        return encode_picture(self, rgb)

    def reading_layers(self) -> list[torch.nn.Module]:
        """The layers in which the picture looks at the text."""
        raise NotImplementedError

    def text_shares(self, layer: Any, inputs: dict[str, Any]) -> Tensor:
        """`[tokens, places]`: how much of each place's attention each token of the last text gets, mean over heads."""
        raise NotImplementedError


def first_noise(network: LargeNetwork, seed: int) -> Tensor:
    """Noise to begin with, `[1, channels, side, side] float32`, drawn on the CPU: the same on every device."""
    return torch.randn(1, *network.latent_shape, generator=torch.Generator().manual_seed(seed)).to(network.device)


def decode_latent(vae: Any, latent: Tensor) -> np.ndarray:
    """The picture of a latent, `[height, width, 3] uint8`, by a VAE or a tiny decoder."""
    scale, shift = vae.config.scaling_factor, vae.config.shift_factor or 0.0
    decoded = vae.decode((latent / scale + shift).to(vae.dtype)).sample[0].float().cpu().numpy()
    return np.rint((decoded.clip(-1, 1) + 1) / 2 * 255).astype(np.uint8).transpose(1, 2, 0)


def encode_picture(network: LargeNetwork, rgb: np.ndarray) -> Tensor:
    """The latent of the middle square of `rgb [height, width, 3] uint8`, brought to the network's size."""
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    size = network.latent_shape[-1] * network.pipeline.vae_scale_factor
    square = Image.fromarray(np.ascontiguousarray(rgb[top : top + side, left : left + side]))
    signal = np.asarray(square.resize((size, size), Image.Resampling.LANCZOS), np.float32) / 127.5 - 1
    picture = torch.from_numpy(signal.transpose(2, 0, 1)[None].copy()).to(network.device, network.vae.dtype)
    config = network.vae.config
    return (
        network.vae.encode(picture).latent_dist.mode().float() - (config.shift_factor or 0.0)
    ) * config.scaling_factor


def words_of(tokenizer: Any, prompt: str) -> list[tuple[str, list[int]]]:
    """The prompt's words with the places of their tokens; a word that comes twice is listed twice, numbered.

    Words that were cut off, because the text encoder reads so many tokens only, are left out.
    """
    encoded = tokenizer(prompt, truncation=True, max_length=tokenizer.model_max_length, return_offsets_mapping=True)
    begins = [end - len(prompt[begin:end].lstrip()) for begin, end in encoded.offset_mapping]
    marks = [begin == end for begin, end in encoded.offset_mapping]  # start and end of the text
    words: list[tuple[str, list[int]]] = []
    seen: dict[str, int] = {}
    for span in WORD.finditer(prompt):
        inside = range(*span.span())
        places = [place for place, begin in enumerate(begins) if begin in inside and not marks[place]]
        seen[span[0]] = seen.get(span[0], 0) + 1
        if places:
            words.append((f"{span[0]} #{seen[span[0]]}" if seen[span[0]] > 1 else span[0], places))
    return words
