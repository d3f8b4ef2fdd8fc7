"""The sprite U-Net that reads words: cross-attention to a prompt, where the other one is told a class.

The convolutions, the time and the self-attention are those of `SpriteUNet`. What is new: five layers in which every
place of the picture looks at the words (Rombach et al. 2022), and one vector of the whole prompt where the vector of
the class was, as in Stable Diffusion XL (Podell et al. 2023). The words' vectors are those of a frozen MiniLM.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from models.diffusion.network import FOLD, Config, SpriteUNet, channels_last, sinusoids, zeroed


@dataclass(frozen=True)
class WordsConfig(Config):
    """`vocabulary`: the words that captions of the training had; `text_width`: numbers in a word's vector."""

    vocabulary: tuple[str, ...] = ()
    text_width: int = 384


@dataclass(frozen=True)
class Prompts:
    """Read prompts: `vectors [B, T, text_width]` of their tokens, and `mask [B, T]` bool, False for padding."""

    vectors: Tensor
    mask: Tensor

    def each(self) -> list[Tensor]:
        """The vectors of each prompt, `[T, text_width]`, without padding."""
        return [vectors[mask] for vectors, mask in zip(self.vectors, self.mask, strict=True)]

    def times(self, count: int) -> "Prompts":
        """The one prompt `count` times."""
        return Prompts(self.vectors.expand(count, -1, -1), self.mask.expand(count, -1))


def padded(vectors: list[Tensor]) -> Prompts:
    """Prompts read before, each `[T, text_width]`, in one batch."""
    lengths = torch.tensor([len(v) for v in vectors], device=vectors[0].device)
    mask = torch.arange(int(lengths.max()), device=lengths.device) < lengths[:, None]
    return Prompts(nn.utils.rnn.pad_sequence(vectors, batch_first=True), mask)


class CrossAttention(nn.Module):
    """Every place of the picture looks at the words of the prompt. It begins as the identity."""

    def __init__(self, channels: int, heads: int, text_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(8, channels)
        self.query = nn.Linear(channels, channels, bias=False)
        self.key_value = nn.Linear(text_width, 2 * channels, bias=False)
        self.out = zeroed(nn.Linear(channels, channels))

    def forward(self, x: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """`x [B, C, H, W]`, `words [B, T, text_width]`, `mask [B, T]` -> `[B, C, H, W]`."""
        k, v = self.key_value(words).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = self._shares(x, k, mask) @ v
        return x + self.out(mixed.transpose(1, 2).flatten(2)).transpose(1, 2).reshape(x.shape)

    def shares(self, x: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """The weights of `forward`, `[B, heads, H * W, T]`; over the tokens they sum to 1."""
        k, _ = self.key_value(words).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self._shares(x, k, mask)

    def _shares(self, x: Tensor, k: Tensor, mask: Tensor) -> Tensor:
        q = self.query(self.norm(x).flatten(2).transpose(1, 2)).unflatten(2, (self.heads, -1)).transpose(1, 2)
        scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
        return scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(-1)


class WordsUNet(SpriteUNet):
    """v-prediction for noisy sprites, told by words."""

    def __init__(self, config: WordsConfig) -> None:
        super().__init__(config)
        del self.sprite_class
        high, low = config.widths

        def reading(channels: int) -> CrossAttention:
            return CrossAttention(channels, config.heads, config.text_width)

        self.text_norm = nn.LayerNorm(config.text_width)
        self.sentence = nn.Linear(config.text_width, config.embedding)
        self.down_high_words, self.down_low_words = reading(high), reading(low)
        self.middle_words = reading(low)
        self.up_low_words, self.up_high_words = reading(low), reading(high)

    def reading_layers(self) -> list[CrossAttention]:
        """The layers in which the picture looks at the words, in the order in which they run."""
        return [self.down_high_words, self.down_low_words, self.middle_words, self.up_low_words, self.up_high_words]

    def forward(self, x_t: Tensor, t: Tensor, prompts: Prompts, *, sentences: Prompts | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """`x_t [B, 4, 32, 32]`, `t [B]` in 0..999, B prompts -> `v [B, 4, 32, 32]`.

        `sentences`: of which prompts the one vector is made; if not given, of the same.
        """
        words, mask = self.text_norm(prompts.vectors), prompts.mask
        sentence = self.sentence(mean_vector(sentences or prompts))
        condition = F.silu(self.time(sinusoids(t, self.config.widths[0])) + sentence)
        x = self.fold(F.pixel_unshuffle(x_t, FOLD))
        skips = [x := down(x, condition) for down in self.down_high]
        x = self.shrink(self.down_high_words(x, words, mask))
        skips += [x := down(x, condition) for down in self.down_low]
        x = self.down_low_words(self.down_attention(x), words, mask)
        x = self.middle_words(self.middle_attention(self.middle[0](x, condition)), words, mask)
        x = self.middle[1](x, condition)
        for up in self.up_low:
            x = up(torch.cat([x, skips.pop()], dim=1), condition)
        x = self.up_low_words(self.up_attention(x), words, mask)
        x = self.enlarge(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        for up in self.up_high:
            x = up(torch.cat([x, skips.pop()], dim=1), condition)
        x = self.up_high_words(x, words, mask)
        return F.pixel_shuffle(self.unfold(F.silu(self.norm(x))), FOLD)


def mean_vector(prompts: Prompts) -> Tensor:
    """One vector for each prompt, `[B, text_width]`: the mean of its tokens', of length 1 (as MiniLM is used)."""
    weights = prompts.mask[..., None].to(prompts.vectors.dtype)
    return F.normalize((prompts.vectors * weights).sum(1) / weights.sum(1), dim=1)


def load_words_network(folder: Path) -> WordsUNet:
    """The network stored in `folder` (`config.json`, `model.safetensors`), in float32."""
    told = json.loads((folder / "config.json").read_text())
    config: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    network = WordsUNet(WordsConfig(**config))
    network.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return channels_last(network)
