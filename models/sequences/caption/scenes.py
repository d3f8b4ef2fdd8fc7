"""A small world that can be drawn and described exactly: pixel-art objects, a sentence of fixed grammar, a picture.

A sentence names one group of like objects ("two blue swords") or two groups and how they lie ("a red potion left of
two swords" with colours everywhere). Two groups have two true sentences, one from each side. All is made from code:
there are no picture files and no texts. What is never trained on is decided by the CRC-32 of its words.
"""

import functools
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.errors import InputError
from models.inputs import check_choice, check_integer, check_text
from models.sequences.caption.sprites import SPRITES

Part = Literal["train", "held-out pair", "new colour and noun"]
Group = tuple[tuple[float, float], ...]
Layout = tuple[Group, int, Group, int]

COUNTS = {1: "a", 2: "two", 3: "three"}
RELATIONS = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
COLOURS = {
    "red": (208, 44, 52),
    "orange": (240, 132, 32),
    "yellow": (250, 216, 64),
    "green": (60, 166, 62),
    "blue": (54, 100, 220),
    "purple": (146, 64, 184),
    "white": (236, 238, 242),
    "grey": (128, 132, 140),
}
FIXED_INKS = {"k": (26, 20, 36), "w": (255, 255, 255), "b": (112, 72, 46), "t": (238, 222, 184), "a": (190, 214, 222)}

NOUNS = tuple(SPRITES)
WORDS = (
    *("a", "an", "two", "three"),
    *COLOURS,
    *NOUNS,
    *(f"{noun}s" for noun in NOUNS),
    *("left", "right", "of", "above", "below"),
)

HEIGHT, WIDTH, SPRITE = 72, 96, 16
SHADES = (0.84, 0.92, 1.0, 1.06)
GROUP_GAP = 4
MAX_SLANT = 0.4
BACKGROUND_VARIANTS = 24
GROUPS: dict[int, tuple[Group, ...]] = {
    1: (((0, 0),),),
    2: (((0, 0), (1, 0)), ((0, 0), (0, 1)), ((0, 0), (1, 0.5)), ((0, 0.5), (1, 0))),
    3: (
        ((0, 0), (1, 0), (2, 0)),
        ((0, 0), (0, 1), (0, 2)),
        ((0, 0), (1, 0), (0.5, 1)),
        ((0.5, 0), (0, 1), (1, 1)),
    ),
}


@dataclass(frozen=True)
class Phrase:
    """A group of like objects: 1 to 3 of one colour and one noun. Raises `InputError` for anything else."""

    count: int
    colour: str
    noun: str

    def __post_init__(self) -> None:
        check_integer(self.count, name="The number of objects", low=1, high=3)
        check_choice(self.colour, COLOURS, name="The colour")
        check_choice(self.noun, NOUNS, name="The object")

    @property
    def kind(self) -> str:
        """Colour and noun, without the number: what a held-out combination is made of."""
        return f"{self.colour} {self.noun}"

    def __str__(self) -> str:
        article = "an" if self.count == 1 and self.colour[0] in "aeiou" else COUNTS[self.count]
        return f"{article} {self.kind}" + ("s" if self.count > 1 else "")


@dataclass(frozen=True)
class SceneDescription:
    """What is in a scene: one group, or two groups of different kinds and how the first lies to the second.

    Raises `InputError` for an unknown relation, half a pair, or two groups of the same colour and noun.
    """

    first: Phrase
    relation: str | None = None
    second: Phrase | None = None

    def __post_init__(self) -> None:
        if (self.relation is None) != (self.second is None):
            raise InputError("A relation such as “left of” needs a second group, and a second group needs a relation.")
        if self.second is not None:
            check_choice(self.relation, RELATIONS, name="The relation")
            if self.first.kind == self.second.kind:
                raise InputError("The two groups must differ in colour or object.")

    def __str__(self) -> str:
        return str(self.first) if self.second is None else f"{self.first} {self.relation} {self.second}"

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """The one or two groups, in the order of the sentence."""
        return (self.first,) if self.second is None else (self.first, self.second)

    def mirrored(self) -> "SceneDescription":
        """The same scene told from the other side; a scene of one group is told in one way only."""
        if self.second is None or self.relation is None:
            return self
        return SceneDescription(self.second, RELATIONS[self.relation], self.first)

    def sentences(self) -> tuple[str, str]:
        """Both true sentences; they are the same for a scene of one group."""
        return str(self), str(self.mirrored())


