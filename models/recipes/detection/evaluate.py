"""How a detector is measured: COCO's average precision on real photographs or on scenes composed from masked hands.

    python -m models.recipes.detection.evaluate --data FILE.parquet [--limit N] [--seed S] [--split test|train|all]
        [--model NAME] [--runtime pytorch|openvino] [--precision float32|bfloat16|"8 bits"] [--closer] [--threshold 0.5]

Prints one JSON line a model: `ap` (mean over IoU 0.50, 0.55 ... 0.95), `ap50`, `images`, for COCO's three sizes of
object `ap` and the number of `objects`, and for every class `ap50` and `objects`. `at_threshold` counts what a visitor
would see at that threshold: of each class the `objects` and those of them `found`, by size, and the `boxes` and those
of them that are `right`, that is, paired with an object of the class at an IoU of 0.50 or more, one box an object. For
all kinds of object at once: `models.recipes.detection.by_size`.

The file has boxes (columns `jpeg, labels, boxes_xyxy`, optionally `split`) or masked hands (`key, digit, box_xyxy,
jpeg, mask_png`); hands are pasted on procedural backgrounds, or on those of `--backgrounds FILE.parquet` (a column
`jpeg`). A file with a column `annotated` (the classes that were looked for in a photo) is for the detector of everyday
things: boxes of classes that it does not offer, or that were not looked for, do not count.

Which rows count: `test` (the default) takes rows with `split == "test"` where a file with boxes has such rows (else
all of them), and hands that were not trained on: their `key` is not in the model's `trained_on.txt`. A file of unseen
examples counts in full. `train` takes the other rows, `all` takes every row.
"""

import argparse
import contextlib
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet

from models import runtime, weights
from models.detection.boxes import Boxes, postprocess
from models.detection.closer import detect_closer
from models.detection.network import Detector, detect, load_detector
from models.errors import InputError
from models.recipes.detection.scenes import Photo, Scene, load_hands, load_photos, scenes_with_each

OBJECTS, EVERYDAY = "rf-detr-s14-objects", "rf-detr-s14-everyday"
BOX_COLUMNS = {"jpeg", "labels", "boxes_xyxy"}
HAND_COLUMNS = {"key", "digit", "box_xyxy", "jpeg", "mask_png"}
SIZES = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, float("inf"))}
"""COCO's sizes of objects by the area of their box, from and below, in pixels of the picture."""


def scenes_of(
    file: Path, *, split: str, seed: int, trained_on: set[str], backgrounds: Path | None = None
) -> Iterable[Scene]:
    """Scenes of the rows of `file` that belong to `split`. Raises `InputError` for a file of another format."""
    columns = set(pyarrow.parquet.read_schema(file).names)
    if columns >= BOX_COLUMNS:
        photos = load_photos(file, _rows_wanted(file, split, columns))
        if "key" in columns and split != "all":
            photos = [photo for photo in photos if (photo.key in trained_on) == (split == "train")]
        return (photo.open() for photo in photos)
    if columns >= HAND_COLUMNS:
        hands = [hand for hand in load_hands(file) if split == "all" or (hand.key in trained_on) == (split == "train")]
        behind: list[Photo] = load_photos(backgrounds) if backgrounds else []
        return scenes_with_each(hands, behind, seed)
    raise InputError(
        f"{file.name} must have the columns {', '.join(sorted(BOX_COLUMNS))} or {', '.join(sorted(HAND_COLUMNS))}."
    )


def _rows_wanted(file: Path, split: str, columns: set[str]) -> str | None:
    """The value of the column `split` to measure on; None: all rows."""
    if split == "all" or "split" not in columns:
        return None
    present = set(pyarrow.parquet.read_table(file, columns=["split"])["split"].to_pylist())
    return None if split == "test" and "test" not in present else split


def _truths_of(scene: Scene, labels: tuple[str, ...]) -> tuple[np.ndarray, list[int]]:
    """Boxes and classes that count: where it is known what was looked for, those of it that the model knows."""
    wanted = scene.annotated and scene.annotated.intersection(labels)
    known = [i for i, label in enumerate(scene.labels) if wanted is None or label in wanted]
    if unknown := sorted({scene.labels[i] for i in known} - set(labels)):
        raise InputError(f"The model does not know {', '.join(unknown)}; it knows {', '.join(labels)}.")
    return scene.boxes_xyxy[known], [labels.index(scene.labels[i]) for i in known]


