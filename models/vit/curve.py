"""Both networks on one picture while it is damaged more and more: what each answers, and how sure it is."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from models.compute import Run, compute, run_of
from models.vision.cnn import EfficientNetLite
from models.vision.network import VisionTransformer
from models.vit import contenders, gradcam
from models.vit.contenders import answer_and_map, logits, probabilities
from models.vit.damage import DAMAGES, Choice, damaged, position_factor
from models.vit.features import attention_distances
from models.vit.trace import trace_image

STRENGTHS = tuple(step / 10 for step in range(11))


@dataclass(frozen=True)
class Pair:
    """The two networks; both know the same categories in the same order."""

    vit: VisionTransformer
    cnn: EfficientNetLite

    def __post_init__(self) -> None:
        if self.vit.labels != self.cnn.labels:
            raise ValueError("the two networks do not know the same categories")

    @property
    def labels(self) -> tuple[str, ...]:
        """The categories of both."""
        return self.vit.labels


@dataclass(frozen=True)
class Reading:
    """One network on one picture: calibrated probabilities `(C,)`, where they come from `(rows, columns)`, seconds."""

    probabilities: np.ndarray
    map: np.ndarray
    seconds: float


@dataclass(frozen=True)
class Point:
    """One strength: the pixels `(side, side, 3)` uint8 that both networks were given, and their readings."""

    strength: float
    pixels: np.ndarray
    vit: Reading
    cnn: Reading


def answer_together(pair: Pair, pixels: np.ndarray) -> int:
    """The category to which both networks together, averaged, give the highest probability."""
    vit, cnn = (probabilities(network, logits(network, pixels[None]))[0] for network in (pair.vit, pair.cnn))
    return int((vit + cnn).argmax())


def point(
    pair: Pair,
    pixels: np.ndarray,
    kind: str,
    strength: float,
    choice: Choice,
    category: int,
    *,
    by_gradient: bool = False,
) -> Point:
    """Damage `pixels` and give the result to both networks; maps are those of `contenders.answer_and_map`."""
    given = damaged(kind, pixels, strength, choice)
    positions = position_factor(kind, strength)
    vit = read(pair.vit, given, category, positions=positions, by_gradient=by_gradient)
    return Point(strength, given, vit, read(pair.cnn, given, category))


def read(network: VisionTransformer | EfficientNetLite, pixels: np.ndarray, category: int, **options: Any) -> Reading:
    """One network on one square of pixels; `options` are those of `contenders.answer_and_map`."""
    start = time.perf_counter()
    values, found = answer_and_map(network, pixels, category, **options)
    return Reading(probabilities(network, values), found, time.perf_counter() - start)


def curve(
    pair: Pair, pixels: np.ndarray, kind: str, choice: Choice, category: int, *, by_gradient: bool = False
) -> Iterator[Point]:
    """`STRENGTHS` one after the other."""
    for strength in STRENGTHS:
        yield point(pair, pixels, kind, strength, choice, category, by_gradient=by_gradient)


@dataclass(frozen=True)
class Wish:
    """One damage to one picture.

    pixels: the square that both networks see, `(224, 224, 3)` uint8. kind: of `DAMAGES`.
    category: whose probability is followed; None for the undamaged answer of both together.
    grid: patches a side. owner: whose map says what is important. mask: painted pixels `(224, 224)` bool, or None.
    by_gradient: the ViT's map is attention by gradient, else attention rollout.
    """

    pixels: np.ndarray
    kind: str
    category: int | None = None
    grid: int = 8
    owner: Literal["vit", "cnn"] = "vit"
    seed: int = 0
    mask: np.ndarray | None = None
    by_gradient: bool = False

    @property
    def key(self) -> str:
        """The same for the same wish, and nobody can guess it who does not have the picture."""
        mask = b"" if self.mask is None else self.mask.tobytes()
        facts = repr((self.kind, self.category, self.grid, self.owner, self.seed, self.by_gradient))
        return hashlib.sha256(self.pixels.tobytes() + mask + facts.encode()).hexdigest()


@dataclass(frozen=True)
class Curve:
    """The points measured so far and the category they are about; `vit` and `cnn`: median seconds of a point."""

    category: int
    points: tuple[Point, ...]
    vit: Run
    cnn: Run

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        arrays = [[one.pixels, one.vit.map, one.cnn.map, one.vit.probabilities] for one in self.points]
        return sum(array.nbytes for four in arrays for array in four)


@dataclass(frozen=True)
class Inside:
    """Inside the CNN: the damaged pixels, the strongest maps of every stage, and Grad-CAM `(rows, columns)` of each."""

    category: int
    pixels: np.ndarray
    stages: list[gradcam.FeatureMaps]
    cams: list[np.ndarray]


@dataclass(frozen=True)
class Fields:
    """How far each layer sees: receptive fields of both networks, as many as are computed so far.

    attention: how far the ViT's patch in the middle looks within one layer, in pixels, mean of the heads; comes last.
    """

    vit: list[gradcam.ReceptiveField]
    cnn: list[gradcam.ReceptiveField]
    attention: list[float]


@compute
def measure_curve(wish: Wish) -> Iterator[Curve]:
    """The curve of a wish, one point more at every value."""
    pair, category, choice = _prepared(wish)
    points: tuple[Point, ...] = ()
    for found in curve(pair, wish.pixels, wish.kind, choice, category, by_gradient=wish.by_gradient):
        points = (*points, found)
        yield _curve(category, points)


@compute
def measure_point(wish: Wish, strength: float) -> Curve:
    """One strength only."""
    pair, category, choice = _prepared(wish)
    found = point(pair, wish.pixels, wish.kind, strength, choice, category, by_gradient=wish.by_gradient)
    return _curve(category, (found,))


@compute
def look_inside(wish: Wish, strength: float) -> Inside:
    """Feature maps and Grad-CAM of every stage of the CNN at one strength."""
    pair, category, choice = _prepared(wish)
    pixels = damaged(wish.kind, wish.pixels, strength, choice)
    images = contenders.prepare(pair.cnn, pixels[None])
    stages = gradcam.feature_maps(pair.cnn, images)
    cams = [gradcam.grad_cam(pair.cnn, images, category, found.stage)[1] for found in stages]
    return Inside(category, pixels, stages, cams)


@compute(heavy=True)
def measure_fields(pixels: np.ndarray) -> Iterator[Fields]:
    """Effective receptive fields on a square `(224, 224, 3)` uint8: some ninety gradients, a layer a step."""
    pair = load_pair()
    vit, cnn = list[gradcam.ReceptiveField](), list[gradcam.ReceptiveField]()
    for network, fields in ((pair.cnn, cnn), (pair.vit, vit)):
        for field in gradcam.receptive_fields(network, contenders.prepare(network, pixels[None])):
            fields.append(field)
            yield Fields(list(vit), list(cnn), [])
    yield Fields(vit, cnn, attention_of_the_middle(pair.vit, pixels))


def attention_of_the_middle(network: VisionTransformer, pixels: np.ndarray) -> list[float]:
    """How far the patch in the middle looks, in pixels, layer by layer: mean of the heads."""
    trace = trace_image(network, pixels)
    rows, columns = trace.grid
    middle = rows // 2 * columns + columns // 2
    distances = attention_distances(trace.attention, trace.grid, trace.patches.shape[2], patch=middle)
    return distances.mean(axis=1).tolist()


def load_pair() -> Pair:
    """Both networks, loaded once."""
    return Pair(contenders.load(contenders.VIT).network, contenders.load(contenders.CNN).network)


def prepared(pair: Pair, wish: Wish) -> tuple[int, Choice]:
    """The category to follow, and what the damage needs to know."""
    category = answer_together(pair, wish.pixels) if wish.category is None else wish.category
    importance = None
    if "importance" in DAMAGES[wish.kind].uses:
        network = pair.vit if wish.owner == "vit" else pair.cnn
        importance = read(network, wish.pixels, category, by_gradient=wish.by_gradient).map
    return category, Choice(wish.seed, wish.grid, importance, wish.mask)


def _prepared(wish: Wish) -> tuple[Pair, int, Choice]:
    pair = load_pair()
    return pair, *prepared(pair, wish)


def _curve(category: int, points: tuple[Point, ...]) -> Curve:
    vit, cnn = (
        run_of(contenders.load(model), float(np.median([getattr(one, name).seconds for one in points])))
        for name, model in (("vit", contenders.VIT), ("cnn", contenders.CNN))
    )
    return Curve(category, points, vit, cnn)
