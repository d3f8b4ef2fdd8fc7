"""Does suppression help, and how good is every stage's answer? COCO's average precision, with and without it.

    python -m models.recipes.detection.by_layer --data DIR [--scenes 100] [--store]

prints one JSON line for each stage (proposals, then every decoder layer) on mixed scenes (`scenes.held_out_maker`):
`ap` and `ap50` of the answers as they are, `ap_nms` and `ap50_nms` after non-maximum suppression at an overlap of 0.5,
`boxes` above a score of 0.5 in all scenes and `removed`, how many of these it removes. `--store` writes all of them to
`assets/figures/detection_by_layer.json`, which the page "Why this box?" draws.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from models import runtime, weights
from models.detection.boxes import Boxes
from models.detection.network import Detector, load_detector
from models.detection.suppression import Stage, suppress
from models.detection.trace import trace_detection
from models.recipes.detection.by_size import MODEL
from models.recipes.detection.evaluate import average_precision, rounded
from models.recipes.detection.scenes import Scene, held_out_maker

FIGURES = weights.EMBEDDED.parent / "figures" / "detection_by_layer.json"
OVERLAP = 0.5
SCORE = 0.5


def measure(detector: Detector, scenes: list[Scene]) -> list[dict[str, Any]]:
    """What is printed for each stage."""
    answers = [suppress(trace_detection(detector, scene.image), 0.0, OVERLAP) for scene in scenes]
    return [_stage(list(stages), scenes, detector.labels) for stages in zip(*answers, strict=True)]


def _stage(stages: list[Stage], scenes: list[Scene], labels: tuple[str, ...]) -> dict[str, Any]:
    """One stage over all scenes. What greedy suppression keeps above a score does not depend on what is below it."""
    plain = _precision([one.found for one in stages], scenes, labels)
    suppressed = _precision([one.found.take(one.kept) for one in stages], scenes, labels)
    sure = [one.found.scores > SCORE for one in stages]
    return {
        "stage": stages[0].name,
        **rounded({"ap": plain["ap"], "ap50": plain["ap50"]}),
        **rounded({"ap_nms": suppressed["ap"], "ap50_nms": suppressed["ap50"]}),
        "boxes": sum(int(one.sum()) for one in sure),
        "removed": sum(int((above & ~one.kept).sum()) for above, one in zip(sure, stages, strict=True)),
    }


def _precision(answers: list[Boxes], scenes: list[Scene], labels: tuple[str, ...]) -> dict[str, Any]:
    """Average precision of answers already given, one a scene."""
    in_order = iter(answers)
    return average_precision(scenes, lambda _: next(in_order), labels)


def main() -> int:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of the training")
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    detector: Detector = runtime.load(MODEL, load_detector).network
    try:
        maker = held_out_maker(options.data)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    scenes = [maker.scene(seed) for seed in range(options.scenes)]
    found = measure(detector, scenes)
    for stage in found:
        print(json.dumps(stage))
    if options.store:
        command = f"python -m models.recipes.detection.by_layer --data DIR --scenes {options.scenes} --store"
        objects = sum(len(scene.labels) for scene in scenes)
        stored = {"command": command, "model": MODEL, "scenes": len(scenes), "objects": objects, "stages": found}
        FIGURES.write_text(json.dumps(stored, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
