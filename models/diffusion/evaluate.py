"""Measure the sprite model against sprites, anybody's, in the feature space of the embedded DINOv2 backbone.

    python -m models.diffusion.evaluate --data FILE.npz [--limit 500] [--seed 0] [--steps 25] [--training FILE.npz]
    python -m models.diffusion.evaluate --data FILE.npz --store-training-features

prints one JSON line a model:

    frechet_distance    between samples and the sprites of FILE (Heusel et al. 2017, with DINOv2: Stein et al. 2023)
    frechet_training    the same between training sprites and those of FILE: what a perfect copyist would get
    frechet_ratio       the first over the second; 1 is as good as more real sprites
    precision, recall   share of samples among the real sprites, of real sprites among the samples
                        (Kynkaanniemi et al. 2019, nearest 3)

All three sets have the same number of sprites (at most `--limit`) and the same share of each class: the Frechet
distance of few samples is biased upwards, and only so is the ratio fair. If FILE is the one the model was trained on,
the sprites held out then are used; of any other file every sprite of a known class counts. The training sprites come
from that file, from `--training`, or from the features stored with the weights by the second command. In a file that
repeats training sprites the ratio means little: they are nearer to themselves than anything else can be.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from models import runtime, weights
from models.diffusion.data import BACKGROUND, CLASSES, Sprites, held_out, read_sprites
from models.diffusion.network import load_network
from models.diffusion.schedule import GUIDANCE
from models.diffusion.trace import finished_sprites, trace_denoising
from models.errors import InputError, WeightsError
from models.images import over_background

NAME = "sprites-unet"
BACKBONE = "vit-s14-caltech101"
STORED = "training_features.safetensors"
FEATURE_PIXELS = 112
BATCH = 32
NEAREST = 3


@dataclass(frozen=True)
class Features:
    """What the backbone says of sprites: `values [N, D] float64`, `labels [N]`."""

    values: np.ndarray
    labels: np.ndarray


def sprite_features(rgba: np.ndarray) -> np.ndarray:
    """Features `[N, D] float64` of `[N, 32, 32, 4] uint8`, enlarged with nearest neighbour on a plain background."""
    from models.vit import library
    from models.vit.network import image_features

    backbone = runtime.load(BACKBONE, library.load).network
    images = over_background(rgba, BACKGROUND).repeat(7, axis=1).repeat(7, axis=2)
    with torch.autocast(runtime.device().type, torch.bfloat16, enabled=runtime.device().type != "mps"):
        return image_features(backbone, images, size=FEATURE_PIXELS).astype(np.float64)


def draw_samples(labels: np.ndarray, steps: int, seed: int, guidance: float) -> np.ndarray:
    """One generated sprite for each label, `[N, 32, 32, 4] uint8`, in the order of `labels`."""
    network = runtime.load(NAME, load_network).network
    rgba = np.zeros((len(labels), 32, 32, 4), np.uint8)
    for number in np.unique(labels):
        places = np.flatnonzero(labels == number)
        for start in range(0, len(places), BATCH):
            chosen = places[start : start + BATCH]
            batch_seed = seed * 1_000_003 + int(number) * 1009 + start
            with torch.autocast(runtime.device().type, torch.bfloat16, enabled=runtime.device().type != "mps"):
                *_, last = trace_denoising(network, CLASSES[number], len(chosen), steps, batch_seed, guidance=guidance)
            rgba[chosen] = finished_sprites(last.x_0)
    return rgba


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared Wasserstein distance of the Gaussians fitted to two sets of features, `[N, D]` each."""
    mean = np.square(first.mean(0) - second.mean(0)).sum()
    covariance, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(0)).sum()
    return float(mean + np.trace(covariance) + np.trace(other) - 2 * shared)


def precision_and_recall(real: np.ndarray, samples: np.ndarray) -> tuple[float, float]:
    """Kynkaanniemi et al. 2019, equations 1 and 2, with balls reaching to the third nearest neighbour."""
    return _share_within(samples, real), _share_within(real, samples)


def _share_within(points: np.ndarray, centres: np.ndarray) -> float:
    radii = np.sort(_distances(centres, centres), axis=1)[:, min(NEAREST, len(centres) - 1)]
    return float((_distances(points, centres) <= radii).any(axis=1).mean())


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    squared = np.square(first).sum(1)[:, None] + np.square(second).sum(1)[None] - 2 * first @ second.T
    return np.sqrt(squared.clip(0))


