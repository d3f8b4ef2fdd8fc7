"""What is worth seeing in a run of the sprite network, found in its pictures."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square difference of two arrays."""
    return float(np.sqrt(np.square(one - other).mean()))


def halfway(predictions: Sequence[np.ndarray]) -> tuple[int, float, float]:
    """The step by which predicted pictures `[count, 4, size, size]` have come half of their way to the last ones.

    Returns its place, how far it still is (root mean square), and how far the first prediction was.
    """
    far = [distance(one, predictions[-1]) for one in predictions]
    place = next(place for place, left in enumerate(far) if left <= far[0] / 2)
    return place, far[place], far[0]


def largest_change(pictures: np.ndarray) -> tuple[int, float]:
    """Between which neighbours of a walk `[count, 4, size, size]` most changes: the first one's place, how much."""
    changes = [distance(one, other) for one, other in pairwise(pictures)]
    place = int(np.argmax(changes))
    return place, changes[place]
