"""How well are small, medium and large objects found? COCO's average precision of held-out data, by kind and by size.

    python -m models.recipes.detection.by_size --data DIR [--model NAME] [--placements N] [--store]
        [--runtime openvino --precision bfloat16|"8 bits"]

prints one JSON line for each kind of scene: hands, sprites (each held-out one once, or N times, in scenes of one to
three), cards (the data set's own test photos), mixed scenes (`scenes.held_out_maker`, scenes 0 to 99) and the same from
twice as far.
`--store` writes all of them to `assets/figures/detection_by_size.json`, which the page "Why this box?" draws. Sizes are
COCO's: small below 32 x 32 pixels, large from 96 x 96, measured in the picture as it is, before it is squashed to the
network's square. DIR holds the files that `models.recipes.detection.train` reads.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from models import runtime, weights
from models.detection.network import Detector, load_detector
from models.errors import InputError
from models.recipes.detection.evaluate import add_runtime, average_precision, finder, rounded, trained_on
from models.recipes.detection.scenes import (
    Scene,
    from_afar,
    held_out_maker,
    is_held_out,
    load_hands,
    load_photos,
    load_sprites,
    procedural_background,
    scenes_with_each,
)

FIGURES = weights.EMBEDDED.parent / "figures" / "detection_by_size.json"
MODEL = "rf-detr-s14-objects"
MIXED_SCENES = 100


def kinds(folder: Path, known: set[str], placements: int = 1) -> dict[str, Iterable[Scene]]:
    """Held-out scenes by kind; `known` are the hands that the model was trained on.

    Every hand and every sprite comes `placements` times, in other scenes each time.
    """
    hands = [hand for hand in load_hands(folder / "hand_digits.parquet") if hand.key not in known]
    sprites = [sprite for sprite in load_sprites(folder / "sprites.npz") if is_held_out(sprite.key)]
    mixed = held_out_maker(folder)
    return {
        "hands": (scene for seed in range(placements) for scene in scenes_with_each(hands, [], seed)),
        "sprites": (scene for seed in range(placements) for scene in scenes_with_each(sprites, [], seed)),
        "cards": (photo.open() for photo in load_photos(folder / "playing_cards.parquet", "test")),
        "mixed": (mixed.scene(seed) for seed in range(MIXED_SCENES)),
        "far": (_from_afar(mixed.scene(seed), np.random.default_rng(seed)) for seed in range(MIXED_SCENES)),
    }


def _from_afar(scene: Scene, rng: np.random.Generator) -> Scene:
    return from_afar(scene, 2, procedural_background(rng, *scene.image.shape[:2]), rng)


def main() -> int:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of the training")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--placements", type=int, default=1)
    parser.add_argument("--store", action="store_true")
    add_runtime(parser)
    options = parser.parse_args()
    detector: Detector = runtime.load(options.model, load_detector).network
    found = {}
    try:
        find = finder(options.model, detector, options)
        for kind, scenes in kinds(options.data, trained_on(options.model), options.placements).items():
            found[kind] = rounded(average_precision(scenes, find, detector.labels))
            print(json.dumps({"kind": kind, **found[kind]}), flush=True)
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.store:
        command = "python -m models.recipes.detection.by_size --data DIR --store"
        stored = {"command": command, "model": options.model, "kinds": found}
        FIGURES.write_text(json.dumps(stored, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