def same_classes(labels: np.ndarray, available: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Places in `available` whose labels are those of `labels`, class by class; a class runs out only to begin anew.

    Raises `InputError` where a class is not available at all.
    """
    places = []
    for number, wanted in zip(*np.unique(labels, return_counts=True), strict=True):
        choices = random.permutation(np.flatnonzero(available == number))
        if len(choices) == 0:
            raise InputError(f"There is no training sprite of the class {CLASSES[number]}.")
        places.append(np.resize(choices, wanted))
    return np.concatenate(places)


def store_training_features(data: Path) -> Path:
    """Features of the training sprites in `data`, beside the weights, so that others need not have that file."""
    sprites = read_sprites(data)
    training = sprites.take(~held_out(sprites.names))
    path = weights.EMBEDDED / NAME / STORED
    tensors = {"features": sprite_features(training.rgba).astype(np.float16), "labels": training.labels.astype(np.int8)}
    save_file(tensors, path, metadata={"data": weights.sha256_of(data), "backbone": _backbone_digest()})
    weights.record(NAME)
    return path


def _stored() -> tuple[Features, dict[str, str]] | None:
    path = weights.folder(NAME) / STORED
    if not path.exists():
        return None
    with safe_open(path, "numpy") as file:
        labels = file.get_tensor("labels").astype(np.int64)
        return Features(file.get_tensor("features").astype(np.float64), labels), file.metadata()


def _backbone_digest() -> str:
    return weights.sha256_of(weights.folder(BACKBONE) / "model.safetensors")


def reference_and_training(data: Path, training: Path | None) -> tuple[Sprites, Sprites | Features]:
    """The sprites to measure against, and the training sprites (or their stored features).

    Raises `InputError` where there is no way to tell the training sprites.
    """
    sprites, stored = read_sprites(data), _stored()
    if training:
        known = read_sprites(training)
        return sprites, known.take(~held_out(known.names))
    if stored is None:
        raise InputError("No training features are stored with the weights: give --training FILE.")
    features, facts = stored
    if facts["data"] == weights.sha256_of(data):
        kept = held_out(sprites.names)
        return sprites.take(kept), sprites.take(~kept)
    if facts["backbone"] != _backbone_digest():
        raise InputError("The stored training features were made by another backbone: give --training FILE.")
    return sprites, features


def evaluate(
    reference: Sprites, training: Sprites | Features, *, limit: int, seed: int, steps: int, guidance: float
) -> dict[str, float | int]:
    """The figures described at the top of this module."""
    random = np.random.default_rng(seed)
    chosen = reference.take(random.permutation(len(reference))[:limit])
    places = same_classes(chosen.labels, training.labels, random)
    real = sprite_features(chosen.rgba)
    known = training.values[places] if isinstance(training, Features) else sprite_features(training.rgba[places])
    samples = sprite_features(draw_samples(chosen.labels, steps, seed, guidance))
    distance, best = frechet_distance(samples, real), frechet_distance(known, real)
    precision, recall = precision_and_recall(real, samples)
    figures = {"frechet_distance": distance, "frechet_training": best, "frechet_ratio": distance / best}
    figures |= {"precision": precision, "recall": recall}
    return {**{name: round(value, 4) for name, value in figures.items()}, "sprites": len(chosen)}


def main(arguments: list[str] | None = None) -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="npz of sprites")
    parser.add_argument("--training", type=Path, help="npz with the training sprites")
    parser.add_argument("--limit", type=int, default=500, help="sprites in each of the three sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--store-training-features", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        _run(chosen)
    except (InputError, WeightsError) as error:
        parser.error(str(error))


def _run(chosen: argparse.Namespace) -> None:
    start = time.perf_counter()
    if chosen.store_training_features:
        print(store_training_features(chosen.data))
        return
    reference, training = reference_and_training(chosen.data, chosen.training)
    settings = {"seed": chosen.seed, "steps": chosen.steps, "guidance": chosen.guidance}
    figures = evaluate(reference, training, limit=chosen.limit, **settings)
    seconds = round(time.perf_counter() - start, 1)
    print(json.dumps({"model": NAME, "data": chosen.data.name, **figures, **settings, "seconds": seconds}))


if __name__ == "__main__":
    main()
