"""Measure the network that draws in one stroke, against drawings that it has not seen.

    python -m models.recipes.diffusion.evaluate_strokes [--each 20] [--steps 25]

prints one JSON line. Right: the nearest of 20,000 training drawings (root mean square over the points) is of the class
that was asked for; beside it how often that is so of new drawings by the program. Spread: the standard deviation of the
points within a class, as a share of that of new drawings: 1 is as various, 0 would be always the same. Farther: the
share of drawings that are farther from all training drawings than 95 of 100 new ones are. Copies: nearer than 5 of 100.
"""

import argparse
import json
from collections.abc import Sequence

import numpy as np

from models import runtime
from models.diffusion.stroke_classes import STROKES
from models.diffusion.strokes import NAME, denoise
from models.diffusion.strokes_network import StrokesNetwork, load
from models.recipes.diffusion.drawings import drawings
from models.recipes.diffusion.strokes import DRAWINGS


def nearest(points: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of `[N, 64, 2]` the place in `known [M, 64, 2]` of the nearest one, and how far it is (root mean square)."""
    ours, theirs = points.reshape(len(points), -1), known.reshape(len(known), -1)
    squares = (ours**2).sum(1)[:, None] - 2 * ours @ theirs.T + (theirs**2).sum(1)
    place = squares.argmin(1)
    return place, np.sqrt(squares[np.arange(len(ours)), place].clip(0) / ours.shape[1])


def spread(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Standard deviation of the points within each class, `[classes]`."""
    return np.array([points[labels == one].std(axis=0).mean() for one in range(len(STROKES))])


def measure(network: StrokesNetwork, each: int, steps: int) -> dict[str, object]:
    """All figures, shares in 0..1."""
    known, known_labels = drawings(DRAWINGS, seed=0)
    new, labels = drawings(each * len(STROKES), seed=2)
    made = denoise(network, [STROKES[one] for one in labels], steps, seed=0)[0][-1]
    (near, far), (near_new, far_new) = nearest(made, known), nearest(new, known)
    low, high = np.percentile(far_new, [5, 95])
    right = known_labels[near] == labels
    return {
        "drawings": len(made),
        "right": round(float(right.mean()), 4),
        "right_of_new": round(float((known_labels[near_new] == labels).mean()), 4),
        "worst": worst(right, labels),
        "spread": round(float((spread(made, labels) / spread(new, labels)).mean()), 4),
        "distance": round(float(np.median(far)), 4),
        "distance_of_new": round(float(np.median(far_new)), 4),
        "farther": round(float((far > high).mean()), 4),
        "copies": round(float((far < low).mean()), 4),
    }


def worst(right: np.ndarray, labels: np.ndarray) -> Sequence[object]:
    """The class that is right least often, and how often."""
    shares = [float(right[labels == one].mean()) for one in range(len(STROKES))]
    return [STROKES[int(np.argmin(shares))], round(min(shares), 4)]


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Measure the network that draws in one stroke.")
    parser.add_argument("--each", type=int, default=20, help="drawings of each class")
    parser.add_argument("--steps", type=int, default=25)
    options = parser.parse_args()
    network = runtime.load(NAME, load).network
    print(json.dumps({"model": NAME, **vars(options), **measure(network, options.each, options.steps)}))


if __name__ == "__main__":
    main()
