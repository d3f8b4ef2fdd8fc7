"""DETR (Carion et al. 2020, "End-to-End Object Detection with Transformers"): the ancestor, with dense cross-attention.

A ResNet-50 makes one feature map of 32 pixels a cell; every object query looks at all cells, in six decoder layers.
The network is transformers' `DetrForObjectDetection`. The hub's file names its ResNet as the package timm does, which
is not needed here: `RENAMED` gives each part the name it has in transformers' own ResNet.
"""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import DetrConfig, DetrForObjectDetection

from models.detection.boxes import Prediction
from models.detection.network import MEAN, STD
from models.errors import WeightsError

NAME = "detr-resnet-50"
SHORT, LONG = 800, 1333
"""Sides that a picture is enlarged to: the shorter one to 800, unless the longer one would be above 1,333 pixels."""
CELL = 32
RENAMED = (
    (r"backbone\.conv_encoder\.model\.conv1\.", "backbone.model.embedder.embedder.convolution."),
    (r"backbone\.conv_encoder\.model\.bn1\.", "backbone.model.embedder.embedder.normalization."),
    (
        r"backbone\.conv_encoder\.model\.layer(\d)\.",
        lambda found: f"backbone.model.encoder.stages.{int(found[1]) - 1}.",
    ),
    (r"(stages\.\d\.)(\d+)\.", r"\1layers.\2."),
    (r"downsample\.0\.", "shortcut.convolution."),
    (r"downsample\.1\.", "shortcut.normalization."),
    (r"(layers\.\d+)\.conv(\d)\.", lambda found: f"{found[1]}.layer.{int(found[2]) - 1}.convolution."),
    (r"(layers\.\d+)\.bn(\d)\.", lambda found: f"{found[1]}.layer.{int(found[2]) - 1}.normalization."),
    (r"out_proj", "o_proj"),
    (r"(layers\.\d+)\.fc(\d)", r"\1.mlp.fc\2"),
)
"""What a name in the published file becomes, one rule after the other."""


class Detr(nn.Module):
    """A DETR and the names of its classes, by the index of its scores; unused numbers of COCO are "N/A"."""

    def __init__(self, network: DetrForObjectDetection) -> None:
        super().__init__()
        self.network = network

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names; the last score, "no object", has none."""
        config: Any = self.network.config
        return tuple(config.id2label.get(index, "N/A") for index in range(config.num_labels))

    def forward(self, pixels: torch.Tensor) -> Any:
        """The library's outputs of `(1, 3, height, width)`."""
        return self.network(pixels, output_attentions=True)


def load_detr(folder: Path) -> Detr:
    """A DETR from a folder in the published format, in float32. Raises `WeightsError` for another network."""
    try:
        config = _config(json.loads((folder / "config.json").read_text()))
        network = DetrForObjectDetection(config)
        network.load_state_dict(renamed(load_file(folder / "model.safetensors")))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"The files in {folder.name} are no DETR with a ResNet.") from error
    return Detr(network.eval().requires_grad_(False))


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A published state under the names of transformers' own ResNet."""
    return {_renamed(name): tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}


def _renamed(name: str) -> str:
    for old, new in RENAMED:
        name = re.sub(old, new, name)
    return name


def _config(stored: dict[str, Any]) -> DetrConfig:
    """The published settings, with a ResNet-50 of the library's own in place of timm's."""
    for key in ("backbone", "use_timm_backbone", "use_pretrained_backbone", "backbone_kwargs", "backbone_config"):
        stored.pop(key, None)
    backbone = {"model_type": "resnet", "out_features": ["stage4"]}
    settings: dict[str, Any] = {**stored, "backbone_config": backbone, "attn_implementation": "eager"}
    return DetrConfig(**settings)


def enlarged(image: np.ndarray) -> tuple[int, int]:
    """Height and width in pixels that `(H, W, 3)` is enlarged to."""
    height, width = image.shape[:2]
    factor = min(SHORT / min(height, width), LONG / max(height, width))
    return round(height * factor), round(width * factor)


def preprocess(image: np.ndarray) -> torch.Tensor:
    """`(H, W, 3)` uint8 to `(1, 3, h, w)` float32: enlarged as `enlarged` says, then ImageNet's mean and scale."""
    height, width = enlarged(image)
    pixels = cv2.resize(image.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    mean, std = (255 * np.array(values, np.float32) for values in (MEAN, STD))
    return torch.from_numpy(np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1)))[None]


@torch.inference_mode()
def look(detr: Detr, image: np.ndarray) -> tuple[Prediction, np.ndarray]:
    """What it says of `(H, W, 3)` uint8, and where each query looks in the last decoder layer.

    Scores are its softmax without "no object", as logits of a sigmoid, so that all detectors are read alike.
    Attention: `[queries, rows, columns]` float32, mean of the heads; each query's sums to 1.
    """
    pixels = preprocess(image).to(next(detr.parameters()).device)
    outputs = detr(pixels)
    scores = outputs.logits[0].float().softmax(-1)[:, :-1].clamp(1e-7, 1 - 1e-7)
    prediction = Prediction(
        _array(scores.logit()), _array(outputs.pred_boxes[0]), (image.shape[0], image.shape[1]), detr.labels
    )
    rows, columns = (-(-side // CELL) for side in pixels.shape[-2:])
    attention = outputs.cross_attentions[-1][0].mean(0)
    return prediction, _array(attention).reshape(-1, rows, columns)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().contiguous().numpy().copy()
