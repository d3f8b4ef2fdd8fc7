"""A training of the page "Train one" that was recorded beforehand, by `python -m models.recipes.diffusion.live`.

Its pictures lie in one file, a row of 16 x 16 or 32 x 32 tiles each: first those it learned, then for every look at it
its samples and, beside them, the nearest picture it was given to each.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from models import weights

FILE = weights.EMBEDDED.parent / "figures" / "diffusion_training.json"
PICTURES = FILE.with_suffix(".png")


@dataclass(frozen=True)
class Look:
    """What it drew after `step` steps: `rgba` and `nearest` `[N, size, size, 4]` uint8, `distances` `[N]`."""

    step: int
    seconds: float
    rgba: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True)
class Recorded:
    """A whole training. rgba: the pictures it learned, `[N, size, size, 4]` uint8.

    losses, norms: (step, mean since the last one); sprite_class: what it learned to draw; seconds: how long it took.
    """

    sprite_class: str
    rgba: np.ndarray
    looks: tuple[Look, ...]
    losses: list[tuple[int, float]]
    norms: list[tuple[int, float]]
    parameters: int
    seconds: float


@cache
def recorded() -> Recorded:
    """The training that comes with the app."""
    facts, sheet = json.loads(FILE.read_text(encoding="utf-8")), np.asarray(Image.open(PICTURES))
    learned, *rows = (_tiles(row, facts["size"]) for row in np.split(sheet, len(sheet) // facts["size"]))
    looks = tuple(_look(look, row) for look, row in zip(facts["looks"], rows, strict=True))
    losses, norms = ([(step, value) for step, value in facts[name]] for name in ("losses", "norms"))
    return Recorded(facts["class"], learned, looks, losses, norms, facts["parameters"], facts["seconds"])


def _tiles(row: np.ndarray, size: int) -> np.ndarray:
    return np.stack(np.split(row, row.shape[1] // size, axis=1))


def _look(facts: dict[str, float], row: np.ndarray) -> Look:
    distances = np.array(facts["distances"])
    count = len(distances)
    return Look(int(facts["step"]), facts["seconds"], row[:count], row[count : 2 * count], distances)
