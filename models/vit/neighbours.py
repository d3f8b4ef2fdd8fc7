"""Which labelled photos lie nearest to a picture, in the eyes of a backbone: before fine-tuning and after.

Features are the CLS token after the last normalisation, as in the k-NN evaluation of DINO (Caron et al. 2021, section
4.1); `python -m models.recipes.vit.neighbours` made those of the photos.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from models import runtime, weights
from models.compute import Run, compute, run_of
from models.errors import WeightsError
from models.vision import library
from models.vision.network import VisionTransformer
from models.vit.gallery import ShownPhoto, gallery

NAME = "caltech101-neighbours"
FEATURES, PHOTOS = "features.safetensors", "photos.json"
BACKBONES = {"before": "dinov2-s14-saliency", "after": "vit-s14-caltech101"}
"""The same backbone before and after fine-tuning on these photos."""
VOTES = 5
SHOWN = 6
BATCH = 32


@dataclass(frozen=True)
class Neighbour:
    """A photo: `label`, `file`, and the cosine of its feature with the picture's."""

    label: str
    file: str
    cosine: float


@dataclass(frozen=True)
class Shelf:
    """N labelled photos as features. `features`: `[N, D]` float32 of length 1, for each name in `BACKBONES`."""

    features: dict[str, np.ndarray]
    labels: tuple[str, ...]
    files: tuple[str, ...]

    def nearest(self, backbone: str, feature: np.ndarray, count: int) -> list[Neighbour]:
        """The `count` photos of highest cosine with `feature` `[D]`, most similar first."""
        cosines = self._cosines(backbone, feature)
        order = np.argsort(-cosines, kind="stable")[:count]
        return [Neighbour(self.labels[index], self.files[index], float(cosines[index])) for index in order]

    def typical(self, backbone: str, feature: np.ndarray) -> float:
        """The median cosine of `feature` `[D]` with all photos."""
        return float(np.median(self._cosines(backbone, feature)))

    def _cosines(self, backbone: str, feature: np.ndarray) -> np.ndarray:
        return self.features[backbone] @ (feature / np.linalg.norm(feature))


@dataclass(frozen=True)
class Found:
    """What one backbone found.

    neighbours: nearest first. typical: the median cosine of the picture with all photos. vote: the majority's category
    among the first `VOTES`, and how many of them have it. shown: the nearest of the photos that may be shown.
    """

    neighbours: list[Neighbour]
    typical: float
    vote: tuple[str, int]
    run: Run
    shown: tuple[ShownPhoto, ...] = ()


@cache
def shelf() -> Shelf:
    """The embedded shelf, 9 MB, read once."""
    return load(weights.folder(NAME))


@compute
def nearest_photos(backbone: str, image: np.ndarray, count: int) -> Found:
    """The `count` nearest labelled photos of `image` `(height, width, 3)` uint8, by a name in `BACKBONES`."""
    loaded = runtime.load(BACKBONES[backbone], library.load)
    start = time.perf_counter()
    (feature,) = features(loaded.network, [image])
    nearest = shelf().nearest(backbone, feature, count)
    shown = gallery().nearest(backbone, feature, SHOWN)
    run = run_of(loaded, time.perf_counter() - start)
    return Found(nearest, shelf().typical(backbone, feature), vote(nearest), run, shown)


def vote(neighbours: Sequence[Neighbour]) -> tuple[str, int]:
    """The label most of the first five neighbours have, and how many; ties go to the more similar ones."""
    counts = Counter(neighbour.label for neighbour in neighbours[:VOTES])
    closeness = {label: sum(n.cosine for n in neighbours[:VOTES] if n.label == label) for label in counts}
    return max(counts.items(), key=lambda item: (item[1], closeness[item[0]]))


def load(folder: Path) -> Shelf:
    """The shelf in a verified folder. Raises `WeightsError` where features and photos do not belong together."""
    photos = json.loads((folder / PHOTOS).read_text())["photos"]
    stored = load_file(folder / FEATURES)
    if set(stored) != set(BACKBONES) or any(len(features) != len(photos) for features in stored.values()):
        raise WeightsError(f"The features in {folder.name} do not fit its list of photos.")
    units = {name: unit(features.astype(np.float32)) for name, features in stored.items()}
    return Shelf(units, tuple(label for label, _ in photos), tuple(file for _, file in photos))


@torch.inference_mode()
def features(network: VisionTransformer, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """CLS token after the last normalisation of `pictures`, `(height, width, 3)` uint8 each: `[N, D]` float32."""
    parts = []
    for start in range(0, len(pictures), BATCH):
        squares = [network.preprocessing.square(picture) for picture in pictures[start : start + BATCH]]
        images = network.preprocessing.to_tensor(np.stack(squares)).to(network.cls.device)
        parts.append(network.encode(network.tokens(images))[:, 0].float().cpu().numpy())
    return np.concatenate(parts)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Each row of `[N, D]` at length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
