"""Measure the sprite models against sprites, anybody's, in the feature space of the embedded DINOv2 backbone.

    python -m models.recipes.diffusion.evaluate --data FILE.npz [--limit 500] [--seed 0] [--training FILE.npz]
        [--steps 25 ...] [--sampler ddim ...] [--guidance 1.5] [--guided "all the way"] [--network classes words]
        [--words-guidance 3] [--each 2] [--each-unseen 16]
    python -m models.recipes.diffusion.evaluate --data FILE.npz --store-training-features

prints one JSON line for each network, sampler and number of steps. Of the network that reads words: how often colour
and kind are those asked for (`evaluate_words.py`), `--each` sprites a combination, `--each-unseen` of those that the
training never had. Of the network that is told classes (`--guided` is for this one):

    frechet_distance    between samples and the sprites of FILE (Heusel et al. 2017, with DINOv2: Stein et al. 2023)
    frechet_training    the same between training sprites and those of FILE: what a perfect copyist would get
    frechet_ratio       the first over the second; 1 is as good as more real sprites
    precision, recall   share of samples among the real sprites, of real sprites among the samples
                        (Kynkaanniemi et al. 2019, nearest 3)
    class_right         share told to be of the class that was asked for, by a linear classifier of the training's
                        features, every class counting alike; ..._of_real: of held-out sprites of their own class
    nearest_training    median distance from a sample to the nearest training sprite; ..._held_out: from a held-out one
    suspiciously_near   share of samples nearer to a training sprite than 95 % of the held-out sprites are
    copies              share of samples whose pixels differ from a training sprite's, or its mirror image's, by less
                        than 0.1 root mean square in -1..1, where its pixels are at hand; ..._held_out: of held-out ones

All three sets have the same number of sprites (at most `--limit`) and the same share of each class: the Frechet
distance of few samples is biased upwards, and only so is the ratio fair. If FILE is the one the model was trained on,
the sprites held out then are used; of any other file every sprite of a known class counts. The training sprites come
from that file, from `--training`, or from the features stored with the weights by the second command. In a file that
repeats training sprites the ratio means little: they are nearer to themselves than anything else can be.
"""

import argparse
import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from models import runtime, weights
from models.diffusion.data import CLASSES, to_signal
from models.diffusion.large.offers import OFFERS
from models.diffusion.network import load_network
from models.diffusion.novelty import (
    NAME,
    STORED,
    Features,
    backbone_digest,
    distances,
    pixel_distances,
    sprite_features,
    stored_training,
)
from models.diffusion.reading import NAME as WORDS
from models.diffusion.samplers import SAMPLERS
from models.diffusion.schedule import ALL_THE_WAY, GUIDANCE, GUIDED
from models.diffusion.trace import finished_sprites, trace_denoising
from models.errors import InputError, WeightsError
from models.recipes.diffusion.data import Sprites, held_out, read_sprites
from models.recipes.diffusion.evaluate_words import draw, measure, measure_kinds_of_real, prompts, teller

BATCH = 32
NEAREST = 3
SUSPICIOUS = 0.05
COPY = 0.1


@dataclass(frozen=True)
class Comparison:
    """What samples are measured against: held-out sprites and as many training sprites of the same classes.

    `labels [N]`; `real` and `known` features `[N, D]`; `training` features of all training sprites `[M, D]`, their
    `training_labels [M]` and, where their pixels are at hand, `pixels [M, 4, 32, 32]`; `held_out [N, 4, 32, 32]`.
    """

    labels: np.ndarray
    real: np.ndarray
    known: np.ndarray
    training: np.ndarray
    training_labels: np.ndarray
    held_out: np.ndarray
    pixels: np.ndarray | None


