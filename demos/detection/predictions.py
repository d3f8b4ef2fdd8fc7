"""Questions about a detector on the picture of this tab, answered by running it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.base import usable_model
from demos.predict import Answered, Question, answered, in_order, yes_or_no
from demos.sentences import percent
from models.errors import InputError
from models.images import read_image
from models.inputs import check_number

if TYPE_CHECKING:
    from models.detection.boxes import Boxes
    from models.detection.detect import Explained

IOU = 0.5
LOW = 0.1
SETTLED = 0.9
PARTS = (("left", "middle", "right"), ("top", "middle", "bottom"))


def _picture(given: Mapping[str, Any]) -> np.ndarray:
    if given["image"] is None:
        raise InputError("Give a picture on the page “Why this box?” first: the question is about it.")
    return read_image(given["image"])


def _explained(given: Mapping[str, Any]) -> "tuple[Explained, Boxes, float]":
    """The picture traced, its boxes above the threshold, and that threshold."""
    from models.detection.boxes import postprocess
    from models.detection.detect import explain_boxes

    threshold = check_number(given["threshold"], name="The threshold", low=0, high=1)
    explained = explain_boxes(usable_model(given["model"], "detection")[0], _picture(given))
    found = postprocess(explained.trace.prediction, threshold)
    if not len(found):
        raise InputError("No box is above the threshold: lower it or take another picture.")
    return explained, found, threshold


def _place(centre: np.ndarray) -> str:
    """Where a point lies, as shares of the picture, in words."""
    across, down = (names[min(2, int(3 * float(part)))] for names, part in zip(PARTS, centre, strict=True))
    return "middle" if across == down == "middle" else f"{down} {across}"


def _middle(corners: np.ndarray) -> np.ndarray:
    return (corners[:2] + corners[2:]) / 2


def ask_query(given: Mapping[str, Any]) -> Answered:
    """Which query becomes the best box."""
    explained, found, _ = _explained(given)
    references = explained.trace.references_cxcywh
    right, middle = int(found.queries[0]), _middle(found.corners[0])
    distance = np.linalg.norm(references[:, :2] - middle, axis=1)
    far = np.argsort(-distance, kind="stable")
    others = [int(far[place]) for place in (0, len(far) // 4, len(far) // 2)]

    def told(query: int) -> str:
        across, down = references[query, :2]
        return f"query {query}, which starts {percent(across)} from the left and {percent(down)} from the top"

    moved = float(distance[right])
    return answered(
        f"The surest box is “{found.names[0]}” ({percent(found.scores[0])}), at the {_place(middle)} of the picture. "
        "Which "
        "query becomes it?",
        told(right),
        (told(query) for query in others),
        f"Query {right}: its reference box came from the proposal there, and the middle of the final box is "
        f"{percent(moved, 1)} of the picture away from it. Queries start near what they find.",
    )


def ask_threshold(given: Mapping[str, Any]) -> Answered:
    """How many boxes a lower threshold adds."""
    from models.detection.boxes import postprocess

    explained, found, threshold = _explained(given)
    lower = threshold / 2
    more = len(postprocess(explained.trace.prediction, lower)) - len(found)
    scale = ("none", "1 or 2", "3 to 10", "more than 10")
    level = next(index for index, most in enumerate((0, 2, 10, 10**6)) if more <= most)
    return in_order(
        f"{len(found)} boxes are above the threshold of {threshold:.2f}. It is lowered to {lower:.2f}. How many more "
        "appear?",
        scale,
        level,
        f"{more} more, {len(found) + more} in all. Nothing is run again: all {len(explained.trace.references_cxcywh)} "
        "queries have answered, most of them with low scores.",
    )


def ask_settled(given: Mapping[str, Any]) -> Answered:
    """After which decoder layer the best box is where it stays."""
    from models.detection.boxes import corners

    explained, found, _ = _explained(given)
    trace, query = explained.trace, int(found.queries[0])
    final = corners(trace.boxes_cxcywh[-1, query])
    stages = [corners(trace.references_cxcywh[query]), *(corners(boxes[query]) for boxes in trace.boxes_cxcywh)]
    overlaps = [_overlap(box, final) for box in stages]
    outside = [index for index, overlap in enumerate(overlaps) if overlap < SETTLED]
    first = outside[-1] + 1 if outside else 0
    names = ["at its reference box", *(f"after layer {layer}" for layer in range(1, len(stages)))]
    return in_order(
        f"The box “{found.names[0]}” ends somewhere. When does it cover the same place already, and stay there "
        f"(overlap {percent(SETTLED)} or more)?",
        names,
        first,
        "Overlap with the final box: "
        + ", ".join(f"{name} {percent(overlap)}" for name, overlap in zip(names, overlaps, strict=True))
        + ".",
    )


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes, left, top, right, bottom."""
    sides = (np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])).clip(0)
    both = float(sides.prod())
    return both / max(1e-12, float((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod()) - both)


def ask_suppression(given: Mapping[str, Any]) -> Answered:
    """How much suppression would remove from the final answer."""
    from models.detection.suppression import suppress

    explained, _, threshold = _explained(given)
    stages = suppress(explained.trace, threshold, IOU)
    gone = [len(stage.found) - int(stage.kept.sum()) for stage in stages]
    scale = ("none", "1", "2 to 5", "more than 5")
    learnt = "In training only one query is rewarded for each object, so that duplicates are not made."
    if explained.trace.prediction.overlap is not None:
        learnt = "This detector was trained too briefly to unlearn duplicates: elsewhere they are not shown."
    level = next(index for index, most in enumerate((0, 1, 5, 10**6)) if gone[-1] <= most)
    return in_order(
        f"Suppression removes a box that overlaps a surer one of its class by more than {percent(IOU)}. How many of "
        "the "
        f"{len(stages[-1].found)} boxes of the last layer go?",
        scale,
        level,
        "Removed: "
        + ", ".join(f"{count} of {len(stage.found)} ({stage.name})" for stage, count in zip(stages, gone, strict=True))
        + f". {learnt}",
    )


def ask_proposals(given: Mapping[str, Any]) -> Answered:
    """Which stage has most to say."""
    from models.detection.suppression import suppress

    explained, _, _ = _explained(given)
    stages = suppress(explained.trace, LOW, IOU)
    count = {stage.name: len(stage.found) for stage in stages}
    most = max(count, key=lambda name: count[name])
    return in_order(
        f"At a threshold of {LOW}, which stage would answer with the most boxes?",
        list(count),
        list(count).index(most),
        "Boxes: "
        + ", ".join(f"{name} {number}" for name, number in count.items())
        + ". The decoder lets queries see each other, and duplicates drop out.",
    )


def ask_mirrored(given: Mapping[str, Any]) -> Answered:
    """Whether the same things are found in the mirrored picture."""
    from models.detection.boxes import postprocess
    from models.detection.detect import find_boxes

    explained, found, threshold = _explained(given)
    picture = np.ascontiguousarray(_picture(given)[:, ::-1])
    again = postprocess(find_boxes(explained.run.model, picture).prediction, threshold)
    before, after = sorted(found.names), sorted(again.names)
    lost = [name for name in set(before) if after.count(name) < before.count(name)]
    new = [name for name in set(after) if after.count(name) > before.count(name)]
    told = [f"lost {', '.join(sorted(lost))}"] if lost else []
    told += [f"new {', '.join(sorted(new))}"] if new else []
    return yes_or_no(
        f"The picture is mirrored, left for right. Are exactly the same {len(found)} things found?",
        yes=before == after,
        explanation=f"{len(before)} boxes before, {len(after)} after: {'; '.join(told) or 'the same classes'}.",
    )


def ask_small(given: Mapping[str, Any]) -> Answered:
    """How much is found when everything is a third of its size."""
    from models.detection.boxes import postprocess
    from models.detection.detect import find_boxes

    explained, found, threshold = _explained(given)
    picture = _picture(given)
    height, width = picture.shape[:2]
    canvas = np.full_like(picture, 128)
    small = picture[::3, ::3]
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    again = postprocess(find_boxes(explained.run.model, canvas).prediction, threshold)
    share = len(again) / len(found)
    scale = ("fewer than half", "half or more, not all", "as many", "more")
    level = 0 if share < 0.5 else 1 if share < 1 else 2 if share == 1 else 3
    return in_order(
        f"The picture is shrunk to a third and put in the middle of a grey one. {len(found)} boxes were found. How "
        "many now?",
        scale,
        level,
        f"{len(again)}. A thing now covers a ninth of the patches it covered before.",
    )


def ask_closer(given: Mapping[str, Any]) -> Answered:
    """How many more things four parts of the picture show."""
    from models.detection.closer import look_closer

    explained, found, threshold = _explained(given)
    boxes = look_closer(explained.model, explained.image, explained.trace.prediction).boxes
    closer = int((boxes.scores > threshold).sum())
    scale = ("none", "1", "2 to 5", "more than 5")
    level = next(index for index, most in enumerate((0, 1, 5, 10**6)) if closer - len(found) <= most)
    return in_order(
        f"Found in the whole picture: {len(found)}. The same network looks at four overlapping parts of it too, each "
        "as large as it saw the whole. How many more things are found?",
        scale,
        level,
        f"{closer} in all. In a part, a thing covers nearly three times as many patches as in the whole picture.",
    )


QUESTIONS = (
    Question("query", "which query", "picture", ask_query),
    Question("threshold", "a lower threshold", "picture", ask_threshold),
    Question("settled", "when the box is there", "picture", ask_settled),
    Question("suppression", "duplicates", "picture", ask_suppression),
    Question("proposals", "which stage says most", "picture", ask_proposals),
    Question("mirrored", "mirrored", "picture", ask_mirrored),
    Question("small", "smaller", "picture", ask_small),
    Question("closer", "looking closer", "picture", ask_closer),
)