def average_precision(
    scenes: Iterable[Scene],
    find: Callable[[np.ndarray], Boxes],
    labels: tuple[str, ...],
    threshold: float | None = None,
) -> dict[str, Any]:
    """`ap`, `ap50` (COCO's definition: all areas, 100 boxes a picture), `images`, `sizes` and `classes`.

    `sizes`: for each of `SIZES` the `ap` of its objects (None if there are none) and their number, `objects`.
    `classes`: for each class that is shown its `ap50` and the number of its `objects`. With a `threshold` also
    `at_threshold`, what is found by boxes with a higher score (`counts_at`).

    `find` returns boxes with classes into `labels`. Classes that no scene shows do not count, and no boxes of
    classes that were not looked for in their scene.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images: list[dict[str, Any]] = []
    truths: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image_id, scene in enumerate(scenes, 1):
        images.append({"id": image_id, "height": scene.image.shape[0], "width": scene.image.shape[1]})
        for annotation in _annotations(image_id, *_truths_of(scene, labels)):
            truths.append(annotation | {"id": len(truths) + 1, "iscrowd": 0})
        boxes = find(scene.image)
        annotations = _annotations(image_id, boxes.pixels(scene.image.shape[:2]), boxes.classes)
        for annotation, score in zip(annotations, boxes.scores, strict=True):
            if scene.annotated is not None and labels[annotation["category_id"]] not in scene.annotated:
                continue
            found.append(annotation | {"score": float(score)})
    if not truths:
        raise InputError("There is nothing to measure: no row of this file belongs to the chosen split.")
    with contextlib.redirect_stdout(io.StringIO()):
        truth: Any = COCO()
        truth.dataset = {
            "info": {},
            "images": images,
            "annotations": truths,
            "categories": [{"id": index, "name": label} for index, label in enumerate(labels)],
        }
        truth.createIndex()
        pairs, stats, ap50_by_class = [], [0.0] * 6, np.zeros(len(labels))
        if found:
            evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            # (IoU, recall, class, area, boxes a picture): at IoU 0.50, for all areas and 100 boxes.
            ap50_by_class = evaluation.eval["precision"][0, :, :, 0, 2].mean(0)
            stats = list(evaluation.stats)
            pairs = [one for one in evaluation.evalImgs if one and one["aRng"] == evaluation.params.areaRng[0]]
    figures = _figures(stats, ap50_by_class, truths, len(images), labels)
    if threshold is None:
        return figures
    return {**figures, "at_threshold": {"threshold": threshold, "classes": counts_at(threshold, pairs, truths, labels)}}


def counts_at(
    threshold: float, pairs: Iterable[Any], truths: list[dict[str, Any]], labels: tuple[str, ...]
) -> dict[str, Any]:
    """Of each class that is shown: `objects` and `found` by size, `boxes` with a score above `threshold`, and `right`.

    pairs: COCO's, by picture and class, for all areas: which box is which object's at each IoU, the first 0.50. Boxes
    are paired best first, so that those below the threshold take no object from one above it.
    """
    shown = sorted({truth["category_id"] for truth in truths})
    counts: dict[int, dict[str, Any]] = {
        i: {"objects": dict.fromkeys(SIZES, 0), "found": dict.fromkeys(SIZES, 0), "boxes": 0, "right": 0} for i in shown
    }
    for truth in truths:
        counts[truth["category_id"]]["objects"][_size_of(truth)] += 1
    for one in pairs:
        if (count := counts.get(one["category_id"])) is None:
            continue
        sure = {box for box, score in zip(one["dtIds"], one["dtScores"], strict=True) if score > threshold}
        count["boxes"] += len(sure)
        for truth_id, box in zip(one["gtIds"], one["gtMatches"][0], strict=True):
            if int(box) in sure:
                count["right"] += 1
                count["found"][_size_of(truths[truth_id - 1])] += 1
    return {labels[i]: count for i, count in counts.items()}


def _size_of(truth: dict[str, Any]) -> str:
    return next(name for name, (low, high) in SIZES.items() if low <= truth["area"] < high)


def _figures(
    stats: Sequence[float],
    ap50_by_class: np.ndarray,
    truths: list[dict[str, Any]],
    images: int,
    labels: tuple[str, ...],
) -> dict[str, Any]:
    """COCO's summary by name (its entries 0, 1 and 3 to 5) and that of each class."""
    sizes = {}
    for (name, (low, high)), ap in zip(SIZES.items(), stats[3:6], strict=True):
        objects = sum(low <= truth["area"] < high for truth in truths)
        sizes[name] = {"ap": float(ap) if objects else None, "objects": objects}
    shown = Counter(truth["category_id"] for truth in truths)
    classes = {labels[i]: {"ap50": float(ap50_by_class[i]), "objects": count} for i, count in sorted(shown.items())}
    return {"ap": float(stats[0]), "ap50": float(stats[1]), "images": images, "sizes": sizes, "classes": classes}


