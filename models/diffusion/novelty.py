"""Is it new? How near a sprite is to the nearest one of the training, in the features of the embedded DINOv2 backbone.

A distance alone says little, so it stands beside those of real sprites that were never trained on: what share of them
is as near to a training sprite? The training sprites themselves are not in this repository; their features, names and
classes are (`training_features.safetensors`, made by `python -m models.recipes.diffusion.evaluate
--store-training-features`).
"""

import json
from dataclasses import dataclass

import numpy as np
from safetensors import safe_open

from models import runtime, weights
from models.compute import compute
from models.diffusion.data import BACKGROUND
from models.errors import WeightsError
from models.images import over_background

NAME = "sprites-unet"
BACKBONE = "vit-s14-caltech101"
STORED = "training_features.safetensors"
FEATURE_PIXELS = 112


@dataclass(frozen=True)
class Features:
    """What the backbone says of sprites: `values [N, D] float64`, `labels [N]`."""

    values: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Training:
    """The training sprites as features, and how far held-out ones are from them.

    `names [N]` of the training sprites; `held_out [M]` distances from each held-out sprite to the nearest training
    sprite, growing; `facts`: SHA-256 of the data and of the backbone.
    """

    features: Features
    names: tuple[str, ...]
    held_out: np.ndarray
    facts: dict[str, str]


@dataclass(frozen=True)
class Nearest:
    """For each of N sprites: `distances [N]` to the nearest training sprite, its `names` and `labels`.

    `share_nearer [N]` of the held-out sprites is at least as near to a training sprite: near 0 means suspiciously
    near, 0.5 is what a new real sprite has.
    """

    distances: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray
    share_nearer: np.ndarray


def sprite_features(rgba: np.ndarray) -> np.ndarray:
    """Features `[N, D] float64` of `[N, 32, 32, 4] uint8`, enlarged with nearest neighbour on a plain background."""
    from models.vision import library
    from models.vision.network import image_features

    backbone = runtime.load(BACKBONE, library.load).network
    images = over_background(rgba, BACKGROUND).repeat(7, axis=1).repeat(7, axis=2)
    with runtime.autocast(runtime.device().type):
        return image_features(backbone, images, size=FEATURE_PIXELS).astype(np.float64)


def backbone_digest() -> str:
    """SHA-256 of the backbone's weights: features of different backbones cannot be compared."""
    return weights.sha256_of(weights.folder(BACKBONE) / "model.safetensors")


def stored_training() -> Training | None:
    """What is stored with the weights about the training sprites, or None."""
    path = weights.folder(NAME) / STORED
    if not path.exists():
        return None
    with safe_open(path, "numpy") as file:
        facts = file.metadata()
        features = Features(file.get_tensor("features").astype(np.float64), file.get_tensor("labels").astype(np.int64))
        return Training(features, tuple(json.loads(facts["names"])), file.get_tensor("held_out"), facts)


@compute
def nearest_training(rgba: np.ndarray) -> Nearest:
    """The nearest training sprite to each of `[N, 32, 32, 4] uint8`.

    Raises `WeightsError` where nothing is stored, or for another backbone than the one here.
    """
    training = stored_training()
    if training is None or training.facts["backbone"] != backbone_digest():
        raise WeightsError("The features of the training sprites do not belong to the backbone that is here.")
    between = distances(sprite_features(rgba), training.features.values)
    places = between.argmin(axis=1)
    nearest = between[np.arange(len(places)), places]
    share = np.searchsorted(training.held_out, nearest, side="right") / len(training.held_out)
    names = tuple(training.names[place] for place in places)
    return Nearest(nearest, names, training.features.labels[places], share)


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances `[N, M]` between rows of `[N, D]` and `[M, D]`."""
    squared = np.square(first).sum(1)[:, None] + np.square(second).sum(1)[None] - 2 * first @ second.T
    return np.sqrt(squared.clip(0))


def pixel_distances(signal: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Root mean square difference `[N]` of each `[N, 4, 32, 32]` to the nearest of `[M, 4, 32, 32]` or its mirror."""
    known = np.concatenate([training, training[..., ::-1]]).reshape(2 * len(training), -1)
    flat = signal.reshape(len(signal), -1)
    return distances(flat, known).min(axis=1) / np.sqrt(flat.shape[1])
