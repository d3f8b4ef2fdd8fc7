"""A small CNN and a small Vision Transformer that learned from scratch on 1 to 100 % of CIFAR-10: the networks.

Both have 308 thousand parameters; `python -m models.recipes.vit.from_scratch` trained and measured them.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from models import runtime, weights
from models.compute import Run, compute, run_of
from models.vision.network import Architecture, VisionTransformer
from models.vision.preprocessing import Preprocessing

NAME = "cifar10-pairs"
FIGURES = weights.EMBEDDED.parent / "figures" / "cifar10_by_share.json"
NETWORKS = ("cnn", "vit")
SHARES = (1, 3, 10, 30, 100)
LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32
PREPARE = Preprocessing(size=SIDE, shorter_side=SIDE)
SMALL_VIT = Architecture(
    patch_size=4, grid=8, width=96, layers=4, heads=3, mlp_width=192, epsilon=1e-6, layer_scale=False, pool="cls"
)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a way around them (He et al. 2016, figure 2)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.around = nn.Identity() if channels_in == channels else nn.Conv2d(channels_in, channels, 1, stride)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`(N, channels_in, height, width)` to `(N, channels, height / stride, width / stride)`."""
        inner = functional.relu(self.norm1(self.conv1(maps)))
        return functional.relu(self.around(maps) + self.norm2(self.conv2(inner)))


class SmallCnn(nn.Module):
    """A residual network of three stages: 32 x 32, 16 x 16 and 8 x 8 positions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.stages = nn.Sequential(ResidualBlock(32, 32, 1), ResidualBlock(32, 64, 2), ResidualBlock(64, 128, 2))
        self.head = nn.Linear(128, len(LABELS))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits `(N, 10)` of prepared pictures `(N, 32, 32, 3)`."""
        maps = self.stages(self.stem(images.permute(0, 3, 1, 2)))
        return self.head(maps.mean((2, 3)))


def build(kind: str) -> nn.Module:
    """An untrained `cnn` or `vit`."""
    if kind == "cnn":
        return SmallCnn()
    network = VisionTransformer(SMALL_VIT, LABELS, PREPARE)
    nn.init.trunc_normal_(network.positions, std=0.02)
    nn.init.trunc_normal_(network.cls, std=0.02)
    return network


def load_pairs(folder: Path) -> nn.ModuleDict:
    """The ten embedded networks of seed 0, named `cnn-1` to `vit-100`, in float32."""
    stored = load_file(folder / "model.safetensors")
    networks = nn.ModuleDict()
    for kind in NETWORKS:
        for share in SHARES:
            network, prefix = build(kind), f"{kind}.{share}."
            parts = {name.removeprefix(prefix): t for name, t in stored.items() if name.startswith(prefix)}
            network.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in parts.items()})
            networks[f"{kind}-{share}"] = network
    return networks


@torch.inference_mode()
def answers(networks: nn.ModuleDict, image: np.ndarray) -> dict[str, np.ndarray]:
    """Probabilities of the ten `LABELS` by each network for a picture `(height, width, 3)` uint8, shrunk to 32 x 32."""
    device = next(networks.parameters()).device
    given = PREPARE.to_tensor(PREPARE.square(image)[None]).to(device)
    return {name: network(given)[0].softmax(0).cpu().numpy() for name, network in networks.items()}


@dataclass(frozen=True)
class Answers:
    """Probabilities `[10]` of `LABELS` by every network, by its name (`cnn-1` to `vit-100`)."""

    probabilities: dict[str, np.ndarray]
    run: Run


@compute
def answers_to_picture(image: np.ndarray) -> Answers:
    """The ten embedded networks on `image` `(height, width, 3)` uint8."""
    loaded = runtime.load(NAME, load_pairs)
    start = time.perf_counter()
    found = answers(loaded.network, image)
    return Answers(found, run_of(loaded, time.perf_counter() - start))
