"""What an RF-DETR looked at: every query with its reference box and the points it sampled, layer by layer."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.detection.network import Detector, Prediction, preprocess


@dataclass(frozen=True)
class DetectionTrace:
    """One picture through the detector; coordinates are shares of the picture (0..1, may lie a little outside).

    `prediction`: logits and boxes of the last layer. `references_cxcywh` (queries, 4): the box that each query started
    from, chosen among the encoder's proposals and the same in all layers. `points_xy` (layers, queries, heads, points,
    2): where each head looked. `weights` (layers, queries, heads, points): how much, sum 1 over the points of a head.
    """

    prediction: Prediction
    references_cxcywh: np.ndarray
    points_xy: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        queries = len(self.prediction.logits)
        if self.references_cxcywh.shape != (queries, 4):
            raise ValueError(f"references of shape {self.references_cxcywh.shape} for {queries} queries")
        if self.points_xy.shape != (*self.weights.shape, 2) or self.weights.shape[1] != queries:
            raise ValueError(f"points of shape {self.points_xy.shape}, weights of shape {self.weights.shape}")


@torch.inference_mode()
def trace_detection(detector: Detector, image: np.ndarray) -> DetectionTrace:
    """Run the network on one picture, (H, W, 3) uint8 RGB, and keep where its queries looked.

    Other threads may run the same detector meanwhile: only calls of this thread are recorded.
    """
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    thread = threading.get_ident()

    def record(_: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        if threading.get_ident() == thread:
            seen.append((arguments[4][0, :, :, 0], arguments[5][0, :, :, 0]))

    layers: Any = detector.network.model.decoder.layers
    hooks = [layer.cross_attn.attn.register_forward_pre_hook(record) for layer in layers]
    try:
        device = next(detector.parameters()).device
        outputs = detector(preprocess(image, detector.resolution).to(device))
    finally:
        for hook in hooks:
            hook.remove()
    points, weights = (torch.stack(values) for values in zip(*seen, strict=True))
    height, width = image.shape[:2]
    logits, boxes, references = (
        _array(tensor[0]) for tensor in (outputs.logits, outputs.pred_boxes, outputs.init_reference_points)
    )
    prediction = Prediction(logits, boxes, (height, width), detector.labels)
    return DetectionTrace(prediction, references, _array(points), _array(weights))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy().copy()
