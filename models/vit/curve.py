"""Both networks on one picture while it is damaged more and more: what each answers, and how sure it is."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.vision.network import VisionTransformer
from models.vit.cnn import EfficientNetLite
from models.vit.contenders import answer_and_map, logits, softmax
from models.vit.damage import Choice, damaged, position_factor

STRENGTHS = tuple(step / 10 for step in range(11))


@dataclass(frozen=True)
class Pair:
    """The two networks; both know the same categories in the same order."""

    vit: VisionTransformer
    cnn: EfficientNetLite

    def __post_init__(self) -> None:
        if self.vit.labels != self.cnn.labels:
            raise ValueError("the two networks do not know the same categories")

    @property
    def labels(self) -> tuple[str, ...]:
        """The categories of both."""
        return self.vit.labels


@dataclass(frozen=True)
class Reading:
    """One network on one picture: probabilities `(C,)`, where the answer comes from `(rows, columns)`, seconds."""

    probabilities: np.ndarray
    map: np.ndarray
    seconds: float


@dataclass(frozen=True)
class Point:
    """One strength: the pixels `(side, side, 3)` uint8 that both networks were given, and their readings."""

    strength: float
    pixels: np.ndarray
    vit: Reading
    cnn: Reading


def answer_together(pair: Pair, pixels: np.ndarray) -> int:
    """The category to which both networks together, averaged, give the highest probability."""
    vit, cnn = (softmax(logits(network, pixels[None]))[0] for network in (pair.vit, pair.cnn))
    return int((vit + cnn).argmax())


def point(
    pair: Pair,
    pixels: np.ndarray,
    kind: str,
    strength: float,
    choice: Choice,
    category: int,
    *,
    by_gradient: bool = False,
) -> Point:
    """Damage `pixels` and give the result to both networks; maps are those of `contenders.answer_and_map`."""
    given = damaged(kind, pixels, strength, choice)
    positions = position_factor(kind, strength)
    vit = read(pair.vit, given, category, positions=positions, by_gradient=by_gradient)
    return Point(strength, given, vit, read(pair.cnn, given, category))


def read(network: VisionTransformer | EfficientNetLite, pixels: np.ndarray, category: int, **options: Any) -> Reading:
    """One network on one square of pixels; `options` are those of `contenders.answer_and_map`."""
    start = time.perf_counter()
    values, found = answer_and_map(network, pixels, category, **options)
    return Reading(softmax(values), found, time.perf_counter() - start)


def curve(
    pair: Pair, pixels: np.ndarray, kind: str, choice: Choice, category: int, *, by_gradient: bool = False
) -> Iterator[Point]:
    """`STRENGTHS` one after the other."""
    for strength in STRENGTHS:
        yield point(pair, pixels, kind, strength, choice, category, by_gradient=by_gradient)
