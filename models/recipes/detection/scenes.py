"""How detection data is made: cut-outs with known classes are pasted on backgrounds, so every box is exact.

Three families of objects: hands that sign a digit, playing cards, 32 x 32 game sprites. Their public sources are named
in the model card, `assets/weights/rf-detr-s14-objects/README.md`.
"""

import io
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.detection.classes import SPRITES

SPRITE_SOURCES = {"scroll_book": "book"} | {name: name for name in SPRITES if name != "book"}
# Drawings that are not what their folder is called, by `sprite_key`: signs for what an item does, scrolls, bones,
# heaps, machines and columns, weapons that a statue holds, pieces of tentacles and vines, monsters that look like
# another kind.
MISPLACED = re.compile(
    r"\w+ i-"
    r"|book (scroll|blank|buckle|.*parchment)"
    r"|food bone"
    r"|statue (overlay|pile|stack|block|.*(column|pillar|spire|cannon|mortar|turret|sawblade|machine))"
    r"|monster (.*tentacle( |$)|vine |.*(statue|tome|treant|bush|plant|patch)|spectral (axe|mace|spear|staff|whip))"
)
MIN_SPRITE_EXTENT = 18
HELD_OUT_SHARE = 8
MAX_COVERED = 0.2
MIN_VISIBLE = 0.8


@dataclass(frozen=True)
class Scene:
    """A picture and what is on it: `image` (H, W, 3) uint8, `boxes_xyxy` (N, 4) float32 in pixels, N `labels`.

    `annotated`: the classes that were looked for in it; None: every class that there is.
    """

    image: np.ndarray
    boxes_xyxy: np.ndarray
    labels: tuple[str, ...]
    annotated: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.boxes_xyxy.shape != (len(self.labels), 4):
            raise ValueError(f"{len(self.labels)} labels but boxes of shape {self.boxes_xyxy.shape}")


@dataclass(frozen=True)
class Cutout:
    """One object without its background: `rgba` (h, w, 4) uint8, straight alpha, and the name it is known by."""

    rgba: np.ndarray
    label: str
    family: str
    key: str


@dataclass(frozen=True)
class Photo:
    """A photograph still compressed, with its boxes (empty for a background)."""

    jpeg: bytes
    boxes_xyxy: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    labels: tuple[str, ...] = ()
    annotated: frozenset[str] | None = None
    key: str = ""

    def open(self) -> Scene:
        """Decode the photograph."""
        image = np.asarray(Image.open(io.BytesIO(self.jpeg)).convert("RGB"))
        return Scene(image, self.boxes_xyxy, self.labels, self.annotated)


def is_held_out(key: str) -> bool:
    """Whether an example is never trained on: one in eight, by the CRC-32 of its key."""
    return zlib.crc32(key.encode()) % HELD_OUT_SHARE == 0


def load_hands(path: Path) -> list[Cutout]:
    """Masked hands from a parquet with columns `key, digit, box_xyxy, jpeg, mask_png`, cropped to their boxes."""
    return [_hand(row) for row in read_rows(path)]


def load_card_faces(path: Path) -> list[Cutout]:
    """Card faces of the six ranks, laid on a white card, from a parquet with columns `file, png`."""
    rows = [(row, _rank(row["file"])) for row in read_rows(path)]
    return [Cutout(_card(row["png"]), rank, "card", row["file"]) for row, rank in rows if rank]


def load_sprites(path: Path) -> list[Cutout]:
    """Sprites of the nine classes from an npz with `rgba, cls, name`, cropped to what is opaque.

    Left out are tiny icons and what is `MISPLACED`.
    """
    with np.load(path) as file:
        rgba, classes, names = file["rgba"], file["cls"].tolist(), file["name"].tolist()
    found = []
    for pixels, source, name in zip(rgba, classes, names, strict=True):
        label = SPRITE_SOURCES.get(source)
        if label is None or MISPLACED.match(key := sprite_key(f"{label} {name}")):
            continue
        left, top, right, bottom = opaque_box(pixels)
        if max(right - left, bottom - top) >= MIN_SPRITE_EXTENT:
            found.append(Cutout(pixels[top:bottom, left:right], label, "sprite", key))
    return found


def sprite_key(name: str) -> str:
    """The name without number and edition: variants of one drawing are trained on or held out together."""
    return re.sub(r"(_?\d+|_new|_old|\s)+", " ", name.lower()).strip()