def draw_samples(
    labels: np.ndarray,
    *,
    steps: int,
    seed: int,
    guidance: float = GUIDANCE,
    sampler: str = "ddim",
    guided: str = ALL_THE_WAY,
) -> np.ndarray:
    """One generated sprite for each label, `[N, 32, 32, 4] uint8`, in the order of `labels`."""
    network = runtime.load(NAME, load_network).network
    rgba = np.zeros((len(labels), 32, 32, 4), np.uint8)
    for number in np.unique(labels):
        places = np.flatnonzero(labels == number)
        for start in range(0, len(places), BATCH):
            chosen = places[start : start + BATCH]
            batch_seed = seed * 1_000_003 + int(number) * 1009 + start
            told = CLASSES[number], len(chosen), steps, batch_seed
            *_, last = trace_denoising(network, *told, guidance=guidance, sampler=sampler, guided=guided)
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
    radii = np.sort(distances(centres, centres), axis=1)[:, min(NEAREST, len(centres) - 1)]
    return float((distances(points, centres) <= radii).any(axis=1).mean())


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
    """What `models.diffusion.novelty` needs to know of the sprites in `data`, so that others need not have them."""
    sprites = read_sprites(data)
    kept = held_out(sprites.names)
    training = sprites.take(~kept)
    features = sprite_features(training.rgba).astype(np.float16)
    unseen = distances(sprite_features(sprites.rgba[kept]), features.astype(np.float64)).min(axis=1)
    path = weights.EMBEDDED / NAME / STORED
    tensors = {
        "features": features,
        "labels": training.labels.astype(np.int8),
        "held_out": np.sort(unseen).astype(np.float32),
    }
    names = json.dumps([str(name) for name in training.names])
    save_file(tensors, path, metadata={"data": weights.sha256_of(data), "backbone": backbone_digest(), "names": names})
    path.chmod(0o644)
    weights.record(NAME)
    return path


def reference_and_training(data: Path, training: Path | None) -> tuple[Sprites, Sprites | Features]:
    """The sprites to measure against, and the training sprites (or their stored features).

    Raises `InputError` where there is no way to tell the training sprites.
    """
    sprites, stored = read_sprites(data), stored_training()
    if training:
        known = read_sprites(training)
        return sprites, known.take(~held_out(known.names))
    if stored is None:
        raise InputError("No training features are stored with the weights: give --training FILE.")
    if stored.facts["data"] == weights.sha256_of(data):
        kept = held_out(sprites.names)
        return sprites.take(kept), sprites.take(~kept)
    if stored.facts["backbone"] != backbone_digest():
        raise InputError("The stored training features were made by another backbone: give --training FILE.")
    return sprites, stored.features


def prepare(reference: Sprites, training: Sprites | Features, *, limit: int, seed: int) -> Comparison:
    """At most `limit` sprites of `reference`, drawn by `seed`, and what they are compared with."""
    random = np.random.default_rng(seed)
    chosen = reference.take(random.permutation(len(reference))[:limit])
    places = same_classes(chosen.labels, training.labels, random)
    pixels = None if isinstance(training, Features) else to_signal(training.rgba)
    values = training.values if isinstance(training, Features) else sprite_features(training.rgba)
    real = sprite_features(chosen.rgba)
    return Comparison(chosen.labels, real, values[places], values, training.labels, to_signal(chosen.rgba), pixels)


def evaluate(comparison: Comparison, rgba: np.ndarray) -> dict[str, float | int]:
    """The figures described at the top of this module, of samples `[N, 32, 32, 4] uint8`."""
    real, samples = comparison.real, sprite_features(rgba)
    distance, best = frechet_distance(samples, real), frechet_distance(comparison.known, real)
    precision, recall = precision_and_recall(real, samples)
    figures = {"frechet_distance": distance, "frechet_training": best, "frechet_ratio": distance / best}
    figures |= {"precision": precision, "recall": recall}
    figures |= _classes_told(comparison, samples)
    figures |= _memorisation(comparison, samples, to_signal(rgba))
    return {**{name: round(value, 4) for name, value in figures.items()}, "sprites": len(rgba)}


def _classes_told(comparison: Comparison, samples: np.ndarray) -> dict[str, float]:
    """How often the class is told; nothing where there is but one."""
    if len(np.unique(comparison.training_labels)) == 1:
        return {}
    tells = teller(Features(comparison.training, comparison.training_labels))
    several = {"class_right": samples, "class_right_of_real": comparison.real}
    return {name: _right_by_class(tells.predict(told), comparison.labels) for name, told in several.items()}


