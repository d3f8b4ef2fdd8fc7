"""Traced pictures, kept on the server: the browser asks for what is too much to travel, and no network runs again."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.base import visitor_errors
from demos.views.explorer import pack_rows
from demos.wire import to_wire
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number

if TYPE_CHECKING:
    from transformers import RfDetrConfig

    from models.detection.trace import DetectionTrace

KEPT_BYTES = 120 * 2**20
MAX_TRUTHS = 20
SMALLEST_SIDE = 0.005


@dataclass(frozen=True)
class Run:
    """A trace and the configuration of the network it is of."""

    trace: "DetectionTrace"
    config: "RfDetrConfig"


_kept: "OrderedDict[str, Run]" = OrderedDict()
_lock = threading.Lock()


def name_of(model: str, picture: np.ndarray) -> str:
    """Name of a run: the same model and picture have the same name, and nobody without the picture can guess it."""
    return hashlib.sha256(picture.tobytes() + repr((picture.shape, model)).encode()).hexdigest()


def keep(name: str, run: Run) -> None:
    """Keep a run; those that were not looked at for longest go when all take too much."""
    with _lock:
        _kept[name] = run
        _kept.move_to_end(name)
        while len(_kept) > 1 and sum(one.trace.nbytes() for one in _kept.values()) > KEPT_BYTES:
            _kept.popitem(last=False)


def query_rows(request: Any) -> dict[str, Any]:
    """Whom a query attends to: `{"run", "query"}` to `draw_query_rows`."""
    return _answer(request, _query_rows)


def attention_rows(request: Any) -> dict[str, Any]:
    """Where a patch looks: `{"run", "token"}` to `PatchRows` as it travels."""
    return _answer(request, _attention_rows)


def suppress_boxes(request: Any) -> dict[str, Any]:
    """Every stage with and without suppression: `{"run", "threshold", "iou"}` to `{"stages": draw_suppression}`."""
    return _answer(request, _suppress_boxes)


def match_boxes(request: Any) -> dict[str, Any]:
    """Match drawn boxes: `{"run", "boxes": [[left, top, right, bottom] as shares], "labels": [...]}`."""
    return _answer(request, _match_boxes)


def _answer(request: Any, view: Callable[[Run, dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """What `view` makes of a kept run. The browser calls past Gradio's events: failures are `{"error": sentence}`."""
    try:
        with visitor_errors():
            if not isinstance(request, dict) or not isinstance(request.get("run"), str):
                raise InputError("A run must be named.")
            with _lock:
                run = _kept.get(request["run"])
                if run is None:
                    raise InputError("This run is no longer kept: give the picture again.")
                _kept.move_to_end(request["run"])
            return view(run, request)
    except Exception as error:
        return {"error": str(getattr(error, "message", error))}


def _query_rows(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    from demos.views.detection_trace import draw_query_rows

    last = len(run.trace.references_cxcywh) - 1
    return draw_query_rows(run.trace, check_integer(request.get("query"), name="The query", low=0, high=last))


def _attention_rows(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    rows, columns = run.trace.backbone.grid
    token = check_integer(request.get("token"), name="The token", low=0, high=rows * columns)
    return to_wire(pack_rows(run.trace.backbone.rows_of(token)))


def _suppress_boxes(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    from demos.views.detection_trace import draw_suppression
    from models.detection.suppression import suppress

    threshold = check_number(request.get("threshold"), name="The threshold", low=0, high=1)
    iou = check_number(request.get("iou"), name="The overlap", low=0, high=1)
    return {"stages": draw_suppression(suppress(run.trace, threshold, iou), run.trace.prediction.size)}


def _match_boxes(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    from demos.views.detection_trace import draw_matching
    from models.detection.matching import loss_terms, match

    labels = run.trace.prediction.labels
    boxes, names = _check_list(request.get("boxes"), "boxes"), _check_list(request.get("labels"), "labels")
    if len(boxes) != len(names):
        raise InputError("Every box needs one label.")
    truths = np.array([_check_box(box) for box in boxes], np.float32).reshape(-1, 4)
    classes = [labels.index(check_choice(name, labels, name="The label")) for name in names]
    answer = run.trace.prediction
    matching = match(answer, truths, classes, run.config)
    return draw_matching(run.trace, matching, loss_terms(answer, truths, classes, run.config))


def _check_list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TRUTHS:
        raise InputError(f"The {name} must be a list of 1 to {MAX_TRUTHS}.")
    return value


def _check_box(box: Any) -> tuple[float, float, float, float]:
    """Left, top, right, bottom as shares of the picture, to centre and size."""
    if not isinstance(box, list) or len(box) != 4:
        raise InputError("A box must have four numbers: left, top, right, bottom.")
    left, top, right, bottom = (check_number(side, name="A side of a box", low=0, high=1) for side in box)
    if right - left < SMALLEST_SIDE or bottom - top < SMALLEST_SIDE:
        raise InputError("A box must be wider and higher than half a percent of the picture.")
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
