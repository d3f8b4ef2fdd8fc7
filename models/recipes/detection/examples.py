"""Makes the example video and picture: drawn things that were not trained on, where they are known.

    python -m models.recipes.detection.examples --data DIR [--seed S] [--hand]

DIR holds `sprites.npz` as `models.recipes.detection.train` reads it. Writes `detection-video.mp4`, sprites that wander
about, and `detection-video.json` (`labels`, and `boxes_xyxy` for each frame, in pixels) to assets/media. With `--hand`
only `detection-hand.png`, a hand that signs a three with a card and sprites, `detection-hand.json`, and what can be
held up to the camera, side by side: `signs.png` and `cards.png`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from models import weights
from models.recipes.detection.scenes import Cutout, is_held_out, load_sprites, paste, procedural_background
from models.recipes.detection.signs import card, hand
from models.video import FRAMES_A_SECOND, VideoWriter

MEDIA = weights.EMBEDDED.parent / "media"
NAME = "detection-video"
SECONDS = 5
HEIGHT, WIDTH = 480, 640
SIZE = 130
STILL_SEED = 54
CARDS = (("nine", "diamond"), ("ten", "heart"), ("ace", "spade"), ("ace", "heart"))
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


def hand_scene(cutouts: dict[str, Cutout], seed: int) -> tuple[np.ndarray, dict[str, list[int]]]:
    """A picture (HEIGHT, WIDTH, 3) uint8 and the box of each thing in it, xyxy in pixels."""
    image = procedural_background(np.random.default_rng([20260103, seed]), HEIGHT, WIDTH).copy()
    ace = Image.fromarray(card("ace", "spade", 170)).rotate(-10, Image.Resampling.BICUBIC, expand=True)
    things = {"digit 3": (hand(3, 230), 30, 40), "ace": (np.asarray(ace), 330, 40)}
    things |= {
        label: (_enlarge(cutouts[label].rgba), left, top)
        for label, left, top in (("potion", 60, 330), ("book", 260, 330), ("weapon", 460, 320))
    }
    return image, {label: [int(side) for side in paste(image, *thing)] for label, thing in things.items()}


def _sheet(pictures: list[np.ndarray], path: Path) -> None:
    """Pictures of one height side by side."""
    Image.fromarray(np.concatenate(pictures, axis=1)).save(path, optimize=True)


def _draw_stills(held_out: list[Cutout]) -> None:
    rng = np.random.default_rng([20260103, STILL_SEED])
    chosen = {}
    for label in ("potion", "book", "weapon"):
        pool = [cutout for cutout in held_out if cutout.label == label]
        chosen[label] = pool[rng.integers(len(pool))]
    image, boxes = hand_scene(chosen, STILL_SEED)
    Image.fromarray(image).save(MEDIA / "detection-hand.png", optimize=True)
    (MEDIA / "detection-hand.json").write_text(json.dumps({"labels": list(boxes), "boxes_xyxy": list(boxes.values())}))
    _sheet([hand(digit, 96) for digit in range(10)], MEDIA / "signs.png")
    _sheet([card(rank, suit, 132) for rank, suit in CARDS], MEDIA / "cards.png")


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with sprites.npz")
    parser.add_argument("--seed", type=int, default=1, help="which sprites and which background")
    parser.add_argument("--hand", action="store_true", help="the picture with the hand and the sheets only")
    options = parser.parse_args()
    rng = np.random.default_rng([20260103, options.seed])
    held_out = [cutout for cutout in load_sprites(options.data / "sprites.npz") if is_held_out(cutout.key)]
    if options.hand:
        _draw_stills(held_out)
        return
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
