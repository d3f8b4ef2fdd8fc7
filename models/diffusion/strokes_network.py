"""A small Transformer that says what is drawing and what is noise in the points of a stroke."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models.text.stored import load_stored
from models.text.transformer import Config, EncoderLayer, initialise, sinusoids


@dataclass(frozen=True)
class StrokesConfig(Config):
    """Everything needed to build the network; `points` is how many a stroke has."""

    vocabulary: int = 0
    width: int = 96
    heads: int = 4
    layers: int = 4
    hidden: int = 384
    points: int = 64
    classes: tuple[str, ...] = ()


class StrokesNetwork(nn.Module):
    """Noisy points in, v out. Each layer is told the time and the class by a vector added to all points.

    The class after the last stands for none.
    """

    def __init__(self, config: StrokesConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.into = nn.Linear(2, width)
        self.classes = nn.Embedding(len(config.classes) + 1, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.told = nn.ModuleList(nn.Linear(width, width) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 2)
        self.apply(initialise)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        """`x [B, points, 2]`, `t [B]` 0 to 999, `label [B]` -> v `[B, points, 2]`."""
        points, width = x.shape[1], self.config.width
        mask = torch.ones(points, points, dtype=torch.bool, device=x.device)
        told = nn.functional.silu(self.time(waves(t, width)) + math.sqrt(width) * self.classes(label))[:, None]
        h = self.into(x) + sinusoids(points, width).to(x)
        for layer, tell in zip(self.layers, self.told, strict=True):
            h = layer(h + tell(told), mask)
        return self.out(self.norm(h))


def waves(t: Tensor, width: int) -> Tensor:
    """Times `[B]` as sines and cosines of many wave lengths (Vaswani et al. 2017, section 3.5). `[B, width]`."""
    frequencies = torch.exp(torch.arange(0, width, 2, device=t.device) * (-math.log(10_000) / width))
    angles = t[:, None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def load(folder: Path) -> StrokesNetwork:
    """A network from `config.json` and `model.safetensors`, in float32. Raises `WeightsError` if they do not fit."""
    return load_stored(
        folder, lambda config: StrokesNetwork(StrokesConfig(**{**config, "classes": tuple(config["classes"])}))
    )