def parse(text: object) -> SceneDescription:
    """A sentence of this grammar read back. Raises `InputError` with an example for any other text."""
    words = check_text(text, name="The sentence", max_chars=200).lower().replace(" of ", "_of ").split()
    if len(words) == 3:
        return SceneDescription(_parse_phrase(words))
    if len(words) == 7:
        relation = words[3].replace("_", " ")
        return SceneDescription(_parse_phrase(words[:3]), relation, _parse_phrase(words[4:]))
    raise InputError("Write a sentence such as “a red potion” or “two blue swords left of a white key”.")


def _parse_phrase(words: list[str]) -> Phrase:
    number, colour, noun = words
    count = {"a": 1, "an": 1, "two": 2, "three": 3}.get(number)
    if count is None:
        raise InputError("A group begins with one of: a, an, two, three.")
    return Phrase(count, colour, noun if count == 1 else noun.removesuffix("s"))


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


@functools.cache
def is_new_kind(kind: str) -> bool:
    """Whether a colour-noun combination, such as "green gem", is never trained on: about one in ten."""
    return _hash(kind) % 10 == 1


@functools.cache
def is_held_out_pair(kind: str, other: str) -> bool:
    """Whether two kinds never share a scene in training, in whatever order and number: about one pair in five."""
    return _hash(" and ".join(sorted((kind, other)))) % 5 == 0


def part_of(description: SceneDescription) -> Part:
    """Whether a scene may be trained on, or why it is held out."""
    kinds = [phrase.kind for phrase in description.phrases]
    if any(map(is_new_kind, kinds)):
        return "new colour and noun"
    if len(kinds) == 2 and is_held_out_pair(*kinds):
        return "held-out pair"
    return "train"


def random_description(rng: np.random.Generator, part: Part) -> SceneDescription:
    """A description from one part, all its slots drawn evenly; one in four has a single group."""
    while True:
        description = any_description(rng, single_share=0 if part == "held-out pair" else 0.25)
        if part_of(description) == part:
            return description


def any_description(rng: np.random.Generator, single_share: float = 0.25) -> SceneDescription:
    """A description from any part, all its slots drawn evenly; `single_share` have a single group."""
    while True:
        single = single_share > 0 and rng.random() < single_share
        first, second = _random_phrase(rng), _random_phrase(rng)
        if first.kind != second.kind:
            relation = tuple(RELATIONS)[rng.integers(4)]
            return SceneDescription(first) if single else SceneDescription(first, relation, second)


def _random_phrase(rng: np.random.Generator) -> Phrase:
    return Phrase(int(rng.integers(1, 4)), tuple(COLOURS)[rng.integers(len(COLOURS))], NOUNS[rng.integers(len(NOUNS))])


def draw_scene(description: SceneDescription, seed: int) -> np.ndarray:
    """The picture, (72, 96, 3) uint8: the same description and seed (0 or more) give the same pixels.

    Random are background, size (16 or 32 pixels an object), arrangement within a group, places, shades and mirroring.
    """
    rng = np.random.default_rng(seed)
    image = _background(rng)
    for phrase, group, scale, corner in _placed(description, rng):
        shade, flip = int(rng.integers(len(SHADES))), rng.random() < 0.5
        colours, opaque = _patch(phrase.noun, phrase.colour, shade, scale, bool(flip))
        for offset in group:
            jitter = rng.integers(-1, 2, 2)
            x, y = np.rint(corner + np.multiply(offset, SPRITE * scale + 1)).astype(int) + jitter
            x, y = min(max(x, 0), WIDTH - SPRITE * scale), min(max(y, 0), HEIGHT - SPRITE * scale)
            region = image[y : y + SPRITE * scale, x : x + SPRITE * scale]
            np.copyto(region, colours, where=opaque)
    return image


