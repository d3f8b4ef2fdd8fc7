"""A Transformer that reads a line with blanks, from both sides, and says for every blank which character it would be.

Its attention is not causal: each position looks at all others (Devlin et al. 2019). It is not told how noisy the line
is, as it can count the blanks (Sahoo et al. 2024, section 3.2.1; Ou et al. 2024).
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.diffusion.lines import BLANK, LENGTH
from models.text.causal import causal_layer
from models.text.stored import load_stored
from models.text.symbols import ALPHABET, START
from models.text.transformer import Config, initialise


@dataclass(frozen=True)
class MaskedConfig(Config):
    """Everything needed to build the network; `length` is how many characters a line has, at most."""

    vocabulary: int = len(ALPHABET) + 1
    width: int = 160
    heads: int = 5
    layers: int = 4
    hidden: int = 640
    length: int = LENGTH
    alphabet: str = ALPHABET


class BlankReader(nn.Module):
    """Characters and blanks in, scores of characters out; one embedding table serves input and output.

    Before each line stands a line end, which tells where it begins.
    """

    def __init__(self, config: MaskedConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleList(causal_layer(config) for _ in range(config.layers))  # `forward` gives the mask
        self.norm = nn.LayerNorm(config.width)
        self.apply(initialise)

    def forward(self, symbols: Tensor) -> Tensor:
        """`symbols [B, T]` int64, `BLANK` where masked -> logits `[B, T, ALPHABET]`."""
        symbols = F.pad(symbols, (1, 0), value=ALPHABET.index(START))
        length = symbols.shape[1]
        everywhere = torch.ones(length, length, dtype=torch.bool, device=symbols.device)
        x = self.embedding(symbols) * math.sqrt(self.config.width)
        for layer in self.layers:
            x = layer(x, everywhere)
        return F.linear(self.norm(x[:, 1:]), self.embedding.weight[:BLANK])


def load(folder: Path) -> BlankReader:
    """A network from `config.json` and `model.safetensors`, in float32. Raises `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: BlankReader(MaskedConfig(**config)))
