"""Drawings in one stroke: digits and shapes, generated, no two alike; 64 points each, evenly spaced along the way.

A digit is a smooth way through some points (a point given twice is a corner), a shape is a formula. Points are moved
at random, the whole is bent, slanted, turned and stretched.
"""

import numpy as np

from models.diffusion.stroke_classes import STROKES

POINTS = 64
FINE = 16  # points of the smooth way between two of those given
JITTER, BEND, TURN, SLANT = 0.045, 0.05, 0.2, 0.25


THROUGH = {
    "0": "0.1 -1  -0.5 -0.75  -0.7 0  -0.5 0.75  0 1  0.5 0.75  0.7 0  0.5 -0.75  0.05 -1",
    "1": "-0.4 -0.55  0.1 -1  0.1 -1  0.1 0  0.1 1",
    "2": "-0.55 -0.5  -0.4 -0.9  0 -1  0.45 -0.85  0.5 -0.4  0.1 0.2  -0.6 1  -0.6 1  0.65 1",
    "3": "-0.5 -0.8  0 -1  0.45 -0.7  0.35 -0.2  -0.1 -0.05  -0.1 -0.05  0.45 0.15  0.6 0.55  0.1 1  -0.55 0.8",
    "4": "0.3 1  0.3 0  0.3 -1  0.3 -1  -0.65 0.35  -0.65 0.35  0 0.35  0.7 0.35",
    "5": "0.5 -1  -0.4 -1  -0.4 -1  -0.45 -0.15  -0.45 -0.15  0.1 -0.3  0.55 0.2  0.35 0.8  -0.1 1  -0.55 0.8",
    "6": "0.4 -1  -0.2 -0.6  -0.55 0.2  -0.4 0.85  0.05 1  0.5 0.75  0.5 0.25  0.05 0  -0.45 0.3",
    "7": "-0.6 -1  0.6 -1  0.6 -1  0.1 0  -0.2 1",
    "8": "0.4 -0.75  0 -1  -0.42 -0.7  -0.25 -0.25  0.3 0.2  0.5 0.6  0 1  -0.5 0.6  -0.3 0.15  0.3 -0.3  0.42 -0.7",
    "9": "0.45 -0.6  0.1 -1  -0.4 -0.8  -0.45 -0.3  0 -0.05  0.4 -0.3  0.48 -0.7  0.45 0.2  0.25 1",
    "triangle": "0 -0.9  0 -0.9  0.9 0.75  0.9 0.75  -0.9 0.75  -0.9 0.75  0 -0.9  0 -0.9",
    "square": "-0.8 -0.8  -0.8 -0.8  0.8 -0.8  0.8 -0.8  0.8 0.8  0.8 0.8  -0.8 0.8  -0.8 0.8  -0.8 -0.8  -0.8 -0.8",
    "fish": "-0.9 -0.5  -0.4 0.1  0.2 0.45  0.9 0  0.9 0  0.2 -0.45  -0.4 -0.1  -0.9 0.5  -0.9 0.5  -0.8 0  -0.9 -0.5",
}
"""The points of the smooth ways: x to the right and y down, about -1 to 1; a point given twice is a corner."""


def _formulas() -> dict[str, np.ndarray]:
    """The shapes that are formulas, `[N, 2]` each; the star has its corners twice."""
    around, fifths = np.linspace(0, 2 * np.pi, 41), np.repeat(np.arange(6), 2) * 0.8 * np.pi
    height = 13 * np.cos(around) - 5 * np.cos(2 * around) - 2 * np.cos(3 * around) - np.cos(4 * around)
    out, wound, petals = np.linspace(0, 1, 41), np.linspace(0, 5 * np.pi, 41), 0.62 + 0.36 * np.cos(5 * around)
    return {
        "star": np.stack([np.sin(fifths), -np.cos(fifths)], axis=1),
        "heart": np.stack([np.sin(around) ** 3, -height / 16], axis=1),
        "spiral": np.stack([out * np.cos(wound), out * np.sin(wound)], axis=1),
        "flower": np.stack([petals * np.sin(around), -petals * np.cos(around)], axis=1),
    }


WAYS = {name: np.array(way.split(), np.float64).reshape(-1, 2) for name, way in THROUGH.items()} | _formulas()
assert tuple(WAYS) == STROKES


def smooth(way: np.ndarray) -> np.ndarray:
    """Catmull-Rom splines through `way [N, 2]`: `[FINE * (N - 1) + 1, 2]`; where a point stands twice, a corner."""
    before, after = np.roll(way, 1, axis=0), np.roll(way, -1, axis=0)
    before[0], after[-1] = way[0], way[-1]
    slope = (after - before) / 2
    corner = (np.abs(np.diff(way, axis=0)).max(-1) < 1e-9).nonzero()[0]
    slope[corner], slope[corner + 1] = 0, 0
    t = np.linspace(0, 1, FINE, endpoint=False)[:, None]
    parts = [
        (2 * t**3 - 3 * t**2 + 1) * a + (t**3 - 2 * t**2 + t) * m + (3 * t**2 - 2 * t**3) * b + (t**3 - t**2) * n
        for a, b, m, n in zip(way[:-1], way[1:], slope[:-1], slope[1:], strict=True)
    ]
    return np.concatenate([*parts, way[-1:]])


def evenly(way: np.ndarray) -> np.ndarray:
    """`way [N, 2]` at `POINTS` places, evenly spaced along it."""
    lengths = np.append(0, np.sqrt(np.square(np.diff(way, axis=0)).sum(-1)).cumsum())
    at = np.linspace(0, lengths[-1], POINTS)
    return np.stack([np.interp(at, lengths, way[:, axis]) for axis in (0, 1)], axis=-1)


def drawing(name: str, random: np.random.Generator) -> np.ndarray:
    """One drawing of a class, `[POINTS, 2]` float32, in its middle, the farthest point about 1 away."""
    way = WAYS[name]
    corner = np.append(False, np.abs(np.diff(way, axis=0)).max(-1) < 1e-9)
    dense = len(way) > 30  # a formula: its points lie too close to be moved one by one
    moved = random.normal(0, 0 if dense else JITTER, way.shape)
    moved[corner] = moved[np.append(corner[1:], False)]  # a corner stays one
    points = evenly(smooth(way + moved))
    along, phase = np.linspace(0, 2 * np.pi, POINTS)[:, None], random.uniform(0, 2 * np.pi, (3, 2))
    waves = [random.normal(0, BEND / k, 2) * np.sin(k * along / 2 + phase[k - 1]) for k in (1, 2, 3)]
    angle, slant = random.normal(0, TURN / 2), random.normal(0, SLANT / 2)
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turned @ np.array([[1, slant], [0, 1]]) @ np.diag(random.uniform(0.75, 1.0, 2))
    points = (points + sum(waves)) @ matrix.T
    return (points - (points.max(0) + points.min(0)) / 2).astype(np.float32)


def drawings(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`[count, POINTS, 2]` float32 and their places in `STROKES` `[count]`, the classes by turns."""
    random, labels = np.random.default_rng(seed), np.arange(count) % len(STROKES)
    return np.stack([drawing(STROKES[label], random) for label in labels]), labels
