"""A causal Transformer: to predict the next character, each position looks back at all that came before, at once.

A recurrent network carries what it remembers from step to step; here nothing is carried. Every position asks all
earlier ones (Vaswani et al. 2017, section 3.2, with the norms first), so a character 200 steps back is as near as the
last one, and what lies before the context is not there at all. Where a character stands is told by turning queries and
keys (Su et al. 2021), so that a look depends on the distance between two characters and not on their place in the text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import InputError
from models.text.instrument import Place, Tap, attend
from models.text.stored import load_stored
from models.text.symbols import ALPHABET
from models.text.transformer import Config, EncoderLayer, MultiHeadAttention, initialise


@dataclass(frozen=True)
class CausalConfig(Config):
    """Everything needed to build the network; `context` is how many characters it reads at once, at most."""

    vocabulary: int = len(ALPHABET)
    width: int = 160
    heads: int = 5
    layers: int = 4
    hidden: int = 640
    context: int = 256
    alphabet: str = ALPHABET


class CausalAttention(MultiHeadAttention):
    """Attention of `network.py` with queries and keys turned by their position."""

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """`x`, `context` `[B, T, width]`; `mask [T, T]` is True where a look is allowed."""
        q, k, v = (
            layer(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, source in ((self.query, x), (self.key, context), (self.value, context))
        )
        return self.out(attend(self, turn(q), turn(k), v, mask)[0].flatten(2))

    def read_on(self, x: Tensor, kept: "Kept | None", mask: Tensor) -> tuple[Tensor, "Kept"]:
        """`x [B, T, width]`, which comes after what is `kept` of S characters; `mask [T, S + T]`."""
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        start = kept.keys.shape[2] if kept else 0
        k = turn(k, start)
        if kept:
            k, v = torch.cat([kept.keys, k], dim=2), torch.cat([kept.values, v], dim=2)
        return self.out(attend(self, turn(q, start), k, v, mask)[0].flatten(2)), Kept(k, v)


class Kept(NamedTuple):
    """What a layer keeps of S characters: their turned keys and their values, `[B, heads, S, d]` (a cache)."""

    keys: Tensor
    values: Tensor


class CausalTransformer(nn.Module):
    """Characters in, scores of the next character out; one embedding table serves input and output."""

    def __init__(self, config: CausalConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleList(causal_layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.apply(initialise)

    def forward(self, symbols: Tensor) -> Tensor:
        """`symbols [B, T]` int64 -> logits `[B, T, symbols]` of the character after each.

        Raises `InputError` if T is more than `config.context`.
        """
        return self._read(self.embedding(symbols))

    def read_on(self, symbols: Tensor, cache: Sequence[Kept] = ()) -> tuple[Tensor, tuple[Kept, ...]]:
        """As `forward` for `symbols [B, T]` that come after those of `cache`, of which nothing is computed again.

        Returns the logits `[B, T, symbols]` and the cache with these characters in it. Errors as in `forward`.
        """
        start, length = cache[0].keys.shape[2] if cache else 0, symbols.shape[1]
        self._check_length(start + length)
        mask = torch.ones(length, start + length, dtype=torch.bool, device=symbols.device).tril(start)
        x, after = self.embedding(symbols) * math.sqrt(self.config.width), []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, EncoderLayer)
            assert isinstance(layer.attention, CausalAttention)
            mixed, kept = layer.attention.read_on(layer.attention_norm(x), cache[number] if cache else None, mask)
            x = x + mixed
            x = x + layer.feed_forward(layer.forward_norm(x))
            after.append(kept)
        return F.linear(self.norm(x), self.embedding.weight), tuple(after)

    def scores(self, one_hot: Tensor) -> Tensor:
        """One text: `one_hot [T, symbols]` -> logits `[T, symbols]`, differentiable with respect to `one_hot`.

        Errors as in `forward`.
        """
        return self._read((one_hot @ self.embedding.weight)[None])[0]

    def attention(self, symbols: Tensor) -> Tensor:
        """One text: `symbols [T]` -> attention weights `[layers, heads, T, T]`; row t says where position t looks."""
        attentions = [module for module in self.modules() if isinstance(module, CausalAttention)]
        with Tap({module: Place("decoder", number) for number, module in enumerate(attentions)}) as tap:
            self(symbols[None])
        return torch.stack([attended.weights for attended in tap.attended.values()])

    def _read(self, embedded: Tensor) -> Tensor:
        length = embedded.shape[1]
        self._check_length(length)
        mask = torch.ones(length, length, dtype=torch.bool, device=embedded.device).tril()
        x = embedded * math.sqrt(self.config.width)
        for layer in self.layers:
            x = layer(x, mask)
        return F.linear(self.norm(x), self.embedding.weight)

    def _check_length(self, length: int) -> None:
        if length > self.config.context:
            raise InputError(f"The text has {length:,} characters; this network reads {self.config.context:,} at most.")


def causal_layer(config: Config) -> EncoderLayer:
    """An encoder layer whose attention is a `CausalAttention`."""
    layer = EncoderLayer(config)
    layer.attention = CausalAttention(config.width, config.heads)
    return layer


def turn(x: Tensor, start: int = 0) -> Tensor:
    """Rotary positions: `x [..., T, d]`, each pair (i, i + d/2) turned by position times 10,000^(-2i/d) radians.

    The first of the T stands at position `start`.

    The product of a turned query and a turned key depends on how far apart they are only (Su et al. 2021, section 3.4).
    """
    length, size = x.shape[-2:]
    frequencies = 10_000.0 ** (-torch.arange(0, size, 2, device=x.device) / size)
    angles = torch.arange(start, start + length, device=x.device)[:, None] * frequencies
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def load(folder: Path) -> CausalTransformer:
    """A network from `config.json` and `model.safetensors`, in float32. Raises `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: CausalTransformer(CausalConfig(**config)))
