"""The public form of a traced detection: every box with its history in pixels, and the whole trace as arrays."""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.detection.boxes import corners, postprocess

if TYPE_CHECKING:
    from models.detection.trace import DetectionTrace


def history_of_boxes(trace: "DetectionTrace", threshold: float, attended: int) -> list[dict[str, Any]]:
    """Every box above the threshold with its history, in pixels; the public form (see `detection_explain`)."""
    found = postprocess(trace.prediction, threshold)
    return [
        _explained(trace, int(query), int(label), attended)
        for query, label in zip(found.queries, found.classes, strict=True)
    ]


def _explained(trace: "DetectionTrace", query: int, label: int, attended: int) -> dict[str, Any]:
    (height, width), labels, proposals = trace.prediction.size, trace.prediction.labels, trace.proposals

    def pixels(box_cxcywh: np.ndarray) -> list[float]:
        return [round(float(side), 2) for side in corners(box_cxcywh).clip(0, 1) * [width, height, width, height]]

    def answer(logits: np.ndarray, box_cxcywh: np.ndarray) -> dict[str, Any]:
        best = int(logits.argmax())
        return {"label": labels[best], "score": _score(logits[best]), "box_xyxy": pixels(box_cxcywh)}

    position = int(proposals.chosen[query])
    row, column = divmod(position, proposals.grid[1])
    points = np.concatenate([trace.points_xy[:, query] * [width, height], trace.weights[:, query, ..., None]], -1)
    shares = trace.self_attention[-1, :, query].mean(0)
    return {
        "label": labels[label],
        "score": _score(trace.prediction.logits[query, label]),
        "query": query,
        "box_xyxy": pixels(trace.prediction.boxes_cxcywh[query]),
        "proposal": {"row": row, "column": column}
        | answer(proposals.logits[position], proposals.boxes_cxcywh[position]),
        "reference_xyxy": pixels(trace.references_cxcywh[query]),
        "layers": [answer(*one) for one in zip(trace.logits[:, query], trace.boxes_cxcywh[:, query], strict=True)],
        "points": np.round(points, 3).tolist(),
        "attended": [
            {"query": int(i), "weight": round(float(shares[i]), 4)} for i in shares.argsort()[::-1][:attended]
        ],
    }


def _score(logit: float) -> float:
    return round(float(1 / (1 + np.exp(-float(logit)))), 4)


def arrays_of(trace: "DetectionTrace") -> dict[str, np.ndarray]:
    """The whole trace by the names that `detection_explain` documents."""
    names = (
        *("logits", "boxes_cxcywh", "deltas", "references_cxcywh", "shifts"),
        *("points_xy", "weights", "self_attention"),
    )
    tokens = range(1 + trace.backbone.grid[0] * trace.backbone.grid[1])
    maps = np.stack([trace.backbone.rows_of(token).astype(np.float16) for token in tokens], 2)
    return {
        **{name: getattr(trace, name) for name in names},
        "proposal_logits": trace.proposals.logits,
        "proposal_boxes_cxcywh": trace.proposals.boxes_cxcywh,
        "chosen": trace.proposals.chosen,
        "grid": np.array(trace.proposals.grid),
        "backbone_attention": maps,
        "labels": np.array(trace.prediction.labels, dtype=np.str_),
    }
