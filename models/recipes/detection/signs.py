"""Drawn hands that sign a digit, and drawn playing cards: pictures of our own to show what the detector knows.

A hand is a solid of capsules, one for each bone, that melt into a palm (a signed distance, sphere tracing: Hart 1996);
nothing of it was photographed. Cards have their pips where cards have them.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float, float]
Bone = tuple[np.ndarray, np.ndarray, float, float]

ROOTS = {"pinky": (-0.36, 0.30), "ring": (-0.13, 0.42), "middle": (0.11, 0.45), "index": (0.34, 0.38)}
LENGTHS = {"pinky": 0.62, "ring": 0.82, "middle": 0.9, "index": 0.8}
WIDTHS = {"pinky": 0.085, "ring": 0.1, "middle": 0.105, "index": 0.1}
SPREAD = {"pinky": 24, "ring": 8, "middle": -3, "index": -15}  # degrees from upright
STRETCHED = {
    0: (),
    1: ("index",),
    2: ("index", "middle"),
    3: ("thumb", "index", "middle"),
    4: ("index", "middle", "ring", "pinky"),
    5: ("thumb", "index", "middle", "ring", "pinky"),
    6: ("index", "middle", "ring"),
    7: ("index", "middle", "pinky"),
    8: ("index", "ring", "pinky"),
    9: ("middle", "ring", "pinky"),
}
TOUCHED = {6: "pinky", 7: "ring", 8: "middle", 9: "index"}
"""The finger that the thumb meets."""
THUMB_ROOT: Point = (0.30, -0.36, 0.08)
THUMB_WIDTHS = (0.15, 0.125, 0.11, 0.095)
SKIN = np.array([214, 160, 130]) / 255
LIGHT = np.array([-0.4, 0.6, 0.8]) / np.linalg.norm([-0.4, 0.6, 0.8])
FAR, NEAR_ENOUGH = 3.2, 0.008


def hand(digit: int, side: int = 160) -> np.ndarray:
    """A hand signing `digit` (American Sign Language, palm to the viewer), `[side, side, 4]` uint8."""
    bones, narrow = _bones(digit), 0.72 if digit == 0 else 1.0
    rows, columns = np.mgrid[0:side, 0:side]
    origin = np.stack(
        [(columns + 0.5) / side * 2.9 - 1.35, 1.62 - (rows + 0.5) / side * 2.9, np.full((side, side), 1.6)]
    )
    origin = origin.reshape(3, -1).T.astype(np.float32)
    depth, distance, live = np.zeros(len(origin)), np.ones(len(origin)), np.arange(len(origin))
    ahead = np.array([0, 0, -1.0])
    for _ in range(40):
        distance[live] = _distance(origin[live] + depth[live, None] * ahead, bones, narrow)
        depth[live] += 0.95 * distance[live]
        live = live[(distance[live] > NEAR_ENOUGH) & (depth[live] < FAR)]
        if not len(live):
            break
    hit = (distance < 0.03) & (depth < FAR)
    rgba = np.zeros((side * side, 4), np.uint8)
    rgba[hit, :3] = _shaded((origin + depth[:, None] * ahead)[hit], bones, narrow)
    rgba[hit, 3] = 255
    return rgba.reshape(side, side, 4)


def _shaded(points: np.ndarray, bones: list[Bone], narrow: float) -> np.ndarray:
    """Colours of points on the skin: light from above, less of it in hollows and at edges."""
    step = 0.004 * np.eye(3)
    slopes = [_distance(points + e, bones, narrow) - _distance(points - e, bones, narrow) for e in step]
    normals = np.stack(slopes, -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-9
    lit, facing = np.clip(normals @ LIGHT, 0, 1), np.clip(normals[:, 2], 0, 1)
    open_sky = sum(_distance(points + h * normals, bones, narrow) / h for h in (0.06, 0.15, 0.3)) / 3
    shade = (0.3 + 0.62 * lit) * (0.45 + 0.55 * np.clip(open_sky, 0, 1)) * (0.62 + 0.38 * facing**0.7)
    warm = np.array([1, 0.86, 0.8])
    colors = SKIN * shade[:, None] * (warm + (1 - warm) * shade[:, None] ** 0.5) * 1.15
    return np.clip(255 * colors, 0, 255).astype(np.uint8)


def _bones(digit: int) -> list[Bone]:
    bones = []
    for finger, (x, y) in ROOTS.items():
        width = WIDTHS[finger]
        joints = _finger(digit, finger, x, y)
        bones += _chain(joints, tuple(width * (1 - 0.06 * place) for place in range(len(joints))))
    return bones + _chain([THUMB_ROOT, *_thumb(digit)], THUMB_WIDTHS)


def _finger(digit: int, finger: str, x: float, y: float) -> list[Point]:
    if finger in STRETCHED[digit]:
        angle = np.radians(SPREAD[finger] * (1.0 if digit >= 4 or digit == 2 else 0.55))
        along = LENGTHS[finger] * np.array([-np.sin(angle), np.cos(angle), 0.04])
        return [tuple(np.array([x, y, 0.02]) + share * along) for share in (0, 0.5, 1)]
    root = (x, y, 0.02)
    if TOUCHED.get(digit) == finger:
        return [root, (0.9 * x + 0.02, y + 0.22, 0.3), (0.6 * x + 0.1, y - 0.02, 0.5), (0.5 * x + 0.13, y - 0.16, 0.44)]
    if digit == 0:
        return [
            (0.55 * x, y, 0.02),
            (0.5 * x + 0.05, y + 0.36, 0.22),
            (0.35 * x + 0.25, y + 0.42, 0.34),
            (0.25 * x + 0.45, y + 0.2, 0.4),
        ]
    return [root, (0.97 * x, y + 0.2, 0.26), (0.92 * x, y - 0.1, 0.42), (0.9 * x, y - 0.28, 0.26)]


def _thumb(digit: int) -> list[Point]:
    if "thumb" in STRETCHED[digit]:
        return [(0.58, -0.08, 0.14), (0.76, 0.12, 0.14), (0.9, 0.36, 0.12)]
    if digit in TOUCHED:
        x, y = ROOTS[TOUCHED[digit]]
        bend = 0.36 if TOUCHED[digit] in ("pinky", "ring") else 0.42
        return [(0.46, -0.1, 0.3), (bend, 0.06, 0.42), (0.5 * x + 0.15, y - 0.2, 0.46)]
    if digit == 0:
        return [(0.55, -0.1, 0.2), (0.66, 0.14, 0.3), (0.6, 0.42, 0.38)]
    if digit == 4:
        return [(0.42, -0.08, 0.26), (0.22, 0.06, 0.34), (-0.04, 0.12, 0.32)]
    return [(0.46, -0.1, 0.3), (0.3, 0.1, 0.46), (0.06, 0.16, 0.5)]


def _chain(joints: list[Point], widths: tuple[float, ...]) -> list[Bone]:
    ends = [np.array(joint, float) for joint in joints]
    return [(ends[i], ends[i + 1], widths[i], widths[i + 1]) for i in range(len(ends) - 1)]


def _distance(points: np.ndarray, bones: list[Bone], narrow: float) -> np.ndarray:
    """Signed distance of points `[N, 3]` from the hand; below 0 inside."""
    outside = np.abs(points) - np.array([0.36 * narrow, 0.36, 0.06])
    distance = np.linalg.norm(np.maximum(outside, 0), axis=-1) + np.minimum(outside.max(-1), 0) - 0.13
    ball = (np.array([0.22, -0.28, 0.08]), np.array([0.3, -0.1, 0.12]), 0.2, 0.17)
    distance = _melted(distance, _capsule(points, *ball), 0.1)
    arm = (np.array([0.0, -0.45, 0.0]), np.array([0.03, -1.6, 0.0]), 0.29, 0.31)
    distance = _melted(distance, _capsule(points * np.array([1, 1, 1.35]), *arm), 0.18)
    for bone in bones:
        distance = _melted(distance, _capsule(points, *bone), 0.045)
    return distance


def _melted(one: np.ndarray, other: np.ndarray, over: float) -> np.ndarray:
    share = np.clip(0.5 + 0.5 * (other - one) / over, 0, 1)
    return other * (1 - share) + one * share - over * share * (1 - share)


def _capsule(points: np.ndarray, start: np.ndarray, end: np.ndarray, first: float, last: float) -> np.ndarray:
    along = end - start
    share = np.clip((points - start) @ along / (along @ along), 0, 1)
    return np.linalg.norm(points - start - share[..., None] * along, axis=-1) - (first + (last - first) * share)


PIPS = {
    "ace": [(0.5, 0.5)],
    "nine": [(x, y) for x in (0.3, 0.7) for y in (0.18, 0.39, 0.61, 0.82)] + [(0.5, 0.5)],
    "ten": [(x, y) for x in (0.3, 0.7) for y in (0.18, 0.39, 0.61, 0.82)] + [(0.5, 0.29), (0.5, 0.71)],
}
CORNERS = {"ace": "A", "nine": "9", "ten": "10"}


def card(rank: str, suit: str, height: int = 323) -> np.ndarray:
    """A playing card, `[height, 0.69 height, 4]` uint8. rank: of `PIPS`. suit: "heart", "diamond" or "spade"."""
    tall, wide = 2 * height, round(2 * height * 0.69)
    image = Image.new("RGBA", (wide, tall))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((2, 2, wide - 3, tall - 3), tall * 0.045, (252, 252, 250), (120, 120, 120), 3)
    color = (16, 16, 16) if suit == "spade" else (206, 12, 20)
    for x, y in PIPS[rank]:
        size = tall * (0.17 if rank == "ace" else 0.075)
        _pip(draw, suit, (x * wide, y * tall), -size if y > 0.5 else size, color)
    corner = Image.new("RGBA", image.size)
    pen = ImageDraw.Draw(corner)
    pen.text((0.1 * wide, 0.075 * tall), CORNERS[rank], color, ImageFont.load_default(tall * 0.1), anchor="mm")
    _pip(pen, suit, (0.1 * wide, 0.165 * tall), tall * 0.035, color)
    image.alpha_composite(corner)
    image.alpha_composite(corner.rotate(180))
    return np.asarray(image.resize((wide // 2, tall // 2), Image.Resampling.LANCZOS))


def _pip(
    draw: ImageDraw.ImageDraw, suit: str, centre: tuple[float, float], size: float, color: tuple[int, int, int]
) -> None:
    """A sign of `size` from its middle to its top; below 0 upside down."""
    x, y = centre

    def at(*places: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + size * across, y + size * down) for across, down in places]

    if suit == "diamond":
        draw.polygon(at((0, -1), (0.75, 0), (0, 1), (-0.75, 0)), color)
        return
    flip = 1 if suit == "heart" else -1
    radius = abs(size) * 0.47
    for cx, cy in at((-0.45, -0.4 * flip), (0.45, -0.4 * flip)):
        draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), color)
    draw.polygon(at((-0.87, -0.2 * flip), (0.87, -0.2 * flip), (0, flip)), color)
    if suit == "spade":
        draw.polygon(at((0, 0.1), (0.4, 1), (-0.4, 1)), color)
