"""Photos with captions, seen once by the network's eyes: several views of each, kept as 16-bit numbers.

    python -m models.recipes.sequences.caption.photos --data PHOTOS.parquet --out DIR [--views N]

The file has the columns `key`, `jpeg` and `captions` (for instance of COCO: cocodataset.org). One photo in eight, by
the CRC-32 of its key, is held out; one in twenty-four chooses when training ends. Views 0 and 1 are the whole photo,
the others windows of it; odd views are mirrored.
"""

import argparse
import hashlib
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from models import runtime
from models.sequences.caption.photo_eyes import CNN, VIT, see
from models.sequences.caption.words import mirrored, words_of
from models.vision import cnn, library

Part = Literal["train", "validation", "held out", "shown"]
HELD_OUT, VALIDATION = 8, 24
SHOWN = ("000000158945", "000000293300", "000000309173", "000000084477")
"""How the keys of COCO's photos end that the app shows as examples (`assets/media`): nothing is learned from them."""
BATCH = 16
SMALLEST_WINDOW = 0.72
STRETCH = 0.07


@dataclass(frozen=True)
class Photo:
    """A photo still compressed and what people wrote about it. name: of the file's bytes."""

    key: str
    jpeg: bytes
    captions: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """The first half of the SHA-256 of its bytes: what `training_photos.json` lists."""
        return hashlib.sha256(self.jpeg).hexdigest()[:32]

    @property
    def part(self) -> Part:
        """What the photo is for."""
        number = zlib.crc32(self.key.encode())
        if self.key.endswith(SHOWN):
            return "shown"
        if number % HELD_OUT == 0:
            return "held out"
        return "validation" if number % VALIDATION == 1 else "train"

    def pixels(self) -> np.ndarray:
        """Decoded: (height, width, 3) uint8."""
        return np.asarray(Image.open(io.BytesIO(self.jpeg)).convert("RGB"))


def read_photos(path: Path) -> list[Photo]:
    """The photos of a file that have captions; without a column `key` the bytes are the key."""
    rows = pq.read_table(path).to_pylist()
    photos = []
    for row in rows:
        captions = tuple(tuple(words_of(caption)) for caption in row["captions"] or ())
        if captions:
            key = str(row.get("key") or hashlib.sha256(row["jpeg"]).hexdigest())
            photos.append(Photo(key, row["jpeg"], captions))
    return photos


def view_of(photo: Photo, view: int) -> np.ndarray:
    """The pixels (height, width, 3) uint8 of a view; the same whenever it is asked for."""
    pixels = photo.pixels()
    if view >= 2:
        pixels = _window(pixels, np.random.default_rng((zlib.crc32(photo.key.encode()), view)))
    return pixels[:, ::-1].copy() if view % 2 else pixels


def _window(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = pixels.shape[:2]
    side = rng.uniform(SMALLEST_WINDOW, 1) ** 0.5
    stretch = rng.uniform(1 - STRETCH, 1 + STRETCH)
    wide, high = (min(1.0, part) for part in (side * stretch, side / stretch))
    left, top = round(rng.uniform(0, 1 - wide) * width), round(rng.uniform(0, 1 - high) * height)
    return np.ascontiguousarray(pixels[top : top + round(high * height), left : left + round(wide * width)])


def captions_of(photo: Photo, view: int) -> list[list[str]]:
    """What people wrote, with the sides changed where the view is mirrored."""
    return [mirrored(caption) if view % 2 else list(caption) for caption in photo.captions]


def features_of(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """What the eyes see of pictures: (N, cells, features) float16."""
    eyes = runtime.load(VIT, library.load).network, runtime.load(CNN, cnn.load).network
    seen = []
    for first in range(0, len(pictures), BATCH):
        with runtime.autocast():
            seen.append(see(*eyes, list(pictures[first : first + BATCH])).float().half().numpy())
    return np.concatenate(seen)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Keep what the eyes see of photos.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--views", type=int, default=6)
    arguments = parser.parse_args()
    photos = read_photos(arguments.data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for view in range(arguments.views):
        path = arguments.out / f"view{view}.npy"
        if not path.exists():
            parts = [features_of([view_of(p, view) for p in photos[at : at + 64]]) for at in range(0, len(photos), 64)]
            partial = path.with_name(f"partial-{path.name}")
            np.save(partial, np.concatenate(parts))
            partial.replace(path)
            print(f"view {view} kept", flush=True)


if __name__ == "__main__":
    main()
