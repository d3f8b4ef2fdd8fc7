"""Measure a classifier on labelled photos, anybody's.

    python -m models.recipes.vit.evaluate --data FILE.parquet [--split test|train|all] [--limit N] [--seed 0]
        [--model NAME]

prints one JSON line: `top1`, `mean_class_accuracy` (accuracy of each class, averaged over classes) and `images`.
FILE has the columns label (a name, or a number in the order of the model's labels), file and jpeg. By default
(`test`) photos the model was trained on are left out and counted as `left_out`: they are recognised by their bytes,
or by label, file name and look (`models.recipes.vit.data.KnownPhotos`). In a file of other photos every row counts.
Photos whose label the model does not have count as wrong; how many is printed as `unknown_labels`.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from models import runtime, weights
from models.errors import InputError
from models.recipes.vit import data
from models.recipes.vit.probe import mean_class_accuracy
from models.recipes.vit.train import NAME, TRAINING_PHOTOS
from models.vit import contenders
from models.vit.contenders import Network

BATCH = 32


@torch.inference_mode()
def predict(network: Network, photos: Sequence[data.Photo]) -> np.ndarray:
    """Index of the most probable category of each photo, `(N,)`."""
    predicted = []
    device = next(network.parameters()).device
    for start in range(0, len(photos), BATCH):
        squares = [network.preprocessing.square(photo.pixels()) for photo in photos[start : start + BATCH]]
        images = network.preprocessing.to_tensor(np.stack(squares)).to(device)
        with runtime.autocast(device.type):
            predicted.append(network(images).float().argmax(1).cpu().numpy())
    return np.concatenate(predicted) if predicted else np.zeros(0, np.int64)


def choose(photos: Sequence[data.Photo], known: data.KnownPhotos, which: str) -> list[data.Photo]:
    """The photos of one split: `test` (not seen in training), `train` (seen) or `all`."""
    if which == "all":
        return list(photos)
    return [photo for photo in photos if (photo in known) == (which == "train")]


def label_indices(photos: Sequence[data.Photo], labels: Sequence[str]) -> np.ndarray:
    """Index of each photo's label in the model's `labels`, `(N,)`; a distinct negative number for unknown labels."""
    names = {label: index for index, label in enumerate(labels)}
    if not any(photo.label in names for photo in photos):
        names = {str(index): index for index in range(len(labels))}
    unknown = {label: -1 - n for n, label in enumerate(sorted({p.label for p in photos} - set(names)))}
    return np.array([(names | unknown)[photo.label] for photo in photos], np.int64)


def evaluate(network: Network, photos: Sequence[data.Photo]) -> dict[str, float | int]:
    """Figures of `network` on `photos`. Raises `InputError` where there are none."""
    if not photos:
        raise InputError("No photo is left to measure on: see --split.")
    labels = label_indices(photos, network.labels)
    predicted = predict(network, photos)
    return {
        "top1": round(float((predicted == labels).mean()), 4),
        "mean_class_accuracy": round(mean_class_accuracy(predicted, labels), 4),
        "images": len(photos),
        "classes": len(np.unique(labels)),
        "unknown_labels": int((labels < 0).sum()),
    }


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--split", choices=("test", "train", "all"), default="test")
    parser.add_argument("--limit", type=int, help="measure on this many photos, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default=NAME)
    arguments = parser.parse_args()
    network = contenders.load(arguments.model).network
    photos = data.read_photos(arguments.data)
    chosen = choose(photos, known_photos(arguments.model), arguments.split)
    left_out = len(photos) - len(chosen)
    if arguments.limit and arguments.limit < len(chosen):
        order = np.random.default_rng(arguments.seed).permutation(len(chosen))[: arguments.limit]
        chosen = [chosen[index] for index in order]
    start = time.perf_counter()
    figures = evaluate(network, chosen)
    seconds = round(time.perf_counter() - start, 1)
    head = {"model": arguments.model, "data": arguments.data.name, "split": arguments.split}
    print(json.dumps({**head, **figures, "left_out": left_out, "seconds": seconds}))


def known_photos(model: str) -> data.KnownPhotos:
    """The photos the embedded model was trained on; none for any other model."""
    path = weights.folder(model) / TRAINING_PHOTOS
    return data.KnownPhotos(json.loads(path.read_text())["photos"] if path.exists() else {})


if __name__ == "__main__":
    main()
