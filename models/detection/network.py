"""RF-DETR: how a picture becomes a set of boxes. Building, loading, pre-processing, running.

The network itself is transformers' `RfDetrForObjectDetection` (Robinson et al. 2025, "RF-DETR: Neural Architecture
Search for Real-Time Detection Transformers", arXiv 2511.09554): a DINOv2 vision transformer, a projector that fuses
four of its depths into one feature map, and a decoder in which each object query looks at a few points of that map.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from transformers import RfDetrConfig, RfDetrForObjectDetection

from models.detection.boxes import Boxes, Prediction, postprocess
from models.runtime import has_bfloat16

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Detector(nn.Module):
    """An RF-DETR with what it needs to be used: its input size in pixels and the names of its classes."""

    def __init__(self, network: RfDetrForObjectDetection, resolution: int) -> None:
        super().__init__()
        self.network = network
        self.resolution = resolution

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names by index."""
        names: Any = self.network.config.id2label
        return tuple(names[index] for index in sorted(names))

    def forward(self, pixel_values: torch.Tensor) -> Any:
        """(batch, 3, resolution, resolution) normalised pixels to the network's outputs."""
        return self.network(pixel_values)


def build_config(
    labels: Sequence[str], *, resolution: int = 252, decoder_layers: int = 3, groups: int = 3
) -> RfDetrConfig:
    """The small RF-DETR trained here: ViT-S/14 without windows, 100 queries, 2 points a head."""
    backbone = {
        "model_type": "rf_detr_dinov2",
        "hidden_size": 384,
        "num_hidden_layers": 12,
        "num_attention_heads": 6,
        "image_size": resolution,
        "patch_size": 14,
        "num_windows": 1,
        "out_indices": [3, 6, 9, 12],
    }
    return RfDetrConfig(
        backbone_config=backbone,
        decoder_layers=decoder_layers,
        decoder_n_points=2,
        decoder_ffn_dim=1024,
        dropout=0.0,
        num_queries=100,
        group_detr=groups,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )


def load_detector(folder: Path) -> Detector:
    """A detector from a folder in transformers' format (config.json, model.safetensors), in float32.

    The input size is that of preprocessor_config.json where there is one (the hub's checkpoints), else the size for
    which the backbone stores positions. Raises `OSError` or `ValueError` for a folder that holds no RF-DETR.
    """
    network = RfDetrForObjectDetection.from_pretrained(
        folder, use_safetensors=True, local_files_only=True, dtype=torch.float32
    )
    return Detector(network, _resolution(folder, network.config))


def _backbone(config: RfDetrConfig) -> Any:
    return config.backbone_config


def _resolution(folder: Path, config: RfDetrConfig) -> int:
    path = folder / "preprocessor_config.json"
    size = json.loads(path.read_text()).get("size", {}) if path.exists() else {}
    return int(size.get("height", _backbone(config).image_size))


def preprocess(image: np.ndarray, resolution: int) -> torch.Tensor:
    """(H, W, 3) uint8 to (1, 3, resolution, resolution) float32: squashed to a square, then ImageNet's mean and scale.

    Bilinear without antialias, as the published models were trained: output pixel i looks at
    (i + 1/2) H / resolution - 1/2 and mixes its two neighbours in each direction.
    """
    pixels = cv2.resize(image.astype(np.float32), (resolution, resolution), interpolation=cv2.INTER_LINEAR)
    mean, std = (255 * np.array(values, np.float32) for values in (MEAN, STD))
    return torch.from_numpy(np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1)))[None]


@torch.inference_mode()
def predict(detector: Detector, image: np.ndarray, *, reduced: bool = False) -> Prediction:
    """Run the network on one picture, (H, W, 3) uint8 RGB.

    `reduced`: matrix products in bfloat16 where the hardware has them (`models.runtime.has_bfloat16`), for live video.
    """
    return predict_all(detector, [image], reduced=reduced)[0]


@torch.inference_mode()
def predict_all(detector: Detector, images: Sequence[np.ndarray], *, reduced: bool = False) -> list[Prediction]:
    """The same for several pictures, each of any size, in one pass."""
    device = next(detector.parameters()).device
    pixels = torch.cat([preprocess(image, detector.resolution) for image in images]).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=reduced and has_bfloat16()):
        outputs = detector(pixels)
    logits, boxes = (tensor.float().cpu().numpy() for tensor in (outputs.logits, outputs.pred_boxes))
    sizes = ((image.shape[0], image.shape[1]) for image in images)
    return [Prediction(*found, detector.labels) for found in zip(logits, boxes, sizes, strict=True)]


def detect(detector: Detector, image: np.ndarray, threshold: float, *, reduced: bool = False) -> Boxes:
    """Boxes of one picture, (H, W, 3) uint8 RGB, with a score above `threshold`; `reduced` as in `predict`."""
    return postprocess(predict(detector, image, reduced=reduced), threshold)
