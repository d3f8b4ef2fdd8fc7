"""Sprites as numbers: which classes there are, and how RGBA becomes numbers around zero."""

import numpy as np

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
BACKGROUND = (74, 82, 96)  # what sprites are shown and measured on


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
    color = np.divide(unit[..., :3], alpha, out=np.zeros_like(unit[..., :3]), where=alpha > 0.5 / 255)
    return np.rint(np.concatenate([color.clip(0, 1), alpha], axis=-1) * 255).astype(np.uint8)
