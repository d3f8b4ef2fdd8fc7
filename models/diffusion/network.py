"""A U-Net that looks at a noisy sprite and says v: two resolutions, class and time as scale and shift.

The sprite, 32x32 RGBA, is folded to 16x16x16 first (pixel unshuffle): same numbers, a quarter of the positions.
"""

import copy
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

Network = TypeVar("Network", bound=nn.Module)

SIZE = 32
CHANNELS = 4
FOLD = 2


@dataclass(frozen=True)
class Config:
    """Everything needed to build the network: `classes` in the order of their numbers, `widths` at 16x16 and 8x8.

    predicts: what it says of a noisy picture, "v" or "epsilon", the noise in it.
    """

    classes: tuple[str, ...]
    widths: tuple[int, int] = (80, 160)
    blocks: int = 2
    heads: int = 4
    embedding: int = 256
    predicts: str = "v"


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a scale and shift that tell the block the time and the class (FiLM)."""

    def __init__(self, channels_in: int, channels_out: int, embedding: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.condition = nn.Linear(embedding, 2 * channels_out)
        self.norm2 = nn.GroupNorm(8, channels_out)
        self.conv2 = zeroed(nn.Conv2d(channels_out, channels_out, 3, padding=1))
        self.skip = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """`x [B, channels_in, H, W]`, `condition [B, embedding]` -> `[B, channels_out, H, W]`."""
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
        hidden = self.conv1(F.silu(self.norm1(x)))
        hidden = F.silu(torch.addcmul(shift, self.norm2(hidden), 1 + scale))
        return self.skip(x) + self.conv2(hidden)


class Attention(nn.Module):
    """Self-attention over the 64 positions of the 8x8 map: what happens on the left may depend on the right."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(8, channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.out = zeroed(nn.Linear(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, H, W]` -> `[B, C, H, W]`."""
        batch, channels, height, width = x.shape
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        q, k, v = self.query_key_value(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, height * width, channels)
        return x + self.out(mixed).transpose(1, 2).reshape(batch, channels, height, width)


class SpriteUNet(nn.Module):
    """Says v (Salimans and Ho 2022), or the noise, of noisy sprites (Ho et al. 2020 for the shape)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        high, low = config.widths
        self.no_class = len(config.classes)
        width = config.embedding
        self.time = nn.Sequential(nn.Linear(high, width), nn.SiLU(), nn.Linear(width, width))
        self.sprite_class = nn.Embedding(self.no_class + 1, config.embedding)

        def block(channels_in: int, channels_out: int) -> ResidualBlock:
            return ResidualBlock(channels_in, channels_out, config.embedding)

        self.fold = nn.Conv2d(CHANNELS * FOLD**2, high, 3, padding=1)
        self.down_high = nn.ModuleList(block(high, high) for _ in range(config.blocks))
        self.shrink = nn.Conv2d(high, low, 3, stride=2, padding=1)
        self.down_low = nn.ModuleList(block(low, low) for _ in range(config.blocks))
        self.down_attention = Attention(low, config.heads)
        self.middle = nn.ModuleList([block(low, low), block(low, low)])
        self.middle_attention = Attention(low, config.heads)
        self.up_low = nn.ModuleList(block(2 * low, low) for _ in range(config.blocks))
        self.up_attention = Attention(low, config.heads)
        self.enlarge = nn.Conv2d(low, high, 3, padding=1)
        self.up_high = nn.ModuleList(block(2 * high, high) for _ in range(config.blocks))
        self.norm = nn.GroupNorm(8, high)
        self.unfold = zeroed(nn.Conv2d(high, CHANNELS * FOLD**2, 3, padding=1))

    def forward(self, x_t: Tensor, t: Tensor, sprite_class: Tensor) -> Tensor:
        """`x_t [B, 4, 32, 32]`, `t [B]` in 0..999, `sprite_class [B]` (`no_class` for none) -> `[B, 4, 32, 32]`.

        In place of the numbers of classes their vectors may be given, `[B, embedding]`, also such between two classes.
        """
        vectors = sprite_class if sprite_class.is_floating_point() else self.sprite_class(sprite_class)
        condition = F.silu(self.time(sinusoids(t, self.config.widths[0])) + vectors)
        x = self.fold(F.pixel_unshuffle(x_t, FOLD))
        skips = [x := down(x, condition) for down in self.down_high]
        x = self.shrink(x)
        skips += [x := down(x, condition) for down in self.down_low]
        x = self.down_attention(x)
        x = self.middle[1](self.middle_attention(self.middle[0](x, condition)), condition)
        for up in self.up_low:
            x = up(torch.cat([x, skips.pop()], dim=1), condition)
        x = self.enlarge(F.interpolate(self.up_attention(x), scale_factor=2.0, mode="nearest"))
        for up in self.up_high:
            x = up(torch.cat([x, skips.pop()], dim=1), condition)
        return F.pixel_shuffle(self.unfold(F.silu(self.norm(x))), FOLD)


def sinusoids(t: Tensor, width: int) -> Tensor:
    """Times as waves of geometrically growing length, as positions in Vaswani et al. 2017. `[B]` -> `[B, width]`."""
    frequencies = torch.exp(torch.arange(width // 2, device=t.device) * (-math.log(10_000) / (width // 2)))
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def zeroed(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """The layer with weights and bias zero: its block begins as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def load_network(folder: Path) -> SpriteUNet:
    """The network stored in `folder` (`config.json`, `model.safetensors`), in float32."""
    config = json.loads((folder / "config.json").read_text())
    network = SpriteUNet(Config(**{**config, "classes": tuple(config["classes"]), "widths": tuple(config["widths"])}))
    network.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return channels_last(network)


def twin(network: Network) -> Network:
    """The network once more, with the same weights in memory: hooks on it are seen by nobody else."""
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})


def channels_last(network: Network) -> Network:
    """The same network with its pictures stored pixel by pixel, which convolutions on CPUs prefer."""
    return nn.Module.to(network, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