@functools.cache
def _patch(noun: str, colour: str, shade: int, scale: int, flip: bool) -> tuple[np.ndarray, np.ndarray]:
    """Colours (side, side, 3) uint8 and where they are opaque (side, side, 1) bool."""
    main = np.array(COLOURS[colour]) * SHADES[shade]
    inks = FIXED_INKS | {".": (0, 0, 0), "m": main, "d": main * 0.72, "l": main + (255 - main) * 0.4}
    letters = [list(row) for row in SPRITES[noun].split()]
    colours = np.clip([[inks[letter] for letter in row] for row in letters], 0, 255).astype(np.uint8)
    opaque = (np.array(letters) != ".")[..., None]
    grown = [part.repeat(scale, 0).repeat(scale, 1) for part in (colours, opaque)]
    colours, opaque = (np.ascontiguousarray(part[:, ::-1]) if flip else part for part in grown)
    return colours, opaque


def _placed(description: SceneDescription, rng: np.random.Generator) -> list[tuple[Phrase, Group, int, np.ndarray]]:
    """Every phrase with its arrangement, scale and the (x, y) of its upper left corner."""
    if description.second is None:
        group, scale, *_ = _choose(rng, _layouts(description.first.count, 0, 0))
        corner = rng.uniform(0, 1, 2) * (np.array([WIDTH, HEIGHT]) - _extent(group, scale))
        return [(description.first, group, scale, corner)]
    axis = 0 if description.relation in ("left of", "right of") else 1
    before, after = description.phrases if description.relation in ("left of", "above") else description.phrases[::-1]
    group_a, scale_a, group_b, scale_b = _choose(rng, _layouts(before.count, after.count, axis))
    size_a, size_b = _extent(group_a, scale_a), _extent(group_b, scale_b)
    corner_a, corner_b = _corners(size_a, size_b, axis, rng)
    return [(before, group_a, scale_a, corner_a), (after, group_b, scale_b, corner_b)]


def _choose(rng: np.random.Generator, layouts: list[Layout]) -> Layout:
    return layouts[rng.integers(len(layouts))]


