"""The inside of an RF-DETR: proposals, object queries layer by layer, where each looked and whom it attended to."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from models.detection.backbone import BackboneAttention
from models.detection.network import Detector, Prediction, preprocess
from models.detection.unseen import NOBODY, Unseen, hiding

PROPOSAL_SHARE = 0.05
"""Side of the square around each position from which its proposal is predicted, as a share of the picture."""


@dataclass(frozen=True)
class Proposals:
    """The first stage: a box and a score a class at every position of the feature map, row by row.

    `grid`: rows, columns. `logits` (positions, classes) float32, before the sigmoid, -inf where no box is allowed;
    `boxes_cxcywh` (positions, 4). `chosen` (queries,): the position whose proposal each query started from; query 0 has
    the one with the highest score of any class, and so on.
    """

    grid: tuple[int, int]
    logits: np.ndarray
    boxes_cxcywh: np.ndarray
    chosen: np.ndarray

    def __post_init__(self) -> None:
        positions = self.grid[0] * self.grid[1]
        if len(self.logits) != positions or self.boxes_cxcywh.shape != (positions, 4):
            raise ValueError(f"{len(self.logits)} logits, {len(self.boxes_cxcywh)} boxes for {positions} positions")


@dataclass(frozen=True)
class DetectionTrace:
    """One picture through the detector: L decoder layers, Q queries, C classes.

    Coordinates are shares of the picture (0..1, may lie a little outside). All float32.

    `prediction`: logits and boxes of the last layer. `proposals`: the first stage. `shifts` (Q, 4): what each query has
    learned to add to its proposal, the same for every picture (centre in sizes of the box, logarithm of the size).
    `references_cxcywh` (Q, 4): proposal and shift, the box each query starts from, the same in **all** layers.
    `logits` (L, Q, C), `deltas` (L, Q, 4), `boxes_cxcywh` (L, Q, 4): what the heads say after each layer; the box is
    the reference moved by the delta (`moved`), and the last layer's is the prediction. `points_xy` (L, Q, heads,
    points, 2): where each head looked; `weights` (L, Q, heads, points): how much, sum 1 over the points of a head.
    `self_attention` (L, heads, Q, Q): how much each query takes from each other, rows sum to 1. `backbone`: where
    patches look.
    """

    prediction: Prediction
    proposals: Proposals
    shifts: np.ndarray
    references_cxcywh: np.ndarray
    logits: np.ndarray
    deltas: np.ndarray
    boxes_cxcywh: np.ndarray
    points_xy: np.ndarray
    weights: np.ndarray
    self_attention: np.ndarray
    backbone: BackboneAttention

    def __post_init__(self) -> None:
        queries, classes = self.prediction.logits.shape
        layers, heads = len(self.logits), self.self_attention.shape[1]
        expected = {
            "shifts": (queries, 4),
            "references_cxcywh": (queries, 4),
            "logits": (layers, queries, classes),
            "deltas": (layers, queries, 4),
            "boxes_cxcywh": (layers, queries, 4),
            "points_xy": (*self.weights.shape, 2),
            "weights": (layers, queries, *self.weights.shape[2:]),
            "self_attention": (layers, heads, queries, queries),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        if self.proposals.chosen.shape != (queries,):
            raise ValueError(f"{len(self.proposals.chosen)} chosen proposals for {queries} queries")

    def nbytes(self) -> int:
        """Memory of its arrays."""
        parts = (self, self.prediction, self.proposals, self.backbone)
        return sum(array.nbytes for part in parts for array in vars(part).values() if isinstance(array, np.ndarray))


def moved(boxes_cxcywh: np.ndarray, deltas: np.ndarray) -> np.ndarray:
    """Boxes (..., 4) moved by deltas (..., 4): centre + delta size, size exp(delta)."""
    centre = boxes_cxcywh[..., :2] + deltas[..., :2] * boxes_cxcywh[..., 2:]
    return np.concatenate([centre, boxes_cxcywh[..., 2:] * np.exp(deltas[..., 2:])], -1)


@torch.inference_mode()
def trace_detection(detector: Detector, image: np.ndarray, unseen: Unseen = NOBODY) -> DetectionTrace:
    """Run the network on one picture, (H, W, 3) uint8 RGB, and keep what happens inside; queries are hidden from each
    other as `unseen` says.

    Other threads may run the same detector meanwhile: only calls of this thread are recorded.
    """
    network: Any = detector.network
    device = next(detector.parameters()).device
    hidden = hiding(network, unseen, network.config.num_queries) if unseen != NOBODY else nullcontext()
    with _recorded(network) as seen, hidden:
        outputs = detector(preprocess(image, detector.resolution).to(device))
    states = outputs.intermediate_hidden_states
    layer_logits, layer_boxes = network.predict_class_and_boxes(states, outputs.intermediate_reference_points)
    height, width = image.shape[:2]
    logits, boxes = _array(outputs.logits[0]), _array(outputs.pred_boxes[0])
    queries = len(logits)
    return DetectionTrace(
        prediction=Prediction(logits, boxes, (height, width), detector.labels, detector.overlap),
        proposals=_proposals(seen, outputs, queries),
        shifts=_array(network.model.reference_point_embed.weight[:queries]),
        references_cxcywh=_array(outputs.init_reference_points[0]),
        logits=_array(layer_logits[:, 0]),
        deltas=_array(network.bbox_embed(states)[:, 0]),
        boxes_cxcywh=_array(layer_boxes[:, 0]),
        points_xy=_array(torch.stack(seen["points"])),
        weights=_array(torch.stack(seen["weights"])),
        self_attention=_array(_self_attention(network, seen, unseen)),
        backbone=_backbone(network, seen, outputs.backbone_features.shape[-2:]),
    )


@contextmanager
def _recorded(network: Any) -> Iterator[dict[str, list[torch.Tensor]]]:
    """Outputs of some parts of the network while this thread runs it, by name, in the order of the calls."""
    seen: dict[str, list[torch.Tensor]] = defaultdict(list)
    thread = threading.get_ident()

    def keep(name: str, module: nn.Module) -> Any:
        def hook(_: nn.Module, __: Any, output: torch.Tensor) -> None:
            if threading.get_ident() == thread:
                seen[name].append(output)

        return module.register_forward_hook(hook)

    def keep_points(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        if threading.get_ident() == thread:
            seen["points"].append(arguments[4][0, :, :, 0])
            seen["weights"].append(arguments[5][0, :, :, 0])

    model = network.model
    hooks = [
        keep("proposal logits", model.enc_out_class_embed[0]),
        keep("proposal deltas", model.enc_out_bbox_embed[0]),
    ]
    for layer in model.decoder.layers:
        hooks.append(layer.cross_attn.attn.register_forward_pre_hook(keep_points))
        hooks += [keep("queries", layer.self_attn.q_proj), keep("keys", layer.self_attn.k_proj)]
    for layer in model.backbone.backbone.encoder.layer:
        hooks += [keep("patch queries", layer.attention.q_proj), keep("patch keys", layer.attention.k_proj)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _proposals(seen: dict[str, list[torch.Tensor]], outputs: Any, queries: int) -> Proposals:
    """Boxes and scores of all positions, and which the queries took: as many as there are queries, best class first.

    The network asks the head once more for the chosen ones; the first call is that of all positions.
    """
    rows, columns = outputs.backbone_features.shape[-2:]
    logits, deltas = seen["proposal logits"][0][0], _array(seen["proposal deltas"][0][0])
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    centres = np.stack([(x.ravel() + 0.5) / columns, (y.ravel() + 0.5) / rows], -1)
    squares = np.concatenate([centres, np.full_like(centres, PROPOSAL_SHARE)], -1)
    allowed = np.all((squares > 0.01) & (squares < 0.99), axis=-1)
    logits = logits.masked_fill(~torch.from_numpy(allowed).to(logits.device)[:, None], float("-inf"))
    chosen = logits.max(-1).values.topk(queries).indices
    boxes = moved(squares * allowed[:, None], deltas)
    return Proposals((rows, columns), _array(logits), boxes, chosen.cpu().numpy().copy())


def _self_attention(network: Any, seen: dict[str, list[torch.Tensor]], unseen: Unseen) -> torch.Tensor:
    """softmax(q k^T / sqrt(width)) of every decoder layer: (layers, heads, queries, queries); 0 for what is hidden."""
    heads = network.config.decoder_self_attention_heads
    queries, keys = (
        torch.cat(seen[name]).unflatten(-1, (heads, -1)).transpose(1, 2).float() for name in ("queries", "keys")
    )
    scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5
    mask = torch.from_numpy(unseen.mask(scores.shape[-1])).to(scores.device)
    return scores.masked_fill(~mask, float("-inf")).softmax(-1)


def _backbone(network: Any, seen: dict[str, list[torch.Tensor]], grid: tuple[int, int]) -> BackboneAttention:
    config = network.config.backbone_config
    windows, heads = config.num_windows**2, config.num_attention_heads

    def by_window(projected: torch.Tensor) -> np.ndarray:
        """(windows, tokens, D), or (1, windows tokens, D) in a global layer, to (heads, windows, tokens, width)."""
        width = projected.shape[-1] // heads
        return _array(projected.reshape(windows, -1, heads, width).permute(2, 0, 1, 3))

    queries, keys = (np.stack([by_window(one) for one in seen[f"patch {name}"]]) for name in ("queries", "keys"))
    layers = network.model.backbone.backbone.encoder.layer
    is_global = np.array([windows == 1 or layer.global_attention for layer in layers])
    return BackboneAttention(queries, keys, is_global, (int(grid[0]), int(grid[1])))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().contiguous().numpy().copy()
