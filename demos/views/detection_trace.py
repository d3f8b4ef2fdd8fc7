"""From a traced detection to what the browser draws: every query's way to its box, whom it attends to, its match."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from demos import wire
from demos.sentences import percent
from demos.views.detection import FoundBox, answers, rounded, shrunk
from demos.views.explorer import ExplorerView, PatchAttention, pack_rows
from demos.views.picture import Picture
from demos.wire import Float16, Float32, Int32, Jpeg, view
from models.detection.boxes import corners, overlaps, postprocess

if TYPE_CHECKING:
    from models.detection.backbone import BackboneAttention
    from models.detection.matching import Matching
    from models.detection.suppression import Stage
    from models.detection.trace import DetectionTrace

NEXT_BEST = 4
MOST_QUERIES = 8
SAME_PLACE = 0.5


@view
class CandidateBox(FoundBox):
    """A box as the model answers it, and the query it came from."""

    query: int


@view
class PatchGrid:
    """Rows and columns of the backbone's patches."""

    rows: int
    columns: int


@view
class ProposalsView:
    """What is proposed at every position of the feature map, row by row.

    scores: best score of any class `[rows x columns]`, 0 to 1; labels: index of that class.
    chosen: the position that each query started from `[queries]`.
    """

    rows: int
    columns: int
    scores: Float16
    labels: list[int]
    chosen: Int32


@view
class TraceView:
    """One picture through the detector (`box_figure`): L decoder layers, Q queries, C classes.

    run: names the kept trace.
    width, height: of the picture in pixels; `image` may be smaller.
    candidates: the most probable pairs of query and class, best first.
    stages: proposal, reference box, then every layer.
    logits: `[1 + L, Q, C]` of the proposals and after each layer, before the sigmoid.
    boxes: `[2 + L, Q, 4]` centre and size as shares of the picture, after each stage.
    moves: `[1 + L, Q, 4]` what makes the reference box of the proposal, then each layer's box of the reference box.
    points: `[L, Q, heads, points, 3]` x, y in shares of the picture, and weight.
    first: the query worth seeing first; None for that of the surest box.
    """

    run: str
    image: Jpeg
    width: int
    height: int
    labels: list[str]
    candidates: list[CandidateBox]
    stages: list[str]
    self_heads: int
    logits: Float16
    boxes: Float32
    moves: Float32
    points: Float16
    patches: PatchGrid
    proposals: ProposalsView
    first: int | None


@view
class QueryRows:
    """How much a query takes from every query: `weights` `[layers, heads, queries]`, rows sum to 1."""

    weights: Float16


@view
class StageBox(FoundBox):
    """A box that a stage would answer with, and whether suppression would leave it."""

    kept: bool


@view
class StageView:
    """What one stage would answer."""

    name: str
    boxes: list[StageBox]


@view
class AnsweringQuery:
    """A query with what it answers in the end."""

    query: int
    label: str
    score: float


@view
class SuppressionView:
    """Every stage with and without suppression (`suppression_view`).

    queries: those that answer when all see each other, best first. said: what hiding them has done,
    or that this detector's duplicates are not shown elsewhere.
    """

    stages: list[StageView]
    queries: list[AnsweringQuery]
    said: str


@view
class QueryCost:
    """What it would cost to make a query responsible for a drawn box, each term times its weight.

    box: left, top, right, bottom of the query's box as shares of the picture.
    matched: the drawn box that it was matched with, None for none.
    """

    query: int
    box: list[float]
    class_cost: float
    l1: float
    giou: float
    total: float
    matched: int | None


@view
class MatchingView:
    """For every drawn box its query and the cheapest others (`matching_view`).

    weights: of class, L1 and GIoU.
    loss: the loss of the last layer by term: class, l1, giou.
    """

    truths: list[list[QueryCost]]
    weights: list[float]
    loss: dict[str, float]


def view_of_trace(trace: "DetectionTrace", image: np.ndarray, run: str, query: int | None = None) -> TraceView:
    """The trace of a picture `[height, width, 3]` uint8, kept under the name `run`; `query`: seen first."""
    first = trace.proposals.boxes_cxcywh[trace.proposals.chosen]
    return TraceView(
        run=run,
        image=shrunk(image),
        width=image.shape[1],
        height=image.shape[0],
        labels=list(trace.prediction.labels),
        candidates=_candidates(trace),
        stages=["proposal", "reference", *(f"layer {layer}" for layer in range(1, len(trace.logits) + 1))],
        self_heads=trace.self_attention.shape[1],
        logits=np.concatenate([trace.proposals.logits[trace.proposals.chosen][None], trace.logits]),
        boxes=np.concatenate([first[None], trace.references_cxcywh[None], trace.boxes_cxcywh]),
        moves=np.concatenate([trace.shifts[None], trace.deltas]),
        points=np.concatenate([trace.points_xy, trace.weights[..., None]], -1),
        patches=PatchGrid(*trace.backbone.grid),
        proposals=_proposals(trace),
        first=query,
    )


