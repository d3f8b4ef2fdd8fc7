"""Questions about traced pictures, which are kept on the server: the browser asks for what is too much to travel."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.base import visitor_errors
from demos.views.detection_trace import (
    view_of_matching,
    view_of_query_rows,
    view_of_suppression,
)
from demos.views.explorer import pack_rows
from demos.wire import to_wire
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number
from models.store import Store

if TYPE_CHECKING:
    from models.detection.detect import Explained

KEPT_BYTES = 120 * 2**20
KEPT_SECONDS = 1800
MAX_TRUTHS = 20
SMALLEST_SIDE = 0.005

TRACES: "Store[Explained]" = Store(
    "traced detections",
    KEPT_BYTES,
    size=lambda explained: explained.trace.nbytes() + explained.image.nbytes,
    gone="This run is no longer kept: give the picture again.",
    max_age=KEPT_SECONDS,
)


def query_rows(request: object) -> Any:
    """Whom a query attends to: `{"run", "query"}` to a `QueryRows`."""
    return _answer(request, _query_rows)


def attention_rows(request: object) -> Any:
    """Where a patch looks: `{"run", "token"}` to `PatchRows`."""
    return _answer(request, _attention_rows)


def suppress_boxes(request: object) -> Any:
    """Every stage with and without suppression: `{"run", "threshold", "iou"}` to a `SuppressionView`.

    "hidden": "none", "alone" where no query is to see another, or the number of a query to be taken out.
    """
    return _answer(request, _suppress_boxes)


def look_closer(request: object) -> Any:
    """What four parts of the picture show besides: `{"run"}` to a `CloserView`."""
    return _answer(request, _look_closer)


def match_boxes(request: object) -> Any:
    """Match drawn boxes: `{"run", "boxes": [[left, top, right, bottom] as shares], "labels"}` to a `MatchingView`."""
    return _answer(request, _match_boxes)


def _answer(request: object, view: Callable[["Explained", Mapping[str, object]], object]) -> Any:
    """What `view` makes of a kept run. The browser calls past Gradio's events: failures are `{"error": sentence}`."""
    try:
        with visitor_errors():
            if not isinstance(request, dict) or not isinstance(request.get("run"), str):
                raise InputError("A run must be named.")
            return to_wire(view(TRACES.find(request["run"]), request))
    except Exception as error:
        return {"error": str(getattr(error, "message", error))}


def _query_rows(run: "Explained", request: Mapping[str, object]) -> object:
    last = len(run.trace.references_cxcywh) - 1
    return view_of_query_rows(run.trace, check_integer(request.get("query"), name="The query", low=0, high=last))


def _attention_rows(run: "Explained", request: Mapping[str, object]) -> object:
    rows, columns = run.trace.backbone.grid
    token = check_integer(request.get("token"), name="The token", low=0, high=rows * columns)
    return pack_rows(run.trace.backbone.rows_of(token))


def _suppress_boxes(run: "Explained", request: Mapping[str, object]) -> object:
    from models.detection.suppression import suppress

    threshold = check_number(request.get("threshold"), name="The threshold", low=0, high=1)
    iou = check_number(request.get("iou"), name="The overlap", low=0, high=1)
    as_it_is = suppress(run.trace, threshold, iou)
    hidden = request.get("hidden", "none")
    if hidden == "none":
        return view_of_suppression(as_it_is, as_it_is, overlap=run.trace.prediction.overlap)
    alone = hidden == "alone"
    answering = [int(query) for query in as_it_is[-1].found.queries]
    query = -1 if alone else check_integer(hidden, name="The query", low=0, high=len(run.trace.references_cxcywh) - 1)
    if not alone and query not in answering:
        return view_of_suppression(as_it_is, as_it_is)  # below the threshold now: nothing to be taken out
    stages = suppress(_hidden(run, str(request["run"]), query, alone=alone).trace, threshold, iou, query)
    return view_of_suppression(stages, as_it_is, str(hidden))


def _hidden(run: "Explained", name: str, query: int, *, alone: bool) -> "Explained":
    """The run once more with queries hidden, kept beside it."""
    from models.detection.detect import explain_boxes
    from models.detection.unseen import Unseen

    kept = f"{name} {'alone' if alone else query}"
    if kept not in TRACES:
        TRACES.put(explain_boxes(run.model, run.image, Unseen(alone, query)), kept)
    return TRACES.find(kept)


def _look_closer(run: "Explained", request: Mapping[str, object]) -> object:
    from demos.views.detection_closer import view_of_closer
    from models.detection import closer

    found = closer.look_closer(run.model, run.image, run.trace.prediction)
    return view_of_closer(found, run.trace.backbone.grid)


def _match_boxes(run: "Explained", request: Mapping[str, object]) -> object:
    from models.detection.matching import loss_terms, match

    labels = run.trace.prediction.labels
    boxes, names = _check_list(request.get("boxes"), "boxes"), _check_list(request.get("labels"), "labels")
    if len(boxes) != len(names):
        raise InputError("Every box needs one label.")
    truths = np.array([_check_box(box) for box in boxes], np.float32).reshape(-1, 4)
    classes = [labels.index(check_choice(name, labels, name="The label")) for name in names]
    answer = run.trace.prediction
    matching = match(answer, truths, classes, run.loss)
    return view_of_matching(run.trace, matching, loss_terms(answer, truths, classes, run.loss))


def _check_list(value: object, name: str) -> list[object]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TRUTHS:
        raise InputError(f"The {name} must be a list of 1 to {MAX_TRUTHS}.")
    return value


def _check_box(box: object) -> tuple[float, float, float, float]:
    """Left, top, right, bottom as shares of the picture, to centre and size."""
    if not isinstance(box, list) or len(box) != 4:
        raise InputError("A box must have four numbers: left, top, right, bottom.")
    left, top, right, bottom = (check_number(side, name="A side of a box", low=0, high=1) for side in box)
    if right - left < SMALLEST_SIDE or bottom - top < SMALLEST_SIDE:
        raise InputError("A box must be wider and higher than half a percent of the picture.")
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
