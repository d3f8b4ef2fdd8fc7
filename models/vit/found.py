"""What is worth seeing in a run of a Vision Transformer, found in its numbers: layer, head, patch, strength."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Look:
    """A head that looks at the thing in the picture, from CLS.

    layer, head: from 0. share: of what CLS takes from patches there, the part that comes from the thing's patches, 0
    to 1. part: the thing's patches among all, 0 to 1.
    """

    layer: int
    head: int
    share: float
    part: float


@dataclass(frozen=True)
class Likeness:
    """A patch of one picture and the patch of another that is most like it, after the layer where that stands out most.

    first, second: numbers of the patches, from 0. cosine: of their features. mean: of the first patch's cosines with
    all patches of the other picture.
    """

    layer: int
    first: int
    second: int
    cosine: float
    mean: float


def settled_after(lens: np.ndarray) -> int:
    """After how many layers the first answer of `lens` `[L + 1, C]` is the final one, and stays it."""
    other = np.flatnonzero(lens.argmax(axis=1) != lens[-1].argmax())
    return int(other[-1]) + 1 if len(other) else 0


def thing_of(features: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Which patches stand apart from the picture's border: `[rows * columns]`, above 0 for the thing.

    features: `[rows * columns, D]`. Where they lie along the direction in which they differ most (the first principal
    component), turned so that the border's mean is negative, as in the figures of DINOv2 (Oquab et al. 2023).
    """
    centred = features - features.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    along = (centred @ vectors[:, -1]).reshape(grid)
    border = np.concatenate([along[0], along[-1], along[1:-1, 0], along[1:-1, -1]])
    return (-along if border.mean() > 0 else along).ravel()


def look_at_thing(attention: np.ndarray, thing: np.ndarray) -> Look:
    """The head whose attention from CLS agrees best (Pearson's correlation) with where the thing is.

    attention: `[L, H, T, T]`, CLS first. thing: as `thing_of` gives it.
    """
    rows = attention[:, :, 0, 1:]
    rows = rows / np.maximum(rows.sum(axis=-1, keepdims=True), 1e-12)
    agreement = _standard(rows) @ _standard(thing) / len(thing)
    layer, head = np.unravel_index(int(agreement.argmax()), agreement.shape)
    where = thing > 0
    return Look(int(layer), int(head), float(rows[layer, head][where].sum()), float(where.mean()))


def best_likeness(first: np.ndarray, second: np.ndarray) -> Likeness:
    """The pair of patches of two pictures that stands out most: its cosine over the mean of the first patch's.

    first, second: features `[L + 1, N, D]` of each. The input, where only pixels and places are alike, is left out.
    """
    best = Likeness(0, 0, 0, 0.0, 2.0)
    for layer in range(1, len(first)):
        cosines = _unit(first[layer]) @ _unit(second[layer]).T
        margins = cosines.max(axis=1) - cosines.mean(axis=1)
        at = int(margins.argmax())
        if margins[at] > best.cosine - best.mean:
            best = Likeness(layer, at, int(cosines[at].argmax()), float(cosines[at].max()), float(cosines[at].mean()))
    return best


def parting(first: Sequence[float], second: Sequence[float]) -> int:
    """Where two curves over the same strengths lie farthest apart."""
    return int(np.abs(np.subtract(first, second)).argmax())


def lost_at(strengths: Sequence[float], firsts: Sequence[int], category: int) -> float | None:
    """The first strength from which on `category` is not the first answer any more; None where it is at the end."""
    wrong = [first != category for first in firsts]
    if not wrong[-1]:
        return None
    kept = max((place for place, bad in enumerate(wrong) if not bad), default=-1)
    return strengths[kept + 1]


def _standard(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=-1, keepdims=True)
    return centred / np.maximum(centred.std(axis=-1, keepdims=True), 1e-12)


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.maximum(np.linalg.norm(features, axis=-1, keepdims=True), 1e-12)
