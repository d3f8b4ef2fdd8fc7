"""An encoder-decoder Transformer whose every attention can be looked into: Vaswani et al. 2017, with the norms first.

Attention is written out (query . key, scale, mask, softmax, weighted sum of values; `instrument.attend`): for sentences
that is also faster on a CPU than the fused `scaled_dot_product_attention`, which the tests compare it with.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from models.text.instrument import attend
from models.text.tokenizer import PAD


@dataclass(frozen=True)
class Config:
    """Everything needed to build the network; `layers` counts encoder and decoder layers each."""

    vocabulary: int
    width: int = 256
    heads: int = 8
    layers: int = 3
    hidden: int = 1024
    dropout: float = 0.0


class MultiHeadAttention(nn.Module):
    """softmax(Q K^T / sqrt(d_head)) V in `heads` subspaces (section 3.2)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Each of `x [B, T, width]` reads `context [B, S, width]` where `mask` (to `[B, 1, T, S]`) is True."""
        q, k, v = (
            layer(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, source in ((self.query, x), (self.key, context), (self.value, context))
        )
        return self.out(attend(self, q, k, v, mask)[0].flatten(2))


class FeedForward(nn.Module):
    """Two layers applied to each position by itself (section 3.3)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, T, width]` -> `[B, T, width]`."""
        return self.down(F.relu(self.up(x)))


class EncoderLayer(nn.Module):
    """Look around, then think: each adds to the residual stream what it makes of the normalised stream."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = MultiHeadAttention(config.width, config.heads)
        self.forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config.width, config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`x [B, S, width]`, `mask [B, 1, 1, S]` -> `[B, S, width]`."""
        normed = self.attention_norm(x)
        x = x + self.dropout(self.attention(normed, normed, mask))
        return x + self.dropout(self.feed_forward(self.forward_norm(x)))


class DecoderLayer(nn.Module):
    """Look back at what was written, look across at the source, then think."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = MultiHeadAttention(config.width, config.heads)
        self.cross_norm = nn.LayerNorm(config.width)
        self.cross = MultiHeadAttention(config.width, config.heads)
        self.forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config.width, config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, causal: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """`x [B, T, width]`, `causal [1, 1, T, T]`, `memory [B, S, width]`, `mask [B, 1, 1, S]` -> `[B, T, width]`."""
        normed = self.attention_norm(x)
        x = x + self.dropout(self.attention(normed, normed, causal))
        x = x + self.dropout(self.cross(self.cross_norm(x), memory, mask))
        return x + self.dropout(self.feed_forward(self.forward_norm(x)))


class Translator(nn.Module):
    """Source tokens in, target tokens out; one embedding table serves source, target and output (section 3.4)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width, padding_idx=PAD)
        self.positions = Sinusoids(config.width)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.encoder_norm = nn.LayerNorm(config.width)
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.decoder_norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.apply(initialise)

    def embed(self, tokens: Tensor) -> Tensor:
        """Embedding times sqrt(width), plus sinusoidal positions. `[B, T]` -> `[B, T, width]`."""
        embedded = self.embedding(tokens) * math.sqrt(self.config.width)
        return self.dropout(embedded + self.positions(embedded))

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """`source [B, S]` -> memory `[B, S, width]` and mask `[B, 1, 1, S]`, True where there is a token."""
        mask = (source != PAD)[:, None, None, :]
        x = self.embed(source)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.encoder_norm(x), mask

    def decode(self, target: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """`target [B, T]` (it begins with BOS) -> states `[B, T, width]`, each knowing only what is left of it."""
        length = target.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=target.device).tril()[None, None]
        x = self.embed(target)
        for layer in self.decoder:
            x = layer(x, causal, memory, mask)
        return self.decoder_norm(x)

    def logits(self, states: Tensor) -> Tensor:
        """`[..., width]` -> scores of the next token `[..., vocabulary]`."""
        return F.linear(states, self.embedding.weight)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """`source [B, S]`, `target [B, T]` -> logits `[B, T, vocabulary]`."""
        return self.logits(self.decode(target, *self.encode(source)))


def initialise(module: nn.Module) -> None:
    """Embeddings of standard deviation width^-1/2, so that scaled ones have unit size; Glorot for the matrices."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)


class Sinusoids(nn.Module):
    """What tells the network where a token stands; it has nothing to learn."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, embedded: Tensor) -> Tensor:
        """Positions for `embedded [B, T, width]`: `[T, width]` of its type, on its device."""
        return sinusoids(embedded.shape[1], self.width).to(embedded)


def sinusoids(length: int, width: int) -> Tensor:
    """Position p as sines and cosines of geometrically growing wave length (section 3.5). `[length, width]`."""
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(length)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def load_network(folder: Path) -> Translator:
    """The translator stored in `folder` (`config.json`, `model.safetensors`), in float32."""
    network = Translator(Config(**json.loads((folder / "config.json").read_text())))
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()})
    return network
