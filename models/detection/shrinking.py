"""An object made smaller in its picture, step by step, and how sure each detector still is of it.

The object's box is cut out with a margin, the hole is filled from its surroundings (Telea 2004, "An image inpainting
technique based on the fast marching method"), and what was cut out is set back in the middle, smaller.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from models import runtime
from models.compute import Run, compute, run_of
from models.detection import detr
from models.detection.boxes import Boxes, Prediction, corners, overlaps, postprocess
from models.detection.detect import load
from models.detection.trace import trace_detection
from models.errors import InputError

SCALES = (1.0, 0.8, 0.64, 0.51, 0.41, 0.33, 0.26, 0.21, 0.17, 0.13, 0.1)
"""Each side is a fifth shorter than the one before."""
MARGIN = 0.08
"""Around the box, as a share of its sides."""
LEAST_OVERLAP = 0.5
"""A box counts as the object's from this overlap (IoU) with where the object is now."""
LONGEST = 640
"""Pictures are brought to this side in pixels before anything is cut out of them."""


@dataclass(frozen=True)
class Looked:
    """Where the query of a box looked: points with weights `[n, 3]` (x, y as shares of the picture), or a dense map
    `[rows, columns]`; the other is None.
    """

    points: np.ndarray | None = None
    dense: np.ndarray | None = None


@dataclass(frozen=True)
class Answer:
    """What one network says of the object. score: 0 where no box of the object's class lies on it; box: corners as
    shares of the picture, None then. patches: how many patches the side of the object covers, on average of both.
    """

    score: float
    box: np.ndarray | None
    patches: float
    looked: Looked | None


@dataclass(frozen=True)
class Step:
    """One size. picture: `(H, W, 3)` uint8; box: where the object is, corners as shares."""

    scale: float
    picture: np.ndarray
    box: np.ndarray
    answers: dict[str, Answer]


@dataclass(frozen=True)
class Shrunk:
    """The steps so far.

    found: what the first network finds in the picture as it is. chosen: which of it is shrunk. names: what each
    network takes the object for, as it is; "" for one that does not find it. runs: by network.
    """

    found: Boxes
    chosen: int
    names: dict[str, str]
    steps: tuple[Step, ...]
    runs: dict[str, Run]


@compute
def shrink_object(models: Sequence[str], image: np.ndarray, chosen: int, threshold: float) -> Iterator[Shrunk]:
    """Shrink what the first of `models` finds as number `chosen` (0: the surest) in `(H, W, 3)` uint8, and ask all of
    them; one size more at every value. Raises `InputError` where nothing is found above `threshold`.
    """
    image, model = brought_to(image, LONGEST), models[0]
    networks = {name: runtime.load(name, detr.load_detr) if name == detr.NAME else load(name) for name in models}
    looks = {name: _look(loaded, image) for name, loaded in networks.items()}
    found = postprocess(looks[model][0], threshold)
    if not len(found):
        raise InputError("Nothing is found in this picture that could be made smaller: lower the threshold.")
    chosen = min(chosen, len(found) - 1)
    box = found.corners[chosen]
    classes = {name: _class_on(look[0], box, threshold) for name, look in looks.items()}
    classes[model] = int(found.classes[chosen])
    names = {name: looks[name][0].labels[label] if label >= 0 else "" for name, label in classes.items()}
    steps: list[Step] = []
    seconds = dict.fromkeys(networks, 0.0)
    for scale in SCALES:
        picture, small = made_smaller(image, box, scale)
        answers = {}
        for name, loaded in networks.items():
            start = time.perf_counter()
            look = _look(loaded, picture)
            seconds[name] += time.perf_counter() - start
            answers[name] = _answer(loaded.network, look, classes[name], small)
        steps.append(Step(scale, picture, small, answers))
        runs = {name: run_of(loaded, seconds[name] / len(steps)) for name, loaded in networks.items()}
        yield Shrunk(found, chosen, names, tuple(steps), runs)


