"""The public endpoints: the boxes of a picture, and where every box comes from."""

from typing import Any

import numpy as np

from demos.base import ready_model, save_arrays
from demos.tab import chosen_from, models_of
from models.detection.classes import CLASSES, named
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_flag, check_number

EMBEDDED = "rf-detr-s14-objects"
THRESHOLD = 0.5
MAX_CLASSES = 100
ATTENDED = 5


@chosen_from(model=models_of("detection"))
def detection_detect(
    image: str | None,
    threshold: float = THRESHOLD,
    classes: list[str] | None = None,
    model: str = EMBEDDED,
    closer: bool = False,
) -> dict[str, Any]:
    """Find what a detector knows in a picture: by default hand signs (digit 0-9), playing cards (nine to ace) and game
    sprites; other models know people, or COCO's 80 everyday things.

    Args:
        image: an uploaded picture of at most 20 MB and 8 megapixels (JPEG photos 50, HEIC 16).
        threshold: boxes with a score above it are returned, 0 to 1.
        classes: names of the classes to return, such as ["ace", "digit 3"]; none for all.
        model: a name of the Detection tab.
        closer: look at four parts of the picture too, for small things, in five times the time.

    Returns:
        {"model": name, "seconds": duration, "boxes_xyxy": [[left, top, right, bottom], ...] in pixels of the given
        picture, "labels": [...], "scores": [0..1, ...]}, best first.
    """
    threshold = check_number(threshold, name="The threshold", low=0, high=1)
    closer = check_flag(closer, name="Whether to look closer")
    pixels = read_image(image)
    name = ready_model(model, "detection")
    wanted = _check_classes(classes, CLASSES) if name == EMBEDDED else []
    from models.detection.boxes import postprocess
    from models.detection.detect import find_boxes

    answer = find_boxes(name, pixels)
    wanted = wanted or _check_classes(classes, named(answer.prediction.labels))
    found, seconds = postprocess(answer.prediction, threshold), answer.run.seconds
    if closer:
        from models.detection.closer import look_closer

        parts = look_closer(name, pixels, answer.prediction)
        found, seconds = parts.boxes.take(parts.boxes.scores > threshold), seconds + parts.run.seconds
    found = found.take(np.isin(found.names, wanted))
    return {
        "model": answer.run.model,
        "seconds": round(seconds, 4),
        "boxes_xyxy": [[round(float(value), 2) for value in box] for box in found.pixels(pixels.shape[:2])],
        "labels": found.names,
        "scores": [round(float(score), 4) for score in found.scores],
    }


def _check_classes(classes: object, labels: tuple[str, ...]) -> list[str]:
    """The classes asked for, all of them for none. Raises `InputError` for what is no list or no class."""
    if not classes:
        return list(labels)
    if not isinstance(classes, list) or len(classes) > MAX_CLASSES:
        raise InputError(f"The classes must be a list of at most {MAX_CLASSES} names.")
    return [check_choice(name, labels, name="A class") for name in classes]


@chosen_from(model=models_of("detection"))
def detection_explain(
    image: str | None, threshold: float = THRESHOLD, model: str = EMBEDDED
) -> tuple[dict[str, Any], str]:
    """Where every box in a picture comes from: its query, proposal, box and score after each layer, points, attention.

    Args:
        image: an uploaded picture of at most 20 MB and 8 megapixels (JPEG photos 50, HEIC 16).
        threshold: boxes with a score above it are explained, 0 to 1.
        model: a name of the Detection tab.

    Returns:
        {"model", "seconds", "size": [height, width], "boxes": [...]} and a compressed .npz file. A box has `label`,
        `score`, `query`, `box_xyxy`, `proposal` (row, column, label, score, box_xyxy), `reference_xyxy`, `layers`
        (label, score, box_xyxy after each), `points` [layers][heads][points] of [x, y, weight] and `attended`, the
        queries it takes most from in the last layer (query, weight: mean over heads). Coordinates are pixels of the
        given picture. The file has, for L layers, Q queries, C classes, P positions: `logits [L, Q, C]`,
        `boxes_cxcywh`, `deltas [L, Q, 4]`, `references_cxcywh`, `shifts [Q, 4]`, `proposal_logits [P, C]`,
        `proposal_boxes_cxcywh [P, 4]`, `chosen [Q]`, `grid [2]`, `points_xy [L, Q, heads, points, 2]`, `weights`,
        `self_attention [L, heads, Q, Q]`, `backbone_attention [layers, heads, T, T]` (float16, CLS first), `labels`;
        boxes and points there are shares of the picture.
    """
    threshold = check_number(threshold, name="The threshold", low=0, high=1)
    pixels = read_image(image)
    from demos.views.detection_explained import arrays_of, history_of_boxes
    from models.detection.detect import explain_boxes

    explained = explain_boxes(ready_model(model, "detection"), pixels)
    answer = {
        "model": explained.run.model,
        "seconds": round(explained.run.seconds, 4),
        "size": list(pixels.shape[:2]),
        "boxes": history_of_boxes(explained.trace, threshold, ATTENDED),
    }
    return answer, str(save_arrays("detection.npz", **arrays_of(explained.trace)))
