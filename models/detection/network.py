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
from safetensors.torch import load_file
from torch import nn
from transformers import RfDetrConfig, RfDetrForObjectDetection

from models import runtime, weights
from models.detection.boxes import Boxes, Prediction, postprocess

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
FILE = "model.safetensors"
BACKBONE = ".backbone.backbone."
POSITIONS = "embeddings.position_embeddings"


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

    @property
    def overlap(self) -> float | None:
        """By how much boxes of a class may overlap, where it makes duplicates (`suppression_overlap` of its config)."""
        return getattr(self.network.config, "suppression_overlap", None)

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
    which the backbone stores positions. A configuration with `backbone_from`, the name of an embedded ViT, says that
    the backbone is that one's, unchanged, and is not in the file. Raises `OSError` or `ValueError` for a folder that
    holds no RF-DETR.
    """
    config = RfDetrConfig.from_pretrained(folder, local_files_only=True)
    if lender := getattr(config, "backbone_from", None):
        network = _with_lent_backbone(config, folder / FILE, weights.folder(lender) / FILE)
    else:
        network = RfDetrForObjectDetection.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, dtype=torch.float32
        )
    return Detector(network, _resolution(folder, network.config))


def _with_lent_backbone(config: RfDetrConfig, file: Path, backbone: Path) -> RfDetrForObjectDetection:
    network = RfDetrForObjectDetection(config)
    take_backbone(network, backbone)
    own = {name: tensor.float() for name, tensor in load_file(file).items()}
    if missing := [name for name in network.load_state_dict(own, strict=False)[0] if BACKBONE not in name]:
        raise ValueError(f"{file} lacks {', '.join(missing)}")
    return network


def take_backbone(network: RfDetrForObjectDetection, file: Path) -> None:
    """Give the network the DINOv2 weights in `file`, a backbone alone or a classifier's."""
    backbone = network.model.backbone.backbone
    state = {_renamed(name): tensor.float() for name, tensor in load_file(file).items() if "classifier" not in name}
    mask_token: Any = backbone.embeddings.mask_token
    state.setdefault("embeddings.mask_token", mask_token)  # only for pretraining with masks
    patches = backbone.embeddings.position_embeddings.shape[1] - 1
    state[POSITIONS] = _resample_positions(state[POSITIONS], patches)
    backbone.load_state_dict(state)


def _renamed(name: str) -> str:
    """DINOv2's name of a weight as RF-DETR's."""
    name = name.removeprefix("dinov2.")
    for old, new in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj")):
        name = name.replace(f"attention.attention.{old}.", f"attention.{new}.")
    return name.replace("attention.output.dense.", "attention.o_proj.")


def _resample_positions(table: torch.Tensor, patches: int) -> torch.Tensor:
    """(1, 1 + n*n, width) to (1, 1 + patches, width), as RF-DETR itself does at every call."""
    old, new = round((table.shape[1] - 1) ** 0.5), round(patches**0.5)
    grid = table[:, 1:].unflatten(1, (old, old)).permute(0, 3, 1, 2)
    grid = nn.functional.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False, antialias=True)
    return torch.cat([table[:, :1], grid.flatten(2).transpose(1, 2)], 1)


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
    with runtime.autocast(device.type, wanted=reduced):
        outputs = detector(pixels)
    logits, boxes = (tensor.float().cpu().numpy() for tensor in (outputs.logits, outputs.pred_boxes))
    sizes = ((image.shape[0], image.shape[1]) for image in images)
    own = detector.labels, detector.overlap
    return [Prediction(*found, *own) for found in zip(logits, boxes, sizes, strict=True)]


def detect(detector: Detector, image: np.ndarray, threshold: float, *, reduced: bool = False) -> Boxes:
    """Boxes of one picture, (H, W, 3) uint8 RGB, with a score above `threshold`; `reduced` as in `predict`."""
    return postprocess(predict(detector, image, reduced=reduced), threshold)