def brought_to(image: np.ndarray, longest: int) -> np.ndarray:
    """`(H, W, 3)` uint8 with its longer side at most `longest` pixels."""
    factor = longest / max(image.shape[:2])
    if factor >= 1:
        return image
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def made_smaller(image: np.ndarray, box: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """`(H, W, 3)` uint8 with what is in `box` (corners as shares) at `scale` of its size in the same middle.

    Returns the picture and where the object is now. At 1 the picture is the very same.
    """
    centre = (box[:2] + box[2:]) / 2
    small = np.concatenate([centre + (box[:2] - centre) * scale, centre + (box[2:] - centre) * scale])
    if scale >= 1:
        return image, small.astype(np.float32)
    height, width = image.shape[:2]
    sides = np.array([width, height])
    cut = (box + MARGIN * np.concatenate([box[:2] - box[2:], box[2:] - box[:2]])).clip(0, 1)
    left, top, right, bottom = np.round(cut * np.concatenate([sides, sides])).astype(int)
    patch = image[top:bottom, left:right]
    hole = np.zeros((height, width), np.uint8)
    hole[top:bottom, left:right] = 255
    filled = cv2.inpaint(image, hole, 5, cv2.INPAINT_TELEA)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
    middle = centre * sides
    start = np.round(middle + (np.array([left, top]) - middle) * scale).astype(int)
    start = np.clip(start, 0, sides - size)
    filled[start[1] : start[1] + size[1], start[0] : start[0] + size[0]] = patch
    return filled, small.astype(np.float32)


def score_on(prediction: Prediction, label: int, box: np.ndarray) -> tuple[float, int]:
    """The highest score of a class among boxes that lie on `box` (corners), and its query; (0, -1) for none."""
    on = overlaps(corners(prediction.boxes_cxcywh), box) >= LEAST_OVERLAP
    if label < 0 or not on.any():
        return 0.0, -1
    logits = np.where(on, prediction.logits[:, label], -np.inf)
    query = int(logits.argmax())
    return float(1 / (1 + np.exp(-np.float64(logits[query])))), query


def _class_on(prediction: Prediction, box: np.ndarray, threshold: float) -> int:
    """What a network takes for the object in `box`; -1 where it is not sure of anything there."""
    on = overlaps(corners(prediction.boxes_cxcywh), box) >= LEAST_OVERLAP
    if not on.any():
        return -1
    best = prediction.logits[on].max(0)
    label = int(best.argmax())
    return label if 1 / (1 + np.exp(-np.float64(best[label]))) > threshold else -1


def _look(loaded: runtime.Loaded, image: np.ndarray) -> tuple[Prediction, Any]:
    """What a network says, and what tells where its queries looked."""
    if isinstance(loaded.network, detr.Detr):
        return detr.look(loaded.network, image)
    trace = trace_detection(loaded.network, image)
    return trace.prediction, trace


def _answer(network: Any, look: tuple[Prediction, Any], label: int, box: np.ndarray) -> Answer:
    prediction, inside = look
    score, query = score_on(prediction, label, box)
    found = corners(prediction.boxes_cxcywh[query]).clip(0, 1) if query >= 0 else None
    patches = float(np.sqrt(np.prod((box[2:] - box[:2]) * _grid(network, prediction.size))))
    return Answer(score, found, patches, _looked(inside, query) if query >= 0 else None)


def _grid(network: Any, size: tuple[int, int]) -> np.ndarray:
    """Patches across and down of what a network makes of a picture of `size` (height, width)."""
    if isinstance(network, detr.Detr):
        height, width = detr.enlarged(np.empty((*size, 0)))
        return np.array([width, height]) / detr.CELL
    config: Any = network.network.config.backbone_config
    return np.full(2, network.resolution / config.patch_size)


def _looked(inside: Any, query: int) -> Looked:
    if isinstance(inside, np.ndarray):
        return Looked(dense=inside[query])
    points, shares = inside.points_xy[-1, query], inside.weights[-1, query]
    heads = len(shares)
    return Looked(points=np.concatenate([points, shares[..., None] / heads], -1).reshape(-1, 3).astype(np.float32))