def _annotations(image_id: int, boxes_xyxy: np.ndarray, classes: Iterable[int]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": image_id,
            "category_id": int(label),
            "bbox": [float(x0), float(y0), float(x1 - x0), float(y1 - y0)],
            "area": float((x1 - x0) * (y1 - y0)),
        }
        for (x0, y0, x1, y1), label in zip(boxes_xyxy, classes, strict=True)
    ]


def trained_on(name: str) -> set[str]:
    """Keys of the examples an embedded model was trained on."""
    path = weights.EMBEDDED / name / "trained_on.txt"
    return set(path.read_text().split("\n")) if path.exists() else set()


def finder(name: str, detector: Detector, options: argparse.Namespace) -> Callable[[np.ndarray], Boxes]:
    """What is measured: the detector by the chosen runtime, in the chosen precision.

    Raises `InputError` where this machine has no such precision.
    """
    from models.detection.export import Exported, exported_folder
    from models.detection.fastest import precisions

    known = ["float32", "bfloat16"] if options.runtime == "pytorch" else precisions(exported_folder(name))
    if options.precision not in known:
        raise InputError(f"{options.runtime} on this machine knows {', '.join(known)}, not {options.precision}.")
    if options.closer and (options.runtime, options.precision) != ("pytorch", "float32"):
        raise InputError("--closer is measured in PyTorch, float32.")
    if options.closer:
        return lambda image: detect_closer(detector, image)
    if options.runtime == "pytorch":
        return lambda image: detect(detector, image, 0.0, reduced=options.precision == "bfloat16")
    exported = Exported(exported_folder(name), detector, options.precision)
    return lambda image: postprocess(exported.predict(image), 0.0)


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """The options that `finder` reads."""
    parser.add_argument("--runtime", choices=("pytorch", "openvino"), default="pytorch", help="what runs the network")
    parser.add_argument("--precision", choices=("float32", "bfloat16", "8 bits"), default="float32")
    parser.add_argument("--closer", action="store_true", help="look at four parts of each picture too")


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The line printed for one model."""
    detector: Detector = runtime.load(name, load_detector).network
    scenes = scenes_of(
        options.data,
        split=options.split,
        seed=options.seed,
        trained_on=trained_on(name),
        backgrounds=options.backgrounds,
    )
    find = finder(name, detector, options)
    figures = average_precision(islice(scenes, options.limit), find, detector.labels, options.threshold)
    return {"model": name, **rounded(figures)}


def _made_for(file: Path) -> str:
    return EVERYDAY if "annotated" in pyarrow.parquet.read_schema(file).names else OBJECTS


def rounded(figures: dict[str, Any]) -> dict[str, Any]:
    """The same figures with at most four decimals."""
    return json.loads(json.dumps(figures), parse_float=lambda digits: round(float(digits), 4))


def main() -> int:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with boxes or with masked hands")
    parser.add_argument("--backgrounds", type=Path, help="parquet with a column jpeg, for masked hands")
    parser.add_argument("--limit", type=int, help="measure on the first N pictures only")
    parser.add_argument("--seed", type=int, default=0, help="how hands are composed into scenes")
    parser.add_argument("--split", choices=("test", "train", "all"), default="test")
    parser.add_argument("--model", help=f"else {EVERYDAY} for photos with a column annotated, {OBJECTS} for all others")
    parser.add_argument("--threshold", type=float, default=0.5, help="of the counts in `at_threshold`")
    add_runtime(parser)
    options = parser.parse_args()
    try:
        print(json.dumps(measure(options.model or _made_for(options.data), options)))
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
