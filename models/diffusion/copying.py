"""From copying to inventing: the network of "Train one" trained on 1, 12, 200 and all sprites, computed beforehand.

Made by `python -m models.recipes.diffusion.copying`. The pictures lie in one file, a row of tiles for each training:
its samples and, behind them, the nearest sprite it was trained on to each.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from models import weights

FILE = weights.EMBEDDED.parent / "figures" / "diffusion_copying.json"
PICTURES = FILE.with_suffix(".png")


@dataclass(frozen=True)
class TrainedOn:
    """What one of the networks draws. `rgba` and `nearest` `[N, size, size, 4] uint8`, `distances [N]` 0 to 255.

    count: how many sprites it was trained on. copy_distance: 95 of 100 sprites that were held out are farther from all
    that it was trained on. held_out: their median. loss: the mean over its last steps.
    """

    count: int
    rgba: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray
    copy_distance: float
    held_out: float
    loss: float

    @property
    def copies(self) -> int:
        """How many samples are nearer to a training sprite than 95 of 100 real sprites that were held out."""
        return int((self.distances < self.copy_distance).sum())


@dataclass(frozen=True)
class Copying:
    """All of them: each was trained for `steps` steps, from the same weights, and drew from the same noise."""

    networks: tuple[TrainedOn, ...]
    steps: int
    size: int
    command: str


@cache
def copying() -> Copying:
    """What comes with the app."""
    facts, sheet = json.loads(FILE.read_text(encoding="utf-8")), np.asarray(Image.open(PICTURES).convert("RGBA"))
    size = facts["size"]
    rows = np.split(sheet, len(sheet) // size)
    networks = tuple(_trained_on(about, row, size) for about, row in zip(facts["networks"], rows, strict=True))
    return Copying(networks, facts["steps"], size, facts["command"])


def _trained_on(about: dict[str, float | list[float]], row: np.ndarray, size: int) -> TrainedOn:
    tiles = np.stack(np.split(row, row.shape[1] // size, axis=1))
    rgba, nearest = np.split(tiles, 2)
    figures = {name: about[name] for name in ("count", "copy_distance", "held_out", "loss")}
    return TrainedOn(rgba=rgba, nearest=nearest, distances=np.array(about["distances"]), **figures)  # pyright: ignore[reportArgumentType]  # as the recipe writes them
