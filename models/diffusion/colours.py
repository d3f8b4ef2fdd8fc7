"""Which colour a sprite has, measured from its pixels; and the same sprite in another colour."""

import numpy as np

HUES = {"red": 0, "orange": 28, "yellow": 54, "green": 115, "cyan": 180, "blue": 225, "purple": 275, "pink": 318}
"""Coloured words and where they stand on the circle of hues, in degrees; orange that is dark is called brown."""
COLOURS = (*HUES, "brown", "white", "grey", "black")
COLOURFUL = 0.28  # saturation (and, with brightness, chroma) from which a pixel counts as coloured
CHROMA = 0.14
DARK_ORANGE = 0.55
LEAST_COLOURED, DOMINANT = 0.3, 0.5
DARK = 0.22  # outlines and shadows
WHITE, BLACK = 0.68, 0.36

_EDGES = {  # where one name of a hue ends and the next begins, degrees
    "red": (342, 15),
    "orange": (15, 44),
    "yellow": (44, 68),
    "green": (68, 160),
    "cyan": (160, 198),
    "blue": (198, 252),
    "purple": (252, 294),
    "pink": (294, 342),
}


def colour_shares(rgba: np.ndarray) -> np.ndarray:
    """How much of each sprite has which colour, `[N, 32, 32, 4] uint8` straight alpha -> `[N, COLOURS]`, sum 1 or 0.

    Where at least three pixels in ten are coloured, only those count, each by its chroma: outlines and shadows say
    nothing. Else the brightness of what is not dark decides between white, grey and black.
    """
    hue, saturation, value = to_hsv(rgba)
    opaque = rgba[..., 3] >= 128
    chroma = saturation * value
    coloured = opaque & (saturation >= COLOURFUL) & (chroma >= CHROMA)
    brown = (hue >= 8) & (hue < 44) & (value < DARK_ORANGE)
    shares = np.zeros((len(rgba), len(COLOURS)))
    for place, name in enumerate(COLOURS):
        if name in _EDGES:
            first, last = _EDGES[name]
            inside = (hue >= first) | (hue < last) if first > last else (hue >= first) & (hue < last)
            shares[:, place] = (chroma * (coloured & inside & ~brown)).sum((1, 2))
    shares[:, COLOURS.index("brown")] = (chroma * (coloured & brown)).sum((1, 2))
    visible = opaque.sum((1, 2))
    plain = coloured.sum((1, 2)) < LEAST_COLOURED * visible
    shares[plain] = 0
    lit = opaque & (value >= DARK)
    brightness = (value * lit).sum((1, 2)) / np.maximum(lit.sum((1, 2)), 1)
    grey = np.where(brightness >= WHITE, "white", np.where(brightness < BLACK, "black", "grey"))
    for row in np.flatnonzero(plain & (visible > 0)):
        shares[row, COLOURS.index(grey[row])] = 1
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-9)


def dominant_colours(rgba: np.ndarray) -> list[str | None]:
    """The colour that at least half of each sprite's coloured pixels have; None where none has."""
    shares = colour_shares(rgba)
    return [COLOURS[row.argmax()] if row.max() >= DOMINANT else None for row in shares]


def recoloured(rgba: np.ndarray, colour: str) -> np.ndarray:
    """One sprite `[32, 32, 4] uint8` in another colour: its main hue is turned there, what is grey is tinted.

    For brown the result is darker, for white, grey and black its colour is taken away.
    """
    hue, saturation, value = to_hsv(rgba)
    chroma = saturation * value * (rgba[..., 3] >= 128)
    if colour in ("white", "grey", "black"):
        saturation = np.zeros_like(saturation)
        lighter = np.where(value >= DARK, 0.6 + 0.4 * value, value)
        value = {"white": lighter, "grey": value, "black": 0.45 * value}[colour]
    else:
        target = HUES["orange" if colour == "brown" else colour]
        angles = np.deg2rad(hue)
        main = np.rad2deg(np.arctan2((chroma * np.sin(angles)).sum(), (chroma * np.cos(angles)).sum()))
        is_grey = saturation < COLOURFUL
        hue = np.where(is_grey, target, (hue - main + target) % 360)
        if (chroma >= CHROMA).mean() < 0.3 * (rgba[..., 3] >= 128).mean():
            saturation = np.where(is_grey, 0.6, saturation)
        if colour == "brown":
            value = value * 0.7
        elif colour in ("orange", "yellow"):  # dark they would have another name
            value = np.where(value >= DARK, 0.3 + 0.7 * value, value)
    return np.concatenate([_to_rgb(hue, saturation, value), rgba[..., 3:]], axis=-1)


def to_hsv(rgba: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue in degrees, saturation and value in 0..1, of `[..., 3 or 4] uint8`."""
    rgb = rgba[..., :3].astype(np.float32) / 255
    value, least = rgb.max(-1), rgb.min(-1)
    chroma = value - least
    safe = np.where(chroma > 0, chroma, 1)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    sixth = np.where(
        value == red,
        (green - blue) / safe % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = np.where(chroma > 0, 60 * sixth, 0)
    return hue, np.where(value > 0, chroma / np.where(value > 0, value, 1), 0), value


def _to_rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The way back: `[..., 3] uint8`."""
    parts = [
        value * (1 - saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
        for k in ((offset + hue / 60) % 6 for offset in (5, 3, 1))
    ]
    return np.rint(np.stack(parts, -1) * 255).astype(np.uint8)
