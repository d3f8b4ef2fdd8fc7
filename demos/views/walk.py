"""A token's way through one layer, for the browser (`layer_walk`): of words in a Transformer, of patches in a ViT."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from demos.wire import Float32, view


@view
class Worked:
    """Why a number is what it is: `left[i] * right[i]` of the largest few of `count` products, `rest`, `bias`."""

    left: list[float]
    right: list[float]
    rest: float
    count: int
    bias: float
    total: float


@view
class StationView:
    """A vector on a token's way: whether it is the residual stream itself, how many numbers, and its length.

    number: the one that is worked out, from 0; -1 where none is. sum: how it comes about.
    """

    name: str
    stream: bool
    meaning: str
    numbers: int
    size: float
    number: int = -1
    sum: Worked | None = None


@view
class HeadsLooking:
    """Where each head of an attention looks most: the token's place, its word, the weight."""

    kind: Literal["encoder", "decoder", "cross", "patches"]
    best: list[tuple[int, str, float]]


@view
class WalkedAt:
    """Where a walk on patches is: its run, layer, head, the token asked for (0: CLS), the number worked out."""

    run: str
    layer: int
    head: int
    token: int
    channel: int


@view
class WalkView:
    """One token's way through one layer (`layer_walk`).

    values: the numbers of all stations, one after the other. said: what is seen, in a sentence.
    at: None where the visitor chooses elsewhere what walks.
    """

    title: str
    stations: list[StationView]
    values: Float32
    heads: list[HeadsLooking]
    said: str = ""
    at: WalkedAt | None = None


def best_of(row: np.ndarray, names: Sequence[str]) -> tuple[int, str, float]:
    """Where the largest of `row` is: its place, its name, the number."""
    place = int(row.argmax())
    return place, names[place].strip() or "space", round(float(row[place]), 3)
