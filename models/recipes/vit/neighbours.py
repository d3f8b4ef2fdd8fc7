"""The features of the photos among which the page "Nearest photos" looks.

    python -m models.recipes.vit.neighbours --data caltech101.parquet

reads the training photos of `models.recipes.vit.data.split` through both backbones of `BACKBONES` and writes their
features, labels and file names to `assets/weights/caltech101-neighbours/`. The photos themselves are not kept.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from models import runtime, weights
from models.recipes.vit import data
from models.vision import library
from models.vit.neighbours import BACKBONES, FEATURES, NAME, PHOTOS, features, unit


def write(photos: Sequence[data.Photo], folder: Path) -> None:
    """Read `photos` through both backbones and write the shelf."""
    stored = {}
    for name, backbone in BACKBONES.items():
        network = runtime.load(backbone, library.load).network
        stored[name] = unit(features(network, [photo.pixels() for photo in photos])).astype(np.float16)
        print(f"{backbone}: {len(photos)} photos")
    folder.mkdir(parents=True, exist_ok=True)
    save_file(stored, folder / FEATURES)
    listed = {"backbones": BACKBONES, "photos": [[photo.label, photo.file] for photo in photos]}
    (folder / PHOTOS).write_text(json.dumps(listed, separators=(",", ":")) + "\n")


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--seed", type=int, default=0, help="of the split, as in training")
    arguments = parser.parse_args()
    train, _ = data.split(data.read_photos(arguments.data), seed=arguments.seed)
    write(train, weights.EMBEDDED / NAME)
    weights.record(NAME)


if __name__ == "__main__":
    main()