def _right_by_class(told: np.ndarray, labels: np.ndarray) -> float:
    """Share of `told [N]` that are the `labels [N]`, every class counting alike."""
    return float(np.mean([(told[labels == one] == one).mean() for one in np.unique(labels)]))


def _memorisation(comparison: Comparison, samples: np.ndarray, signal: np.ndarray) -> dict[str, float]:
    """How near samples are to training sprites, beside how near held-out sprites are."""
    near = distances(samples, comparison.training).min(axis=1)
    near_real = distances(comparison.real, comparison.training).min(axis=1)
    figures = {
        "nearest_training": float(np.median(near)),
        "nearest_training_held_out": float(np.median(near_real)),
        "suspiciously_near": float((near < np.quantile(near_real, SUSPICIOUS)).mean()),
    }
    if comparison.pixels is not None:
        figures["copies"] = float((pixel_distances(signal, comparison.pixels) < COPY).mean())
        figures["copies_held_out"] = float((pixel_distances(comparison.held_out, comparison.pixels) < COPY).mean())
    return figures


def main(arguments: list[str] | None = None) -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="npz of sprites")
    parser.add_argument("--training", type=Path, help="npz with the training sprites")
    parser.add_argument("--limit", type=int, default=500, help="sprites in each of the three sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, nargs="+", default=[25])
    parser.add_argument("--sampler", choices=SAMPLERS, nargs="+", default=["ddim"])
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--guided", choices=list(GUIDED), default=ALL_THE_WAY, help="where guidance acts")
    parser.add_argument("--network", choices=["classes", "words"], nargs="+", default=["classes", "words"])
    parser.add_argument("--words-guidance", type=float, default=OFFERS[WORDS].guidance)
    parser.add_argument("--each", type=int, default=2, help="sprites for each combination of colour and kind")
    parser.add_argument("--each-unseen", type=int, default=16, help="the same for those kept aside")
    parser.add_argument("--store-training-features", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        _run(chosen)
    except (InputError, WeightsError) as error:
        parser.error(str(error))


def _run(chosen: argparse.Namespace) -> None:
    if chosen.store_training_features:
        print(store_training_features(chosen.data))
        return
    if "classes" in chosen.network:
        _measure_classes(chosen)
    if "words" in chosen.network:
        _measure_words(chosen)


def _measure_words(chosen: argparse.Namespace) -> None:
    reference, training = reference_and_training(chosen.data, chosen.training)
    stored = stored_training()
    if stored is not None and stored.facts["backbone"] == backbone_digest():
        training = stored.features
    elif isinstance(training, Sprites):
        training = Features(sprite_features(training.rgba), training.labels)
    tells, asked = teller(training), prompts(chosen.each, chosen.each_unseen)
    real = measure_kinds_of_real(reference, tells, chosen.seed)
    for sampler, steps in itertools.product(chosen.sampler, chosen.steps):
        start = time.perf_counter()
        settings = {"steps": steps, "seed": chosen.seed, "guidance": chosen.words_guidance, "sampler": sampler}
        figures = measure(asked, draw(asked, **settings), tells) | real
        seconds = round(time.perf_counter() - start, 1)
        print(json.dumps({"model": WORDS, **figures, **settings, "seconds": seconds}), flush=True)


def _measure_classes(chosen: argparse.Namespace) -> None:
    comparison = prepare(*reference_and_training(chosen.data, chosen.training), limit=chosen.limit, seed=chosen.seed)
    for sampler, steps in itertools.product(chosen.sampler, chosen.steps):
        start = time.perf_counter()
        settings = {"seed": chosen.seed, "steps": steps, "guidance": chosen.guidance, "sampler": sampler}
        settings["guided"] = chosen.guided
        figures = evaluate(comparison, draw_samples(comparison.labels, **settings))
        seconds = round(time.perf_counter() - start, 1)
        line = {"model": NAME, "data": chosen.data.name, **figures, **settings, "seconds": seconds}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
