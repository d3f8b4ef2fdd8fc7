"""Detectors that visitors have trained: what was learned, by a name that nobody can guess."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.store import Store

PREFIX = "own-"
BUDGET_BYTES = 256 * 2**20
MAX_AGE_SECONDS = 1800


@dataclass(frozen=True, eq=False)
class Learned:
    """What a training has made of a detector.

    base: name of the detector it began as, whose backbone it shares; labels: by class index.
    weights: every other parameter by its name in the network, float32.
    """

    base: str
    labels: tuple[str, ...]
    weights: Mapping[str, np.ndarray]

    @property
    def bytes(self) -> int:
        """Memory of the weights: these arrays, and the network that is built of them."""
        return 2 * sum(array.nbytes for array in self.weights.values())


OWN: Store[Learned] = Store(
    "visitors' own detectors",
    BUDGET_BYTES,
    size=lambda learned: learned.bytes,
    gone="This detector is no longer kept: train it again.",
    max_age=MAX_AGE_SECONDS,
    travels=True,
)


def keep(learned: Learned) -> str:
    """Keep a detector; its name is used like those of the catalogue."""
    return OWN.put(learned, PREFIX + secrets.token_urlsafe(16))


def is_own(name: object) -> bool:
    """Whether a name is one of `keep`, whether or not its detector is still kept."""
    return isinstance(name, str) and name.startswith(PREFIX)