def _candidates(trace: "DetectionTrace") -> list[CandidateBox]:
    found = postprocess(trace.prediction, 0.0)
    several = zip(answers(found), found.queries, strict=True)
    return [CandidateBox(*one, query=int(query)) for one, query in several]


def _proposals(trace: "DetectionTrace") -> ProposalsView:
    proposals = trace.proposals
    scores = 1 / (1 + np.exp(-proposals.logits.max(-1).astype(np.float64)))
    return ProposalsView(*proposals.grid, scores, proposals.logits.argmax(-1).tolist(), proposals.chosen)


def view_of_query_rows(trace: "DetectionTrace", query: int) -> QueryRows:
    """Whom a query attends to, in every layer and head."""
    return QueryRows(trace.self_attention[:, :, query])


def view_of_matching(trace: "DetectionTrace", matching: "Matching", losses: Mapping[str, float]) -> MatchingView:
    """For every drawn box its query and the `NEXT_BEST` cheapest others, each with its costs by term."""
    truths = []
    for truth, matched in enumerate(matching.matched):
        order = [int(query) for query in matching.totals[:, truth].argsort() if query != matched][:NEXT_BEST]
        truths.append([_cost(trace, matching, query, truth) for query in (int(matched), *order)])
    return MatchingView(truths, list(matching.weights), {name: round(value, 4) for name, value in losses.items()})


def _cost(trace: "DetectionTrace", matching: "Matching", query: int, truth: int) -> QueryCost:
    owner = np.flatnonzero(matching.matched == query)
    return QueryCost(
        query=query,
        box=rounded(corners(trace.prediction.boxes_cxcywh[query])),
        class_cost=round(float(matching.class_costs[query, truth]), 3),
        l1=round(float(matching.l1_costs[query, truth]), 3),
        giou=round(float(matching.giou_costs[query, truth]), 3),
        total=round(float(matching.totals[query, truth]), 3),
        matched=int(owner[0]) if len(owner) else None,
    )


def view_of_suppression(
    stages: "list[Stage]", as_it_is: "list[Stage]", hidden: str = "none", overlap: float | None = None
) -> SuppressionView:
    """Every stage with its boxes; `as_it_is`: the stages of the network unchanged; hidden: as `_sentence_of` says;
    overlap: at which its answers are suppressed everywhere else, None where they are not.
    """
    found = as_it_is[-1].found
    queries = [
        AnsweringQuery(int(query), name, round(float(score), 4))
        for query, name, score in zip(found.queries, found.names, found.scores, strict=True)
    ]
    shown = [
        StageView(
            stage.name,
            [StageBox(*one, kept=bool(kept)) for one, kept in zip(answers(stage.found), stage.kept, strict=True)],
        )
        for stage in stages
    ]
    said = _sentence_of(stages[-1], as_it_is[-1], hidden)
    if overlap is not None and hidden == "none":
        twice = int((~as_it_is[-1].kept).sum())
        said = (
            f"This detector was trained too briefly to unlearn duplicates: NMS removes {twice} of {len(found)} "
            f"here. Everywhere else its answers are shown after NMS at {percent(overlap)}."
        )
    return SuppressionView(shown, queries[:MOST_QUERIES], said)


def _sentence_of(stage: "Stage", before: "Stage", hidden: str) -> str:
    """What became of the last layer's boxes. hidden: "none", "alone" (no query sees another), or a query's number."""
    if hidden == "none":
        return ""
    if hidden == "alone":
        twice, once = (int((~one.kept).sum()) for one in (stage, before))
        return (
            f"No query sees another: {len(stage.found)} boxes instead of {len(before.found)}, and NMS would remove "
            f"{twice} of them instead of {once}."
        )
    place = int(np.flatnonzero(before.found.queries == int(hidden))[0])
    gone = f"Without query {hidden} ({before.found.names[place]} {before.found.scores[place]:.2f})"
    on = np.flatnonzero(overlaps(stage.found.corners, before.found.corners[place]) >= SAME_PLACE)
    if not len(on):
        return f"{gone} no other query answers in its place above the threshold."
    best = int(on[0])
    others = f"; {len(on)} queries answer there now" if len(on) > 1 else ""
    name, score, query = stage.found.names[best], stage.found.scores[best], stage.found.queries[best]
    return f"{gone} query {query} answers in its place: {name} {score:.2f}{others}."


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
    return ExplorerView([view], None, _windows_note(backbone), "", "")


def _windows_note(backbone: "BackboneAttention") -> str:
    if backbone.side == 1:
        return ""
    layers = ", ".join(str(layer + 1) for layer in np.flatnonzero(backbone.is_global))
    return (
        f"This backbone cuts the picture into {backbone.side} x {backbone.side} windows. Only layers {layers} look at "
        "all of it; in the others a patch sees its own window. Each window has a CLS of its own: shown is the first."
    )


def _squared(image: np.ndarray) -> np.ndarray:
    """The picture squashed to a square as the network sees it, `[448, 448, 3]` uint8."""
    return np.asarray(Image.fromarray(image).resize((448, 448), Image.Resampling.BILINEAR))
