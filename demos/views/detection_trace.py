"""From a traced detection to what the browser draws: every query's way to its box, matching, suppression, sizes."""

import base64
import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from demos import wire
from demos.views.detection import jpeg_address
from demos.views.explorer import ExplorerView, PatchAttention, pack_rows
from demos.views.picture import Picture
from models.detection.boxes import corners, postprocess

if TYPE_CHECKING:
    from models.detection.backbone import BackboneAttention
    from models.detection.matching import Matching
    from models.detection.suppression import Stage
    from models.detection.trace import DetectionTrace

NEXT_BEST = 4
SIZES = ("small", "medium", "large")
KIND_NAMES = {
    "hands": "hand signs",
    "sprites": "game sprites",
    "cards": "real photos of cards",
    "mixed": "mixed scenes",
    "far": "the same, from twice as far",
}
PUBLISHED = (
    ("DETR, ResNet-50", 20.5, 45.8, 61.1, 42.0),
    ("Faster R-CNN-FPN+, ResNet-50", 26.6, 45.4, 53.4, 42.0),
)
"""COCO val AP of small, medium, large and all objects: Carion et al. 2020 (arXiv 2005.12872), table 1."""


def draw_trace(trace: "DetectionTrace", image: np.ndarray, run: str) -> dict[str, Any]:
    """The value of the `box_figure` component.

    `run` names the kept trace. `image` is a JPEG data address, `width` and `height` those of the picture in pixels.
    `candidates`: the most probable pairs of query and class as the model answers them, each with `box` (left, top,
    right, bottom as shares of the picture), `label`, `score`, `query`. `stages` has the names of what follows each
    other; arrays are float32, base64: `logits` (1 + L, Q, C) and `boxes` (2 + L, Q, 4) centre and size, from the
    proposal over the reference box (boxes only) to the last layer; `moves` (1 + L, Q, 4): what makes the reference box
    of the proposal, then each layer's box of the reference box; `points` (L, Q, heads, points, 3): x, y, weight.
    `proposals`: `rows`, `columns`, the best `scores` and its class `labels` at each position, and for each query the
    position it took, `chosen`. `patches`: rows and columns of the backbone.
    """
    chosen, height, width = trace.proposals.chosen, *image.shape[:2]
    first = trace.proposals.boxes_cxcywh[chosen]
    best = trace.proposals.logits.argmax(-1)
    scores = 1 / (1 + np.exp(-trace.proposals.logits.max(-1).astype(np.float64)))
    return {
        "run": run,
        "image": jpeg_address(image),
        "width": width,
        "height": height,
        "labels": list(trace.prediction.labels),
        "candidates": _candidates(trace),
        "stages": stage_names(trace),
        "queries": len(chosen),
        "selfHeads": trace.self_attention.shape[1],
        "heads": trace.weights.shape[2],
        "pointsOfHead": trace.weights.shape[3],
        "logits": _packed(np.concatenate([trace.proposals.logits[chosen][None], trace.logits])),
        "boxes": _packed(np.concatenate([first[None], trace.references_cxcywh[None], trace.boxes_cxcywh])),
        "moves": _packed(np.concatenate([trace.shifts[None], trace.deltas])),
        "points": _packed(np.concatenate([trace.points_xy, trace.weights[..., None]], -1)),
        "patches": {"rows": trace.backbone.grid[0], "columns": trace.backbone.grid[1]},
        "proposals": {
            "rows": trace.proposals.grid[0],
            "columns": trace.proposals.grid[1],
            "scores": _packed(scores),
            "labels": best.tolist(),
            "chosen": chosen.tolist(),
        },
    }


def stage_names(trace: "DetectionTrace") -> list[str]:
    """What a query goes through: proposal, reference, and every decoder layer."""
    return ["proposal", "reference", *(f"layer {layer}" for layer in range(1, len(trace.logits) + 1))]


def _candidates(trace: "DetectionTrace") -> list[dict[str, Any]]:
    found: Any = postprocess(trace.prediction, 0.0)
    boxes = corners(trace.prediction.boxes_cxcywh).clip(0, 1)
    return [
        {
            "box": _rounded(boxes[query]),
            "label": str(label),
            "score": round(float(score), 4),
            "query": int(query),
        }
        for label, score, query in zip(found.data["class_name"], found.confidence, found.data["query"], strict=True)
    ]


def draw_query_rows(trace: "DetectionTrace", query: int) -> dict[str, Any]:
    """How much a query takes from every query: `weights` (L, heads, Q) float32."""
    return {"weights": _packed(trace.self_attention[:, :, query])}


def view_of_patches(trace: "DetectionTrace", image: np.ndarray, run: str) -> ExplorerView:
    """Where the patches of the squashed picture look, at first the one at the centre of the most probable box."""
    backbone = trace.backbone
    best = trace.prediction.boxes_cxcywh[int(trace.prediction.logits.max(-1).argmax())]
    token = backbone.patch_at(float(best[0]), float(best[1]))
    view = PatchAttention(
        kind="patches",
        run=run,
        picture=Picture(wire.picture(_squared(image), "jpeg"), *backbone.grid),
        layers=backbone.queries.shape[0],
        heads=backbone.queries.shape[1],
        rollout=False,
        token=token,
        chosen=pack_rows(backbone.rows_of(token)),
    )
    return ExplorerView([view], None, _windows_note(backbone))


def _windows_note(backbone: "BackboneAttention") -> str:
    if backbone.side == 1:
        return ""
    layers = ", ".join(str(layer + 1) for layer in np.flatnonzero(backbone.is_global))
    return (
        f"This backbone cuts the picture into {backbone.side} x {backbone.side} windows. Only layers {layers} look at "
        "all of it; in the others a patch sees its own window. Each window has a CLS of its own: shown is the first."
    )


