"""What does looking closer gain? Average precision of the whole picture, and of it with four parts of it.

    python -m models.recipes.detection.by_window --data DIR [--store]

prints one JSON line for each kind of picture: photographs of everyday things (`rf-detr-s14-everyday`), mixed scenes and
the same from twice as far (`rf-detr-s14-objects`), all held out, as in `by_size`. `--store` writes all of them to
`assets/figures/detection_by_window.json`, which the page "Why this box?" draws. DIR holds the files that
`models.recipes.detection.train` reads and `everyday.parquet`.
"""

import argparse
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from models import runtime, weights
from models.detection.closer import detect_closer
from models.detection.network import Detector, detect, load_detector
from models.recipes.detection.by_size import kinds
from models.recipes.detection.evaluate import (
    EVERYDAY,
    OBJECTS,
    average_precision,
    rounded,
    scenes_of,
    trained_on,
)
from models.recipes.detection.scenes import Scene

FIGURES = weights.EMBEDDED.parent / "figures" / "detection_by_window.json"
COMMAND = "python -m models.recipes.detection.by_window --data DIR --store"


def scenes(folder: Path) -> dict[str, tuple[str, list[Scene]]]:
    """Held-out scenes by kind, with the detector that knows what is in them."""
    photos = scenes_of(folder / "everyday.parquet", split="test", seed=0, trained_on=trained_on(EVERYDAY))
    composed = kinds(folder, trained_on(OBJECTS))
    return {"photos": (EVERYDAY, list(photos)), **{kind: (OBJECTS, list(composed[kind])) for kind in ("mixed", "far")}}


def compare(detector: Detector, held_out: Iterable[Scene]) -> dict[str, Any]:
    """`average_precision` of the detector for the `whole` picture and `closer`, with four parts of it."""
    held_out = list(held_out)
    finders = {"whole": partial(detect, detector, threshold=0.0), "closer": partial(detect_closer, detector)}
    return {name: rounded(average_precision(held_out, find, detector.labels)) for name, find in finders.items()}


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of the training")
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    found = {}
    for kind, (model, held_out) in scenes(options.data).items():
        detector: Detector = runtime.load(model, load_detector).network
        found[kind] = {"model": model, **compare(detector, held_out)}
        print(json.dumps({"kind": kind, **found[kind]}), flush=True)
    if options.store:
        FIGURES.write_text(json.dumps({"command": COMMAND, "kinds": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