def load_photos(path: Path, split: str | None = None) -> list[Photo]:
    """Photographs from a parquet with a column `jpeg` and, where it has them, `labels, boxes_xyxy, split`."""
    rows = [row for row in read_rows(path) if split is None or row["split"] == split]
    return [_photo(row) for row in rows]


def opaque_box(rgba: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels with alpha of at least 128; zeros if there are none."""
    opaque = rgba[..., 3] >= 128
    columns, rows = np.flatnonzero(opaque.any(0)), np.flatnonzero(opaque.any(1))
    if not len(columns):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def procedural_background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8: clouds of random colour grids, at times with stripes or tiles over them."""
    image = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((1, 1.0), (3, 0.6), (8, 0.3), (40, 0.15)):
        grid = rng.uniform(0, 255, (cells + 1, cells + 1, 3)).astype(np.uint8)
        cloud = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        image += weight * rng.uniform(0, 1) * (np.asarray(cloud, np.float32) - 127)
    image += rng.uniform(20, 235, 3).astype(np.float32)
    if rng.random() < 0.4:
        image += _pattern(rng, height, width)
    return np.clip(image, 0, 255).astype(np.uint8)


def _pattern(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(8, 60)
    stripes = ((x * np.cos(angle) + y * np.sin(angle)) // period) % 2
    if rng.random() < 0.5:
        stripes = (stripes + (y * np.cos(angle) - x * np.sin(angle)) // period) % 2
    return stripes[..., None] * rng.uniform(-70, 70, 3).astype(np.float32)


def warp(cutout: Cutout, longest: float, rng: np.random.Generator) -> np.ndarray:
    """The cut-out with its longer side about `longest` pixels, turned, in slight perspective and other light.

    Returns `(h, w, 4)` uint8 cropped to what is opaque.
    """
    image = Image.fromarray(cutout.rgba)
    if rng.random() < 0.5 and cutout.family != "card":
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    factor = longest / max(image.size)
    size = (max(2, round(image.width * factor)), max(2, round(image.height * factor)))
    image = image.resize(size, Image.Resampling.NEAREST if cutout.family == "sprite" else Image.Resampling.BILINEAR)
    spread = {"hand": 25.0, "card": 180.0, "sprite": 12.0}[cutout.family]
    image = _perspective(image, rng.uniform(-spread, spread), 0.12 if cutout.family == "card" else 0.05, rng)
    rgba = relight(np.asarray(image), rng)
    left, top, right, bottom = opaque_box(rgba)
    return rgba[top:bottom, left:right]


def _perspective(image: Image.Image, degrees: float, tilt: float, rng: np.random.Generator) -> Image.Image:
    """Turn about the centre and move each corner by up to `tilt` of the size, by a homography."""
    width, height = image.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = (corners - corners.mean(0)) @ turn + rng.uniform(-tilt, tilt, (4, 2)) * min(width, height)
    moved -= moved.min(0)
    size = np.ceil(moved.max(0)).astype(int)
    return image.transform(
        (int(size[0]), int(size[1])),
        Image.Transform.PERSPECTIVE,
        homography(moved, corners).tolist(),
        Image.Resampling.BILINEAR,
    )


def homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The 8 coefficients (a, b, c, d, e, f, g, h) that take four points `source` (4, 2) to `target` (4, 2).

    target_x = (a x + b y + c) / (g x + h y + 1), target_y = (d x + e y + f) / (g x + h y + 1).
    """
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    return np.linalg.solve(np.array(rows), target.reshape(8))


def relight(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random gain for all and each colour channel, and a small offset; alpha stays."""
    gain = rng.uniform(0.65, 1.2) * rng.uniform(0.9, 1.1, 3)
    lit = pixels.copy()
    lit[..., :3] = np.clip(pixels[..., :3] * gain + rng.uniform(-15, 15), 0, 255)
    return lit


def paste(image: np.ndarray, rgba: np.ndarray, left: int, top: int) -> np.ndarray:
    """Lay `rgba` over `image` in place, cut off at the edges. Returns the box (4,) float32 of its visible part."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + rgba.shape[1], width), min(top + rgba.shape[0], height)
    piece = rgba[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32)
    alpha = piece[..., 3:] / 255
    image[y0:y1, x0:x1] = np.rint(piece[..., :3] * alpha + image[y0:y1, x0:x1] * (1 - alpha)).astype(np.uint8)
    box = opaque_box(piece)
    return np.array([box[0] + x0, box[1] + y0, box[2] + x0, box[3] + y0], np.float32)


def compose(background: np.ndarray, cutouts: Sequence[Cutout], rng: np.random.Generator) -> Scene:
    """Paste the cut-outs where they hide no other by more than `MAX_COVERED`; those that find no place are left out."""
    image = background.copy()
    height, width = image.shape[:2]
    boxes: list[np.ndarray] = []
    labels: list[str] = []
    share = {"hand": (0.28, 0.75), "card": (0.28, 0.75), "sprite": (0.15, 0.42)}
    for cutout in cutouts:
        low, high = share[cutout.family]
        rgba = warp(cutout, rng.uniform(low, high) * min(height, width) * 0.9 ** len(boxes), rng)
        spot = _free_spot(rgba.shape[:2], (height, width), boxes, rng)
        if rgba.size and spot is not None:
            boxes.append(paste(image, rgba, *spot))
            labels.append(cutout.label)
    return Scene(image, np.stack(boxes) if boxes else np.zeros((0, 4), np.float32), tuple(labels))


def _free_spot(
    size: tuple[int, int], canvas: tuple[int, int], boxes: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[int, int] | None:
    """Left and top of a place for `size` (h, w) that covers little of the boxes and is mostly on the canvas."""
    over_y, over_x = (1 - MIN_VISIBLE**0.5) * size[0], (1 - MIN_VISIBLE**0.5) * size[1]
    for _ in range(20):
        top = rng.uniform(-over_y, max(canvas[0] - size[0] + over_y, 0))
        left = rng.uniform(-over_x, max(canvas[1] - size[1] + over_x, 0))
        box = np.array([left, top, left + size[1], top + size[0]])
        if all(covered(other, box) <= MAX_COVERED and covered(box, other) <= 0.5 for other in boxes):
            return round(left), round(top)
    return None


def covered(box: np.ndarray, by: np.ndarray) -> float:
    """Share of `box`'s area that lies inside `by`; both (4,) xyxy."""
    width, height = np.minimum(box[2:], by[2:]) - np.maximum(box[:2], by[:2])
    return max(0.0, width) * max(0.0, height) / max(float(np.prod(box[2:] - box[:2])), 1e-9)


def vary_photo(scene: Scene, rng: np.random.Generator) -> Scene:
    """Turn a photograph by quarter circles, cut a random window out of it and change its light.

    An object stays if at least `MIN_VISIBLE` of its box is in the window.
    """
    scene = _quarter_turns(scene, int(rng.integers(4)))
    height, width = scene.image.shape[:2]
    zoom = rng.uniform(0.55, 1.0)
    window_h, window_w = round(height * zoom * rng.uniform(0.85, 1.0)), round(width * zoom)
    left, top = rng.integers(width - window_w + 1), rng.integers(height - window_h + 1)
    window = np.array([left, top, left + window_w, top + window_h], np.float32)
    visible = np.array([covered(box, window) for box in scene.boxes_xyxy])
    if np.any((visible > 0.05) & (visible < MIN_VISIBLE)):
        return Scene(relight(scene.image, rng), scene.boxes_xyxy, scene.labels)
    kept = np.flatnonzero(visible >= MIN_VISIBLE)
    boxes = np.clip(scene.boxes_xyxy[kept] - np.tile(window[:2], 2), 0, [window_w, window_h] * 2)
    image = relight(scene.image[top : top + window_h, left : left + window_w], rng)
    return Scene(image, boxes.astype(np.float32), tuple(scene.labels[i] for i in kept))


def from_afar(scene: Scene, factor: float, background: np.ndarray, rng: np.random.Generator) -> Scene:
    """The scene `factor` times smaller, somewhere on `background` (H, W, 3)."""
    height, width = background.shape[:2]
    size = (min(width, round(scene.image.shape[1] / factor)), min(height, round(scene.image.shape[0] / factor)))
    left, top = int(rng.integers(width - size[0] + 1)), int(rng.integers(height - size[1] + 1))
    image = background.copy()
    small = Image.fromarray(scene.image).resize(size, Image.Resampling.BOX)
    image[top : top + size[1], left : left + size[0]] = np.asarray(small)
    scale = np.array([size[0] / scene.image.shape[1], size[1] / scene.image.shape[0]] * 2)
    return Scene(image, (scene.boxes_xyxy * scale + [left, top] * 2).astype(np.float32), scene.labels)


def _quarter_turns(scene: Scene, turns: int) -> Scene:
    """`turns` times 90 degrees counter-clockwise: (x, y) goes to (y, width - x)."""
    image, boxes = scene.image, scene.boxes_xyxy
    for _ in range(turns):
        width = image.shape[1]
        boxes = np.stack([boxes[:, 1], width - boxes[:, 2], boxes[:, 3], width - boxes[:, 0]], 1)
        image = np.rot90(image)
    return Scene(np.ascontiguousarray(image), boxes, scene.labels)


@dataclass(frozen=True)
class SceneMaker:
    """Endless scenes from a seed: the same seed gives the same scene.

    `cutouts` by family and class; `photos` are real pictures with boxes; `backgrounds` may be empty (procedural only).
    A family is drawn by `family_shares`; a class of it in proportion to its number of cut-outs to the power of
    `class_exponent` (0: evenly). `recolour_share` of the sprites have other colours. `afar_share` of the scenes are
    seen from 1.2 to 2.5 times as far.
    """

    cutouts: dict[str, dict[str, list[Cutout]]]
    photos: Sequence[Photo] = ()
    backgrounds: Sequence[Photo] = ()
    photo_share: float = 0.25
    afar_share: float = 0.0
    class_exponent: float = 0.0
    recolour_share: float = 0.0
    family_shares: Mapping[str, float] = field(default_factory=lambda: {"hand": 0.45, "card": 0.25, "sprite": 0.3})
    max_objects: int = 5

    def scene(self, seed: int) -> Scene:
        """Scene number `seed`."""
        rng = np.random.default_rng([20260101, seed])
        scene = self._near(rng)
        if rng.random() < self.afar_share:
            background = self.background(rng, *scene.image.shape[:2])
            return from_afar(scene, rng.uniform(1.2, 2.5), background, rng)
        return scene

    def _near(self, rng: np.random.Generator) -> Scene:
        if self.photos and rng.random() < self.photo_share:
            return vary_photo(self.photos[int(rng.integers(len(self.photos)))].open(), rng)
        count = int(rng.integers(1, self.max_objects + 1))
        return self.compose([self.draw(rng) for _ in range(count)], rng)

    def compose(self, cutouts: Sequence[Cutout], rng: np.random.Generator) -> Scene:
        """The given cut-outs on a random background of 4:3, 3:4 or square shape, with the faults of a camera."""
        height, width = ((288, 384), (384, 288), (320, 320))[rng.choice(3, p=(0.5, 0.2, 0.3))]
        scene = compose(self.background(rng, height, width), cutouts, rng)
        return Scene(_camera(scene.image, rng), scene.boxes_xyxy, scene.labels)

    def draw(self, rng: np.random.Generator) -> Cutout:
        """A random cut-out of a random class of a random family."""
        families = sorted(self.cutouts)
        by_class = self.cutouts[families[_weighted([self.family_shares[family] for family in families], rng)]]
        labels = sorted(by_class)
        pool = by_class[labels[_weighted([len(by_class[label]) ** self.class_exponent for label in labels], rng)]]
        cutout = pool[rng.integers(len(pool))]
        if cutout.family == "sprite" and self.recolour_share and rng.random() < self.recolour_share:
            return recolour(cutout, rng)
        return cutout

    def background(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A part of a photograph, or (one in three, or without photographs) a procedural one."""
        if not self.backgrounds or rng.random() < 0.33:
            return procedural_background(rng, height, width)
        image = Image.fromarray(self.backgrounds[int(rng.integers(len(self.backgrounds)))].open().image)
        share = rng.uniform(0.4, 1.0)
        w, h = image.width * share, image.height * share
        left, top = rng.uniform(0, image.width - w), rng.uniform(0, image.height - h)
        image = image.resize((width, height), Image.Resampling.BILINEAR, box=(left, top, left + w, top + h))
        return relight(np.asarray(image), rng)


def recolour(cutout: Cutout, rng: np.random.Generator) -> Cutout:
    """The cut-out with all hues turned by one random angle: grey stays grey."""
    hsv = np.array(Image.fromarray(cutout.rgba[..., :3]).convert("HSV"))
    hsv[..., 0] += rng.integers(256, dtype=np.uint8)
    rgb = np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))
    return replace(cutout, rgba=np.concatenate([rgb, cutout.rgba[..., 3:]], -1))


def _weighted(weights: Sequence[float], rng: np.random.Generator) -> int:
    shares = np.array(weights)
    return int(rng.choice(len(shares), p=shares / shares.sum()))


def by_class(cutouts: Sequence[Cutout]) -> dict[str, dict[str, list[Cutout]]]:
    """`{family: {label: [cut-outs]}}`."""
    grouped: dict[str, dict[str, list[Cutout]]] = defaultdict(lambda: defaultdict(list))
    for cutout in cutouts:
        grouped[cutout.family][cutout.label].append(cutout)
    return {family: dict(labels) for family, labels in grouped.items()}


def scenes_with_each(cutouts: Sequence[Cutout], backgrounds: Sequence[Photo], seed: int) -> Iterator[Scene]:
    """Scenes of one to three cut-outs in which each of `cutouts` is used once, in an order drawn from `seed`."""
    rng = np.random.default_rng([20260102, seed])
    order = rng.permutation(len(cutouts))
    maker = SceneMaker(by_class(cutouts), backgrounds=backgrounds)
    start = 0
    while start < len(order):
        count = int(rng.integers(1, 4))
        yield from _with_all(maker, [cutouts[i] for i in order[start : start + count]], rng)
        start += count


def _with_all(maker: SceneMaker, cutouts: Sequence[Cutout], rng: np.random.Generator) -> list[Scene]:
    """One scene that holds all the cut-outs, or one each where that does not work out."""
    for _ in range(10):
        scene = maker.compose(cutouts, rng)
        if len(scene.labels) == len(cutouts):
            return [scene]
    return [maker.compose([cutout], rng) for cutout in cutouts]


def training_maker(folder: Path) -> SceneMaker:
    """The scenes of the recipe: everything but the held-out part of the files in `folder`.

    Sprites come most often, as the same pictures of hands and cards teach more than one 32 x 32 drawing in 2,163 does,
    and common kinds of them more often than rare ones.
    """
    cutouts = [c for c in load_cutouts(folder) if c.family == "card" or not is_held_out(c.key)]
    return SceneMaker(
        by_class(cutouts),
        photos=load_photos(folder / "playing_cards.parquet", "train"),
        backgrounds=load_photos(folder / "grocery_store.parquet", "train"),
        photo_share=0.2,
        afar_share=0.3,
        class_exponent=0.3,
        recolour_share=0.4,
        family_shares={"hand": 0.3, "card": 0.2, "sprite": 0.5},
    )


def held_out_maker(folder: Path) -> SceneMaker:
    """Scenes of held-out hands and sprites on held-out backgrounds; card faces are the same 24 pictures throughout."""
    cutouts = [c for c in load_cutouts(folder) if c.family == "card" or is_held_out(c.key)]
    return SceneMaker(by_class(cutouts), backgrounds=load_photos(folder / "grocery_store.parquet", "val"))


def load_cutouts(folder: Path) -> list[Cutout]:
    """Hands, card faces and sprites of the three files in `folder`."""
    return [
        *load_hands(folder / "hand_digits.parquet"),
        *load_card_faces(folder / "card_faces.parquet"),
        *load_sprites(folder / "sprites.npz"),
    ]


def _camera(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise and JPEG blocks, as a webcam adds them."""
    noisy = image + rng.normal(0, rng.uniform(0, 6), image.shape)
    buffer = io.BytesIO()
    picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    picture.save(buffer, "JPEG", quality=int(rng.integers(60, 96)))
    return np.asarray(Image.open(buffer))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a parquet file by column name."""
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path).to_pylist()


def _hand(row: dict[str, Any]) -> Cutout:
    image = Image.open(io.BytesIO(row["jpeg"])).convert("RGB")
    mask = Image.open(io.BytesIO(row["mask_png"])).convert("L")
    rgba = np.dstack([np.asarray(image), np.asarray(mask)])
    left, top, right, bottom = row["box_xyxy"]
    return Cutout(rgba[top:bottom, left:right], f"digit {row['digit']}", "hand", row["key"])


def _rank(file: str) -> str | None:
    match = re.match(r"(9|10|jack|queen|king|ace)_of_", file)
    return {"9": "nine", "10": "ten"}.get(match[1], match[1]) if match else None


def _card(png: bytes) -> np.ndarray:
    face = Image.open(io.BytesIO(png)).convert("RGBA")
    card = Image.new("RGBA", face.size, (250, 250, 248, 255))
    card.alpha_composite(face)
    return np.asarray(card)


def _photo(row: dict[str, Any]) -> Photo:
    boxes = np.array(row.get("boxes_xyxy", []), np.float32).reshape(-1, 4)
    annotated = frozenset(row["annotated"]) if "annotated" in row else None
    return Photo(row["jpeg"], boxes, tuple(row.get("labels", [])), annotated, row.get("key", ""))