def _corners(
    size_a: np.ndarray, size_b: np.ndarray, axis: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Upper left corners of two groups, the first before the second along `axis` and the two clearly side by side."""
    space, across = np.array([WIDTH, HEIGHT]), 1 - axis
    free = space[axis] - size_a[axis] - size_b[axis] - GROUP_GAP
    start, stop = np.sort(rng.uniform(0, free, 2))
    corner_a, corner_b = np.zeros(2), np.zeros(2)
    corner_a[axis], corner_b[axis] = start, stop + size_a[axis] + GROUP_GAP
    distance = corner_b[axis] - corner_a[axis] + (size_b[axis] - size_a[axis]) / 2
    middle_a = rng.uniform(size_a[across] / 2, space[across] - size_a[across] / 2)
    middle_b = middle_a + rng.uniform(-MAX_SLANT, MAX_SLANT) * distance
    middle_b = np.clip(middle_b, size_b[across] / 2, space[across] - size_b[across] / 2)
    corner_a[across], corner_b[across] = middle_a - size_a[across] / 2, middle_b - size_b[across] / 2
    return corner_a, corner_b


@functools.cache
def _layouts(count: int, other: int, axis: int) -> list[Layout]:
    """Every arrangement and scale of one or two groups (`other` 0: one) that fits into the picture along `axis`."""
    space = np.array([WIDTH, HEIGHT])
    return [
        (group_a, scale_a, group_b, scale_b)
        for group_a in GROUPS[count]
        for scale_a in (1, 2)
        for group_b in GROUPS.get(other, ((),))
        for scale_b in ((1, 2) if other else (0,))
        if _fits(_extent(group_a, scale_a), _extent(group_b, scale_b), axis, space)
    ]


def _fits(size_a: np.ndarray, size_b: np.ndarray, axis: int, space: np.ndarray) -> bool:
    along = size_a[axis] + (size_b[axis] + GROUP_GAP if size_b[axis] else 0)
    return bool(along <= space[axis] and (np.maximum(size_a, size_b) <= space).all())


def _extent(group: Group, scale: int) -> np.ndarray:
    """Width and height of a group in pixels; zeros for none."""
    return np.max(group, axis=0) * (SPRITE * scale + 1) + SPRITE * scale if group else np.zeros(2)


def _background(rng: np.random.Generator) -> np.ndarray:
    """A window (72, 96, 3) uint8 of one of the painted grounds."""
    ground = _ground(int(rng.integers(len(_GROUNDS))), int(rng.integers(BACKGROUND_VARIANTS)))
    top, left = rng.integers(ground.shape[0] - HEIGHT + 1), rng.integers(ground.shape[1] - WIDTH + 1)
    return ground[top : top + HEIGHT, left : left + WIDTH].copy()


@functools.cache
def _ground(kind: int, variant: int) -> np.ndarray:
    """(104, 136, 3) uint8, larger than a scene so that windows differ."""
    rng = np.random.default_rng((kind, variant))
    pixels = _GROUNDS[kind](rng, np.zeros((HEIGHT + 32, WIDTH + 40, 3)))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _plain(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """One quiet colour."""
    return pixels + rng.uniform(70, 200) + rng.uniform(-30, 30, 3)


def _grass(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """A meadow with lighter and darker blades, two pixels high."""
    pixels = pixels + np.array([104, 142, 84]) + rng.uniform(-14, 14, 3)
    height, width = pixels.shape[:2]
    for light in (22, -20):
        y, x = rng.integers(0, height - 1, 160), rng.integers(0, width, 160)
        pixels[y, x] += light
        pixels[y + 1, x] += light / 2
    return pixels


def _stone(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """A floor of slabs with dark joints."""
    pixels = pixels + rng.uniform(90, 130) + np.array([4, 0, -4])
    for row, top in enumerate(range(0, pixels.shape[0], 14)):
        for left in range(-10 * (row % 2), pixels.shape[1], 20):
            slab = pixels[top : top + 13, max(left, 0) : max(left + 19, 0)]
            slab += rng.uniform(-10, 14)
            slab[:1] += 12
        pixels[top + 13 : top + 14] -= 34
        for left in range(19 - 10 * (row % 2), pixels.shape[1], 20):
            pixels[top : top + 13, left] -= 34
    return pixels


def _night(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """A dark blue sky with stars."""
    height, width = pixels.shape[:2]
    pixels = pixels + np.array([26, 30, 62]) + rng.uniform(-8, 14) + np.linspace(0, 34, height)[:, None, None]
    pixels[rng.integers(0, height, 60), rng.integers(0, width, 60)] = (214, 214, 190)
    return pixels


def _wood(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Planks with a little grain."""
    pixels = pixels + np.array([164, 122, 84]) + rng.uniform(-14, 14)
    for top in range(0, pixels.shape[0], 12):
        pixels[top : top + 12] += rng.uniform(-9, 9)
        pixels[top] -= 44
        for _ in range(5):
            y, x = top + rng.integers(2, 12), rng.integers(0, pixels.shape[1])
            pixels[y : y + 1, x : x + 9] -= 16
    return pixels


_GROUNDS = (_plain, _grass, _stone, _night, _wood)
