"""A photo becomes 64 vectors, a Transformer decoder writes a sentence that looks at them anew at every word.

Source: Xu et al. 2015, "Show, attend and tell", with the decoder of Vaswani et al. 2017 in place of the LSTM. The eyes
are a Vision Transformer trained for something else, whose weights stay as they are (`photo_eyes`).
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.sequences.caption.words import PAD
from models.text.instrument import Place
from models.text.stored import load_stored
from models.text.transformer import Config as LayerConfig
from models.text.transformer import DecoderLayer, Sinusoids, initialise


@dataclass(frozen=True)
class Config:
    """Numbers of each cell of the photo, cells a photo, the decoder's shape, and the words it can write."""

    words: tuple[str, ...]
    features: int = 384
    cells: int = 64
    width: int = 256
    heads: int = 4
    layers: int = 3
    hidden: int = 512
    dropout: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))  # JSON has lists only


class CaptionLayer(DecoderLayer):
    """A decoder layer in which all captions of a photo read its cells together."""

    def forward(self, x: Tensor, causal: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """`x [B N, T, W]`, `causal [1, 1, T, T]`, `memory [B, P, W]`, `mask [1, 1, 1, P]` -> `[B N, T, W]`."""
        normed = self.attention_norm(x)
        x = x + self.dropout(self.attention(normed, normed, causal))
        asked = self.cross_norm(x).view(len(memory), -1, x.shape[-1])
        x = x + self.dropout(self.cross(asked, memory, mask)).view_as(x)
        return x + self.dropout(self.feed_forward(self.forward_norm(x)))


class PhotoCaptioner(nn.Module):
    """Shapes: B photos, N captions of each, T words, P cells, W `width`."""

    usual: Tensor
    limit: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        shape = LayerConfig(len(config.words), config.width, config.heads, config.layers, config.hidden, config.dropout)
        self.feature_norm = nn.LayerNorm(config.features)
        self.enter = nn.Linear(config.features, config.width)
        self.places = nn.Parameter(torch.zeros(config.cells, config.width))
        self.memory_norm = nn.LayerNorm(config.width)
        self.embedding = nn.Embedding(len(config.words), config.width, padding_idx=PAD)
        self.positions = Sinusoids(config.width)
        self.layers = nn.ModuleList(CaptionLayer(shape) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.register_buffer("usual", torch.tensor([[0.0], [1.0]]).repeat(1, config.features))
        self.register_buffer("limit", torch.ones(()))
        self.apply(initialise)

    @property
    def cross_places(self) -> dict[nn.Module, Place]:
        """Where the photo is read, for `instrument.Tap`."""
        layers = (layer for layer in self.layers if isinstance(layer, CaptionLayer))
        return {layer.cross: Place("cross", number) for number, layer in enumerate(layers)}

    def look(self, features: Tensor) -> Tensor:
        """What every word may read: `[B, P, features]` to `[B, P, W]`."""
        return self.memory_norm(self.dropout(self.enter(self.feature_norm(features))) + self.places)

    def distance(self, features: Tensor) -> Tensor:
        """How far photos are from those it learned from: of `[..., P, features]` the mean of the cells, in standard
        deviations of those photos (`usual`: their mean and deviation), root mean square over its numbers. `[...]`
        """
        mean, deviation = self.usual
        return ((features.mean(-2) - mean) / deviation).square().mean(-1).sqrt()

    def strangeness(self, features: Tensor) -> float:
        """The distance of a photo `[P, features]` as a share of `limit`, which 99 of 100 unseen photos keep below."""
        return float(self.distance(features) / self.limit)

    def forward(self, memory: Tensor, words: Tensor) -> Tensor:
        """Scores of the next word after every word: memory `[B, P, W]`, words `[B, N, T]` to `[B, N, T, words]`."""
        photos, captions, length = words.shape
        causal = torch.ones(length, length, dtype=torch.bool, device=words.device).tril()[None, None]
        everything = torch.ones(1, 1, 1, memory.shape[1], dtype=torch.bool, device=words.device)
        embedded = self.embedding(words.flatten(0, 1)) * math.sqrt(self.config.width)
        x = self.dropout(embedded + self.positions(embedded))
        for layer in self.layers:
            x = layer(x, causal, memory, everything)
        return F.linear(self.dropout(self.norm(x)), self.embedding.weight).unflatten(0, (photos, captions))


def load(folder: Path) -> PhotoCaptioner:
    """A network from `config.json` and `model.safetensors`, in float32. Raises `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: PhotoCaptioner(Config(**config)))


def describe(network: PhotoCaptioner) -> dict[str, object]:
    """What `load` needs beside the weights; nothing is dropped once it is trained."""
    return {**asdict(network.config), "dropout": 0.0}
