"""Sprites as training data: which classes there are, what is held out, and how RGBA becomes numbers around zero.

Source: the tiles of Dungeon Crawl Stone Soup (github.com/crawl/tiles, CC0 1.0; github.com/crawl/crawl, majority CC0),
packed as one npz with `rgba [N, 32, 32, 4] uint8`, `cls [N]`, `name [N]`.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import InputError

SOURCES: dict[str, tuple[str, ...]] = {
    "monster": ("monster", "unused_monster"),
    "person": ("player_base",),
    "weapon": ("weapon", "unused_weapon"),
    "armour": ("armour", "unused_armour"),
    "jewellery": ("jewellery",),
    "potion": ("potion",),
    "scroll": ("scroll_book",),
    "wand": ("wand_staff",),
    "statue": ("statue",),
    "tree": ("tree",),
    "food": ("food",),
    "altar": ("altar",),
    "gateway": ("gateway",),
}
CLASSES = tuple(SOURCES)
ANY_CLASS = "any"
PARTS = re.compile(r"^i-|\b(tentacle|segment)\d*\b")
HELD_OUT_PERCENT = 10
BACKGROUND = (74, 82, 96)  # what sprites are shown and measured on


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


def to_signal(rgba: np.ndarray) -> np.ndarray:
    """`[N, 32, 32, 4] uint8` straight alpha -> `[N, 4, 32, 32] float32` in -1..1, colours multiplied by alpha.

    So all that is transparent is one value, and the network need not learn colours that nobody sees.
    """
    unit = rgba.astype(np.float32) / 255
    premultiplied = np.concatenate([unit[..., :3] * unit[..., 3:], unit[..., 3:]], axis=-1)
    return np.ascontiguousarray((2 * premultiplied - 1).transpose(0, 3, 1, 2))


def to_rgba(signal: np.ndarray) -> np.ndarray:
    """The way back: `[N, 4, 32, 32] float32`, clipped to -1..1 -> `[N, 32, 32, 4] uint8` straight alpha."""
    unit = (np.clip(signal, -1, 1).transpose(0, 2, 3, 1) + 1) / 2
    alpha = unit[..., 3:]
    color = np.divide(unit[..., :3], alpha, out=np.zeros_like(unit[..., :3]), where=alpha > 1 / 255)
    return np.rint(np.concatenate([color.clip(0, 1), alpha], axis=-1) * 255).astype(np.uint8)
