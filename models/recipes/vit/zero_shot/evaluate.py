"""Measure "Name it yourself" on anybody's photos.

    python -m models.recipes.vit.zero_shot.evaluate --data FILE.parquet [--readings FILE.npy]

FILE has the columns `key, jpeg, captions` or `label, file, jpeg`. Prints one JSON line. With captions, on the held-out
photos (one in eight, by the CRC-32 of the key): `recall_at_1` and `recall_at_5`, how often one of a photo's own
captions is among the first of all their captions; `photo_recall_at_1` and `_at_5`, how often a caption finds its photo.
With labels, on photos the backbone was not trained on: `mean_class_accuracy` over the names of all categories of the
file, and `new_names_*`: photos of the held-out categories, among those names and among all. By default the photos that
count are read now; `--readings` takes what `models.recipes.vit.readings` has read.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet
import torch

from models import runtime, weights
from models.recipes.detection.scenes import is_held_out
from models.recipes.vit.data import read_photos
from models.recipes.vit.evaluate import known_photos
from models.recipes.vit.probe import mean_class_accuracy
from models.recipes.vit.readings import write
from models.recipes.vit.zero_shot import data
from models.recipes.vit.zero_shot.data import BACKBONE, Pairs
from models.vision import library
from models.vit.namer import NAME, Heads, Namer, load


def recalls(heads: Heads, pairs: Pairs) -> dict[str, float | int]:
    """Recall at 1 and 5 of captions for photos and of photos for captions, among those of `pairs` alone."""
    own = [row for rows in pairs.of for row in rows]
    owner = np.array([n for n, rows in enumerate(pairs.of) for _ in rows])
    cosines = (heads.of_pictures(pairs.pictures) @ heads.of_sentences(pairs.vectors[own]).T).numpy()
    right = owner == np.arange(len(pairs.of))[:, None]
    best = np.where(right, cosines, -2).max(1)
    above = (cosines > best[:, None]).sum(1)
    rank = (cosines > cosines[owner, np.arange(len(own))]).sum(0)
    return {
        "recall_at_1": round(float((above < 1).mean()), 4),
        "recall_at_5": round(float((above < 5).mean()), 4),
        "photo_recall_at_1": round(float((rank < 1).mean()), 4),
        "photo_recall_at_5": round(float((rank < 5).mean()), 4),
        "photos": len(pairs.of),
        "captions": len(own),
    }


def choices(heads: Heads, pairs: Pairs) -> np.ndarray:
    """Cosines `[N, names]` of pictures with every category's name, in the template that the page begins with."""
    first = torch.arange(0, len(pairs.vectors), len(data.TEMPLATES))
    return (heads.of_pictures(pairs.pictures) @ heads.of_sentences(pairs.vectors[first]).T).numpy()


def accuracies(heads: Heads, pairs: Pairs, new: np.ndarray) -> dict[str, float | int]:
    """Mean per-class accuracy over all names; of pictures whose name is `new` `[N]`, among those and among all."""
    cosines = choices(heads, pairs)
    names = np.unique(pairs.kinds[new])
    among_new = names[cosines[:, names].argmax(1)]
    return {
        "mean_class_accuracy": round(mean_class_accuracy(cosines.argmax(1), pairs.kinds), 4),
        "new_names_among_all": round(mean_class_accuracy(cosines.argmax(1)[new], pairs.kinds[new]), 4),
        "new_names_among_new": round(mean_class_accuracy(among_new[new], pairs.kinds[new]), 4),
        "new_names": len(names),
        "photos": len(pairs.kinds),
    }


def counted(path: Path) -> np.ndarray:
    """Which photos of a file count: `[N]` bool."""
    if "captions" in pyarrow.parquet.read_schema(path).names:
        keys = pyarrow.parquet.read_table(path, columns=["key"])["key"].to_pylist()
        return np.array([is_held_out(key) for key in keys])
    known = known_photos(BACKBONE)
    return np.array([photo not in known for photo in read_photos(path)])


def measure(namer: Namer, path: Path, readings: Path) -> dict[str, float | int]:
    """The figures of one file whose photos have been read."""
    if "captions" in pyarrow.parquet.read_schema(path).names:
        return recalls(namer.heads, data.captioned(path, readings, namer.reader, held_out=True))
    pairs, unseen, unnamed = data.categories(path, readings, namer.reader)
    return accuracies(namer.heads, pairs.chosen(unseen), unnamed[unseen])


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with captions or with labels")
    parser.add_argument("--readings", type=Path, help="what was read of its photos; by default they are read now")
    parser.add_argument("--weights", type=Path, help="a folder of other heads")
    arguments = parser.parse_args()
    namer = load(arguments.weights or weights.folder(NAME)).eval().requires_grad_(False)
    with tempfile.TemporaryDirectory() as folder:
        readings = arguments.readings or Path(folder) / "readings.npy"
        if not arguments.readings:
            network = runtime.load(namer.backbone, library.load).network
            write(network, arguments.data, readings, boxes=False, wanted=counted(arguments.data))
        print(json.dumps({"model": NAME, "data": arguments.data.name, **measure(namer, arguments.data, readings)}))


if __name__ == "__main__":
    main()
