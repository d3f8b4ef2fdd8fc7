"""Sprites as training data: what is read, and what is held out.

Source: the tiles of Dungeon Crawl Stone Soup (github.com/crawl/tiles, CC0 1.0; github.com/crawl/crawl, majority CC0),
packed as one npz with `rgba [N, 32, 32, 4] uint8`, `cls [N]`, `name [N]`.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.diffusion.data import CLASSES, SOURCES
from models.errors import InputError

PARTS = re.compile(r"^i-|\b(tentacle|segment)\d*\b")
HELD_OUT_PERCENT = 10


@dataclass(frozen=True)
class Sprites:
    """Sprites of known classes: `rgba [N, 32, 32, 4] uint8`, `labels [N] int64` (places in `CLASSES`), `names [N]`."""

    rgba: np.ndarray
    labels: np.ndarray
    names: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: np.ndarray) -> "Sprites":
        """The sprites at `chosen` (a mask or places)."""
        return Sprites(self.rgba[chosen], self.labels[chosen], self.names[chosen])


def read_sprites(path: Path) -> Sprites:
    """All sprites of `CLASSES` in an npz.

    Left out: rows of other classes (textures, overlays, icons), and `PARTS`: marks that the game draws over an item
    and single pieces of a tentacle.
    Raises `InputError` where the file is not of this format or has no such sprite.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            rgba, sources, names = file["rgba"], file["cls"], file["name"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is not an npz with rgba, cls and name ({error}).") from None
    if rgba.ndim != 4 or rgba.shape[1:] != (32, 32, 4) or rgba.dtype != np.uint8:
        raise InputError(f"{path}: rgba must be uint8 [N, 32, 32, 4], not {rgba.dtype} {list(rgba.shape)}.")
    numbers = {source: CLASSES.index(name) for name, group in SOURCES.items() for source in group}
    whole = [not PARTS.search(str(name)) for name in names]
    labels = np.array([numbers.get(str(source), -1) for source in sources], dtype=np.int64)
    labels[~np.array(whole, dtype=bool)] = -1
    if not (labels >= 0).any():
        raise InputError(f"{path} has no sprite of the classes {', '.join(CLASSES)}.")
    return Sprites(rgba, labels, names).take(labels >= 0)


def held_out(names: np.ndarray) -> np.ndarray:
    """Mask of the sprites kept for measuring, `[N] bool`: by a hash of the name without its number.

    Variants ("troll 1", "troll 2") of one drawing stay on one side, whatever the order of the file.
    """
    return np.array([_hash_percent(re.sub(r"[\W\d_]+", " ", str(name)).strip().lower()) for name in names]) < (
        HELD_OUT_PERCENT
    )


def _hash_percent(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % 100