def draw_matching(trace: "DetectionTrace", matching: "Matching", losses: Mapping[str, float]) -> dict[str, Any]:
    """For every drawn box its query and the `NEXT_BEST` cheapest others, each with its costs by term."""
    truths = []
    for truth, matched in enumerate(matching.matched):
        order = [int(query) for query in matching.totals[:, truth].argsort() if query != matched][:NEXT_BEST]
        truths.append([_cost(trace, matching, query, truth) for query in (int(matched), *order)])
    return {
        "truths": truths,
        "weights": list(matching.weights),
        "loss": {name: round(value, 4) for name, value in losses.items()},
    }


def _cost(trace: "DetectionTrace", matching: "Matching", query: int, truth: int) -> dict[str, Any]:
    owner = np.flatnonzero(matching.matched == query)
    return {
        "query": query,
        "box": _rounded(corners(trace.prediction.boxes_cxcywh[query])),
        "class": round(float(matching.class_costs[query, truth]), 3),
        "l1": round(float(matching.l1_costs[query, truth]), 3),
        "giou": round(float(matching.giou_costs[query, truth]), 3),
        "total": round(float(matching.totals[query, truth]), 3),
        "matched": int(owner[0]) if len(owner) else None,
    }


def draw_suppression(stages: "list[Stage]", size: tuple[int, int]) -> list[dict[str, Any]]:
    """Every stage with its boxes as shares of the picture; `kept` says whether suppression would leave the box."""
    height, width = size
    drawn = []
    for stage in stages:
        found = stage.found
        boxes = found.xyxy / np.array([width, height, width, height], np.float32)
        several = zip(boxes, found.data["class_name"], found.confidence, stage.kept, strict=True)
        answers = [
            {"box": _rounded(box), "label": str(label), "score": round(float(score), 4), "kept": bool(kept)}
            for box, label, score, kept in several
        ]
        drawn.append({"name": stage.name, "boxes": answers})
    return drawn


def explain_boxes(trace: "DetectionTrace", threshold: float, attended: int) -> list[dict[str, Any]]:
    """Every box above the threshold with its history, in pixels; the public form (see `detection_explain`)."""
    found: Any = postprocess(trace.prediction, threshold)
    return [
        _explained(trace, int(query), int(label), attended)
        for query, label in zip(found.data["query"], found.class_id, strict=True)
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


def trace_arrays(trace: "DetectionTrace") -> dict[str, np.ndarray]:
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


def draw_sizes(measured: Mapping[str, Any]) -> str:
    """HTML: average precision by size of object, what was measured here above what others published."""
    head = "".join(f"<th>{name}</th>" for name in ("", *SIZES, "all", "AP50"))
    rows = [_measured_row(KIND_NAMES[kind], found) for kind, found in measured["kinds"].items()]
    published = [
        f"<tr><th>{html.escape(name)}</th>{''.join(_bar(value / 100) for value in values)}<td></td></tr>"
        for name, *values in PUBLISHED
    ]
    return (
        f'<div class="gb-sizes"><table class="gb-table" id="detection-sizes"><thead><tr>{head}</tr></thead><tbody>'
        f'<tr><th colspan="6">Measured for {html.escape(measured["model"])} on held-out data; in brackets: '
        f"how many objects</th></tr>{''.join(rows)}"
        '<tr><th colspan="6">Published, on COCO val (Carion et al. 2020, table 1)</th></tr>'
        f"{''.join(published)}</tbody></table></div>"
    )


def draw_layers(measured: Mapping[str, Any]) -> str:
    """HTML: average precision of every stage's answers with and without suppression, measured beforehand."""
    head = "".join(f"<th>{name}</th>" for name in ("after", "AP", "AP with NMS", "boxes", "NMS removes"))
    rows = "".join(
        f"<tr><th>{html.escape(stage['stage'])}</th>{_bar(stage['ap'])}{_bar(stage['ap_nms'])}"
        f"<td>{stage['boxes']}</td><td>{stage['removed']}</td></tr>"
        for stage in measured["stages"]
    )
    return (
        f'<p class="gb-note">Measured beforehand for {html.escape(measured["model"])} on {measured["scenes"]} held-out '
        f"scenes with {measured['objects']} objects: average precision in percent, boxes with a score above 0.5, and "
        f'how many of these NMS at an overlap of 0.5 removes.</p><div class="gb-sizes"><table class="gb-table" '
        f'id="detection-by-layer"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _measured_row(name: str, found: Mapping[str, Any]) -> str:
    sizes = "".join(_bar(found["sizes"][size]["ap"], found["sizes"][size]["objects"]) for size in SIZES)
    return f"<tr><th>{html.escape(name)}</th>{sizes}{_bar(found['ap'])}<td>{100 * found['ap50']:.1f}</td></tr>"


def _bar(value: float | None, objects: int | None = None) -> str:
    if value is None:
        return "<td>none</td>"
    count = f" <small>({objects})</small>" if objects is not None else ""
    return f'<td><span class="gb-bar" style="width:{value * 3:.2f}em"></span> {100 * value:.1f}{count}</td>'


def _squared(image: np.ndarray) -> np.ndarray:
    """The picture squashed to a square as the network sees it, `[448, 448, 3]` uint8."""
    return np.asarray(Image.fromarray(image).resize((448, 448), Image.Resampling.BILINEAR))


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, np.float32).tobytes()).decode("ascii")


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]
