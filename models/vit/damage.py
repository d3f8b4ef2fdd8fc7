"""Damages to a picture, each a function of the pixels and of a strength from 0 (nothing) to 1.

They work on the square of pixels that the networks see, so that whoever is compared gets the identical damage. Random
ones depend on a seed alone, and a stronger one contains the weaker ones.

Naseer et al. 2021, "Intriguing Properties of Vision Transformers" (patches shuffled and dropped, sections 3.1 and 3.3);
Geirhos et al. 2019, "ImageNet-trained CNNs are biased towards texture"; Hendrycks & Dietterich 2019, "Benchmarking
Neural Network Robustness to Common Corruptions and Perturbations".
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

PATCH = 14
GREY = 128
GRIDS = (2, 4, 7, 8, 14, 16)
LARGEST_BLUR = 10.0
SMALLEST_SIDE = 7
NOISE_LEVELS = 120.0
DETAIL_SIGMA = 3.0
SMOOTHING = 150.0
SMOOTHING_STEPS = 40


@dataclass(frozen=True)
class Choice:
    """What a damage may need to know beside its strength.

    seed: of the random ones. grid: patches a side that are shuffled, one of `GRIDS`. importance: `(rows, columns)`,
    by which patches are dropped. mask: `(side, side)` bool, the painted pixels.
    """

    seed: int = 0
    grid: int = 8
    importance: np.ndarray | None = None
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class Damage:
    """A kind of damage: `unit` says in words what a strength means; `apply(pixels, strength, choice)` does it.

    uses: which fields of `Choice` it looks at.
    """

    title: str
    unit: Callable[[float], str]
    apply: Callable[[np.ndarray, float, Choice], np.ndarray]
    note: str
    uses: tuple[str, ...] = ()


def damaged(kind: str, pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """`pixels` `(side, side, 3)` uint8 after the damage `kind`; at strength 0 they are unchanged."""
    return pixels.copy() if strength == 0 else DAMAGES[kind].apply(pixels, strength, choice)


def shuffle(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """That share of the patches of a grid changes places at random."""
    patches = _cut(pixels, len(pixels) // choice.grid)
    generator = np.random.default_rng(choice.seed)
    moved = generator.permutation(len(patches))[: round(strength * len(patches))]
    order = np.arange(len(patches))
    order[moved] = np.roll(moved, 1)  # a cycle in a random order: every chosen patch leaves its place
    return _join(patches[order])


def drop_random(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """That share of the ViT's patches becomes grey, at random."""
    count = (len(pixels) // PATCH) ** 2
    return _drop(pixels, np.random.default_rng(choice.seed).permutation(count), strength)


def drop_most(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """That share of the patches becomes grey, the most important first."""
    return _drop(pixels, _by_importance(pixels, choice), strength)


def drop_least(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """That share of the patches becomes grey, the least important first."""
    return _drop(pixels, _by_importance(pixels, choice)[::-1], strength)


def occlude(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """What was painted fades to grey."""
    if choice.mask is None:
        return pixels.copy()
    faded = _round(pixels * (1 - strength) + GREY * strength)
    return np.where(choice.mask[..., None], faded, pixels)


def blur(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """A Gaussian filter."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(LARGEST_BLUR * strength)))


def rotate(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """Turned about the middle, counter-clockwise; the corners become grey."""
    turned = Image.fromarray(pixels).rotate(180 * strength, Image.Resampling.BICUBIC, fillcolor=(GREY,) * 3)
    return np.array(turned)


def rescale(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """Shrunk to few pixels and enlarged again."""
    side, less = len(pixels), _small_side(strength, len(pixels))
    small = Image.fromarray(pixels).resize((less, less), Image.Resampling.BOX)
    return np.array(small.resize((side, side), Image.Resampling.BILINEAR))


def smooth(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """Fine texture is smoothed away while strong edges stay: total variation (Rudin, Osher & Fatemi 1992).

    Solved in its dual form by projected gradient steps (Chambolle 2004, section 3), all colours with one common edge.
    """
    weight = SMOOTHING * strength
    values = pixels.astype(np.float32)
    flow = np.zeros((2, *values.shape), np.float32)
    for _ in range(SMOOTHING_STEPS):
        gradient = _gradient(values - weight * _divergence_adjoint(flow))
        flow = flow + gradient / (8 * weight)
        flow /= np.maximum(1, np.sqrt((flow**2).sum((0, 3), keepdims=True)))
    return _round(values - weight * _divergence_adjoint(flow))


def swap_detail(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """Fine detail is exchanged between patches, coarse shapes and colours stay where they are.

    Detail is the picture less its blurred copy; every patch gets that share of its detail from another patch.
    """
    coarse = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(DETAIL_SIGMA)), np.float32)
    detail = _cut(pixels - coarse, PATCH)
    order = np.random.default_rng(choice.seed).permutation(len(detail))
    exchanged = _join(detail * (1 - strength) + detail[order] * strength)
    return _round(coarse + exchanged)


def noise(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """Gaussian noise on every colour of every pixel."""
    drawn = np.random.default_rng(choice.seed).standard_normal(pixels.shape, np.float32)
    return _round(pixels + NOISE_LEVELS * strength * drawn)


def contrast(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """Every colour moves towards the mean of the picture."""
    mean = pixels.mean((0, 1), dtype=np.float64)
    return _round(mean + (pixels - mean) * (1 - strength))


def no_pixels(pixels: np.ndarray, strength: float, choice: Choice) -> np.ndarray:
    """Nothing happens to the picture: what is damaged is inside of the network."""
    return pixels.copy()


def position_factor(kind: str, strength: float) -> float:
    """Factor of the ViT's position embeddings under a damage: 1 but for `positions`."""
    return 1 - strength if kind == "positions" else 1.0


def _drop(pixels: np.ndarray, order: np.ndarray, strength: float) -> np.ndarray:
    patches = _cut(pixels, PATCH).copy()
    patches[order[: round(strength * len(patches))]] = GREY
    return _join(patches)


def _by_importance(pixels: np.ndarray, choice: Choice) -> np.ndarray:
    """Numbers of the patches, most important first; a coarse map is enlarged to the grid of patches."""
    if choice.importance is None:
        raise ValueError("dropping by importance needs a map")
    side = len(pixels) // PATCH
    scaled = Image.fromarray(choice.importance.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    return np.argsort(-np.asarray(scaled).ravel(), kind="stable")


def _cut(pixels: np.ndarray, side: int) -> np.ndarray:
    """`(height, width, 3)` into `(patches, side, side, 3)`, row by row."""
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    return pixels.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)


def _join(patches: np.ndarray) -> np.ndarray:
    count, side = round(len(patches) ** 0.5), patches.shape[1]
    return patches.reshape(count, count, side, side, 3).swapaxes(1, 2).reshape(count * side, count * side, 3)


def _gradient(values: np.ndarray) -> np.ndarray:
    down, right = np.zeros_like(values), np.zeros_like(values)
    down[:-1] = values[1:] - values[:-1]
    right[:, :-1] = values[:, 1:] - values[:, :-1]
    return np.stack([down, right])


def _divergence_adjoint(flow: np.ndarray) -> np.ndarray:
    """The transpose of `_gradient` (minus the divergence)."""
    down, right = flow
    result = np.zeros_like(down)
    result[:-1] -= down[:-1]
    result[1:] += down[:-1]
    result[:, :-1] -= right[:, :-1]
    result[:, 1:] += right[:, :-1]
    return result


def _small_side(strength: float, side: int) -> int:
    return round(side * (SMALLEST_SIDE / side) ** strength)


def _round(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _percent(what: str) -> Callable[[float], str]:
    return lambda strength: f"{100 * strength:.0f} % of {what}"


DAMAGES: dict[str, Damage] = {
    "shuffle": Damage(
        "Shuffle patches",
        _percent("the patches change places"),
        shuffle,
        "The parts stay, their arrangement goes. A network that recognises by parts alone would not mind.",
        uses=("grid", "seed"),
    ),
    "drop": Damage(
        "Drop patches at random",
        _percent("the patches are grey"),
        drop_random,
        "Grey squares of 14 x 14 pixels, the ViT's own patches. The ViT still reads them, as grey tokens.",
        uses=("seed",),
    ),
    "drop_most": Damage(
        "Drop the most important patches",
        _percent("the patches are grey, the most important first"),
        drop_most,
        "If the map tells where the answer comes from, confidence falls faster than with patches dropped at random.",
        uses=("importance",),
    ),
    "drop_least": Damage(
        "Drop the least important patches",
        _percent("the patches are grey, the least important first"),
        drop_least,
        "If the map tells where the answer comes from, confidence lasts longer than with patches dropped at random.",
        uses=("importance",),
    ),
    "occlude": Damage(
        "Cover what you paint",
        lambda strength: f"what you painted is {100 * strength:.0f} % grey",
        occlude,
        "Paint on the damaged picture. Without paint nothing is covered.",
        uses=("mask",),
    ),
    "blur": Damage(
        "Blur",
        lambda strength: f"Gaussian blur, standard deviation {LARGEST_BLUR * strength:.1f} pixels",
        blur,
        "Fine detail goes first; what remains are coarse shapes.",
    ),
    "rotate": Damage(
        "Rotate",
        lambda strength: f"turned by {180 * strength:.0f} degrees",
        rotate,
        "Neither network was trained on turned pictures, only on mirrored ones.",
    ),
    "rescale": Damage(
        "Shrink and enlarge",
        lambda strength: f"only {_small_side(strength, 224)} x {_small_side(strength, 224)} pixels are left",
        rescale,
        "As in a thumbnail: less is left to see, not less to compute.",
    ),
    "smooth": Damage(
        "Smooth the texture away",
        lambda strength: f"total variation smoothing of weight {SMOOTHING * strength:.0f}",
        smooth,
        "Edges stay, fine texture goes. This is a filter, not the painted styles of Geirhos et al. 2019.",
    ),
    "swap": Damage(
        "Exchange the texture",
        _percent("each patch's fine detail comes from another patch"),
        swap_detail,
        "Coarse shapes and colours stay; fine detail comes from elsewhere in the picture, so that texture and shape "
        "contradict each other. A simple stand-in for the styled pictures of Geirhos et al. 2019.",
        uses=("seed",),
    ),
    "noise": Damage(
        "Noise",
        lambda strength: f"Gaussian noise, standard deviation {NOISE_LEVELS * strength:.0f} of 255",
        noise,
        "Every pixel is wrong, by another amount; averages over many pixels hardly change.",
        uses=("seed",),
    ),
    "contrast": Damage(
        "Contrast",
        lambda strength: f"{100 * (1 - strength):.0f} % of the contrast is left",
        contrast,
        "At full strength the picture is one colour: what is answered then is a guess without looking.",
    ),
    "positions": Damage(
        "Remove position embeddings",
        lambda strength: f"the ViT's position embeddings are multiplied by {1 - strength:.1f}",
        no_pixels,
        "Inside the ViT only: without them it reads a bag of patches. A CNN has none to remove: where things are is "
        "in the arrangement of its maps, so its line stays level.",
    ),
}
