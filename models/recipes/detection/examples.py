"""Makes the example video: sprites that were not trained on wander about, their boxes known in every frame.

    python -m models.recipes.detection.examples --data DIR [--seed S]

DIR holds `sprites.npz` as `models.recipes.detection.train` reads it. Writes `detection-video.mp4` and
`detection-video.json` (`labels`, and `boxes_xyxy` for each frame, in pixels) to assets/media.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from models import weights
from models.recipes.detection.scenes import Cutout, is_held_out, load_sprites, paste, procedural_background
from models.video import FRAMES_A_SECOND, VideoWriter

MEDIA = weights.EMBEDDED.parent / "media"
NAME = "detection-video"
SECONDS = 5
HEIGHT, WIDTH = 480, 640
SIZE = 130
WAYS = {  # label: centre at the beginning and at the end, as shares of the picture
    "book": ((0.2, 0.24), (0.76, 0.22)),
    "weapon": ((0.84, 0.5), (0.84, 0.62)),
    "tree": ((0.16, 0.66), (0.46, 0.5)),
    "potion": ((0.5, 0.84), (0.5, 0.8)),
}


def wander(cutouts: dict[str, Cutout], seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Frames (HEIGHT, WIDTH, 3) uint8 and their boxes (frames, things, 4) xyxy in pixels, in the order of `WAYS`."""
    background = procedural_background(np.random.default_rng([20260103, seed]), HEIGHT, WIDTH)
    enlarged = [_enlarge(cutouts[label].rgba) for label in WAYS]
    frames, boxes = [], []
    for share in np.linspace(0, 1, SECONDS * FRAMES_A_SECOND):
        image = background.copy()
        eased = share * share * (3 - 2 * share)
        boxes.append([_put(image, rgba, way, eased) for rgba, way in zip(enlarged, WAYS.values(), strict=True)])
        frames.append(image)
    return frames, np.array(boxes)


def _enlarge(rgba: np.ndarray) -> np.ndarray:
    factor = SIZE / max(rgba.shape[:2])
    width, height = (round(side * factor) for side in (rgba.shape[1], rgba.shape[0]))
    return np.asarray(Image.fromarray(rgba).resize((width, height), Image.Resampling.NEAREST))


def _put(image: np.ndarray, rgba: np.ndarray, way: tuple[tuple[float, float], ...], share: float) -> np.ndarray:
    x, y = np.array(way[0]) * (1 - share) + np.array(way[1]) * share
    return paste(image, rgba, round(x * WIDTH - rgba.shape[1] / 2), round(y * HEIGHT - rgba.shape[0] / 2))


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with sprites.npz")
    parser.add_argument("--seed", type=int, default=1, help="which sprites and which background")
    options = parser.parse_args()
    rng = np.random.default_rng([20260103, options.seed])
    held_out = [cutout for cutout in load_sprites(options.data / "sprites.npz") if is_held_out(cutout.key)]
    pools = {label: [cutout for cutout in held_out if cutout.label == label] for label in WAYS}
    frames, boxes = wander({label: pool[rng.integers(len(pool))] for label, pool in pools.items()}, options.seed)
    writer = VideoWriter(MEDIA / f"{NAME}.mp4", (HEIGHT, WIDTH))
    for index, frame in enumerate(frames):
        writer.write(frame, index / FRAMES_A_SECOND)
    writer.close()
    truth = {"labels": list(WAYS), "boxes_xyxy": boxes.tolist()}
    (MEDIA / f"{NAME}.json").write_text(json.dumps(truth))


if __name__ == "__main__":
    main()
