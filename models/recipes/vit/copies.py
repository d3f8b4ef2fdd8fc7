"""How well copies among a visitor's pictures are told from other pictures: frames as webcams make them.

    python -m models.recipes.vit.copies --data FOLDER

Of photos (`everyday.parquet`) and cut-out hands (`hand_digits.parquet`) it makes pairs of frames, and prints for each
way in which two frames differ the share of pairs that `models.vision.alike` calls copies.
"""

import argparse
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageEnhance

from models.vision.alike import kinds

PAIRS = 60
FRAME, SQUARE = (640, 480), 256
Random = np.random.Generator
Change = Callable[[Image.Image, Random], Image.Image]


def camera(image: Image.Image, random: Random, *, noise: float = 6.0) -> np.ndarray:
    """What a page sends of a frame: sensor noise, the middle square, 256 x 256 pixels, JPEG. `(256, 256, 3)` uint8."""
    pixels = np.asarray(image.convert("RGB"), np.float32)
    pixels = pixels + random.normal(0, noise, pixels.shape)
    frame = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    side = min(frame.size)
    left, top = (frame.width - side) // 2, (frame.height - side) // 2
    square = frame.crop((left, top, left + side, top + side)).resize((SQUARE, SQUARE), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    square.save(buffer, "JPEG", quality=int(random.integers(60, 90)))
    return np.asarray(Image.open(buffer).convert("RGB"))


def lit(low: float, high: float, tint: float = 0.0) -> Change:
    """Brighter or darker, by a factor from `low` to `high`; red and blue apart by up to `tint`."""

    def change(image: Image.Image, random: Random) -> Image.Image:
        brighter = ImageEnhance.Brightness(image).enhance(random.uniform(low, high))
        if not tint:
            return brighter
        red, green, blue = brighter.split()
        warm = 1 + random.uniform(-tint, tint)
        table = [[min(255, round(value * factor)) for value in range(256)] for factor in (warm, 1 / warm)]
        return Image.merge("RGB", (red.point(table[0]), green, blue.point(table[1])))

    return change


def moved(shift: float, degrees: float, zoom: float) -> Change:
    """The camera moved: by up to a share of the width, turned, nearer or farther."""

    def change(image: Image.Image, random: Random) -> Image.Image:
        angle = np.deg2rad(random.choice([-1, 1]) * random.uniform(0.5, 1) * degrees)
        scale = 1 + random.choice([-1, 1]) * random.uniform(0.5, 1) * zoom
        along = random.uniform(0, 2 * np.pi)
        by = shift * image.width * random.uniform(0.5, 1)
        a, b = np.cos(angle) / scale, np.sin(angle) / scale
        x, y = image.width / 2, image.height / 2
        to = (by * np.cos(along), by * np.sin(along))
        matrix = (a, b, x - a * x - b * y + to[0], -b, a, y + b * x - a * y + to[1])
        return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)

    return change


SAME: dict[str, Change] = {
    "the next frame, sensor noise": moved(0.003, 0.1, 0.002),
    "light that flickers, another white balance": lit(0.75, 1.25, tint=0.06),
    "a dark room, half an exposure less": lit(0.35, 0.6),
    "held in a steady hand": moved(0.01, 0.7, 0.01),
    "held in a hand that shakes": moved(0.025, 2, 0.02),
}


def photos(data: Path, random: Random, count: int) -> list[Image.Image]:
    """Photos as frames of 640 x 480."""
    table = pq.read_table(data / "everyday.parquet", columns=["jpeg"])["jpeg"]
    places = random.choice(len(table), count, replace=False)
    opened = (Image.open(io.BytesIO(table[int(place)].as_py())).convert("RGB") for place in places)
    return [image.resize(FRAME, Image.Resampling.BILINEAR) for image in opened]


def hands(data: Path, random: Random, count: int) -> list[Image.Image]:
    """Cut-out hands, RGBA, about half as high as a frame."""
    table = pq.read_table(data / "hand_digits.parquet", columns=["jpeg", "mask_png", "box_xyxy"])
    cut = []
    for place in random.choice(len(table), count, replace=False):
        row = {name: table[name][int(place)].as_py() for name in table.column_names}
        image = Image.open(io.BytesIO(row["jpeg"])).convert("RGB")
        image.putalpha(Image.open(io.BytesIO(row["mask_png"])).convert("L").resize(image.size))
        hand = image.crop(row["box_xyxy"])
        scale = FRAME[1] * random.uniform(0.45, 0.6) / hand.height
        cut.append(hand.resize((max(1, round(hand.width * scale)), max(1, round(hand.height * scale)))))
    return cut


def before(background: Image.Image, hand: Image.Image, x: float) -> Image.Image:
    """A frame with a hand in front of it, its middle at a share `x` of the width."""
    frame = background.copy()
    frame.paste(hand, (round(x * frame.width - hand.width / 2), (frame.height - hand.height) // 2), hand)
    return frame


def pairs(data: Path, seed: int = 0) -> Iterator[tuple[str, bool, np.ndarray, np.ndarray]]:
    """(how they differ, whether they are copies, frame, other frame)."""
    random = np.random.default_rng(seed)
    scenes, shown = photos(data, random, PAIRS), hands(data, random, 2 * PAIRS)
    for place, scene in enumerate(scenes):
        first = camera(scene, random)
        for name, change in SAME.items():
            yield name, True, first, camera(change(scene, random), random, noise=10 if "dark" in name else 6)
        yield "another photo", False, first, camera(scenes[place - 1], random)
        hand, other = shown[2 * place : 2 * place + 2]
        held = camera(before(scene, hand, 0.5), random)
        yield "another hand before the same background", False, held, camera(before(scene, other, 0.5), random)
        yield "the hand aside, an eighth of the width", False, held, camera(before(scene, hand, 0.62), random)
        yield "the hand gone", False, held, first


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    called: dict[tuple[str, bool], list[bool]] = {}
    for name, same, one, other in pairs(parser.parse_args().data):
        called.setdefault((name, same), []).append(bool(kinds([one, other])[1] == 0))
    for (name, same), answers in called.items():
        print(f"{name:45} {'copies' if same else 'others'}  called copies: {np.mean(answers):.1%} of {len(answers)}")


if __name__ == "__main__":
    main()
