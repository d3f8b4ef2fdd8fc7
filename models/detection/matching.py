"""Which query answers for which true box: the assignment that the training loss makes before it compares anything.

One query a box, the cheapest in total (Carion et al. 2020, arXiv 2005.12872, section 3.1). The class cost is that of
LW-DETR and RF-DETR: what the focal loss (alpha 0.25, gamma 2) would gain if this query named this class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.detection.boxes import Prediction, corners
from models.errors import InputError

if TYPE_CHECKING:
    from transformers import RfDetrConfig

ALPHA, GAMMA = 0.25, 2.0
TINY = 1e-8


@dataclass(frozen=True)
class LossSettings:
    """What the loss of a detector weighs: `costs` in matching and `weights` in the loss, of class, L1 and GIoU each.

    alpha: of the focal loss. classes: how many there are.
    """

    costs: tuple[float, float, float]
    weights: tuple[float, float, float]
    alpha: float
    classes: int

    @classmethod
    def of(cls, config: "RfDetrConfig") -> "LossSettings":
        """The settings in a network's configuration."""
        settings: Any = config
        return cls(
            costs=(settings.class_cost, settings.bbox_cost, settings.giou_cost),
            weights=(
                settings.class_loss_coefficient,
                settings.bbox_loss_coefficient,
                settings.giou_loss_coefficient,
            ),
            alpha=settings.focal_alpha,
            classes=settings.num_labels,
        )


@dataclass(frozen=True)
class Matching:
    """Costs of every query for every true box, in float64, each times its weight in the model's configuration.

    `class_costs`, `l1_costs`, `giou_costs` (queries, truths); `matched` (truths,): the query of each true box.
    `weights`: of class, L1 and GIoU.
    """

    class_costs: np.ndarray
    l1_costs: np.ndarray
    giou_costs: np.ndarray
    matched: np.ndarray
    weights: tuple[float, float, float]

    @property
    def totals(self) -> np.ndarray:
        """(queries, truths): the sum of the three."""
        return self.class_costs + self.l1_costs + self.giou_costs


def match(prediction: Prediction, boxes_cxcywh: np.ndarray, classes: Sequence[int], settings: LossSettings) -> Matching:
    """Assign queries to true boxes (truths, 4), centre and size as shares of the picture, with their class indices.

    Raises `InputError` for no boxes or for more boxes than queries.
    """
    from scipy.optimize import linear_sum_assignment

    if not 0 < len(boxes_cxcywh) <= len(prediction.logits):
        raise InputError(f"There must be between 1 and {len(prediction.logits)} boxes to match.")
    probability = 1 / (1 + np.exp(-prediction.logits.astype(np.float64)[:, list(classes)]))
    named = ALPHA * (1 - probability) ** GAMMA * -np.log(probability + TINY)
    not_named = (1 - ALPHA) * probability**GAMMA * -np.log(1 - probability + TINY)
    found, truths = prediction.boxes_cxcywh.astype(np.float64)[:, None], np.asarray(boxes_cxcywh, np.float64)[None]
    costs = [named - not_named, np.abs(found - truths).sum(-1), -generalised_iou(corners(found), corners(truths))]
    costs = [weight * cost for weight, cost in zip(settings.costs, costs, strict=True)]
    queries, order = linear_sum_assignment(sum(costs))
    return Matching(*costs, matched=queries[np.argsort(order)], weights=settings.costs)


def generalised_iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Overlap of boxes (..., 4) xyxy: IoU minus the share of the smallest box around both that neither fills.

    Rezatofighi et al. 2019, arXiv 1902.09630: 1 for the same box, down to -1 far apart.
    """
    overlap = _area(np.maximum(one[..., :2], other[..., :2]), np.minimum(one[..., 2:], other[..., 2:]))
    around = _area(np.minimum(one[..., :2], other[..., :2]), np.maximum(one[..., 2:], other[..., 2:]))
    union = _area(one[..., :2], one[..., 2:]) + _area(other[..., :2], other[..., 2:]) - overlap
    return overlap / union - (around - union) / around


def _area(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.prod(np.maximum(high - low, 0), -1)


def loss_terms(
    prediction: Prediction, boxes_cxcywh: np.ndarray, classes: Sequence[int], settings: LossSettings
) -> dict[str, float]:
    """The training loss of the last layer for these true boxes, by term and weighted: `class`, `l1`, `giou`.

    In training the other layers and the proposals are compared in the same way, and their losses are added.
    """
    import torch
    from transformers.loss.loss_lw_detr import LwDetrHungarianMatcher, LwDetrImageLoss

    matcher = LwDetrHungarianMatcher(*settings.costs)
    criterion = LwDetrImageLoss(matcher, settings.classes, settings.alpha, ["labels", "boxes"], 1).eval()
    outputs = {
        "logits": torch.from_numpy(prediction.logits)[None],
        "pred_boxes": torch.from_numpy(prediction.boxes_cxcywh)[None],
    }
    boxes = torch.from_numpy(np.asarray(boxes_cxcywh, np.float32))
    with torch.inference_mode():
        losses = criterion(outputs, [{"class_labels": torch.tensor(list(classes)), "boxes": boxes}])
    terms = zip(("class", "l1", "giou"), ("loss_ce", "loss_bbox", "loss_giou"), settings.weights, strict=True)
    return {name: float(losses[term]) * weight for name, term, weight in terms}
