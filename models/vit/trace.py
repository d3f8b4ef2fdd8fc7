"""One picture through a Vision Transformer with every intermediate value kept: patches, tokens, attention, answer.

Shapes: L layers, H heads, `rows` x `columns` patches of p x p pixels, T = 1 + rows x columns tokens (CLS first),
D channels, C categories. All arrays are on the CPU.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
import torch

from models import runtime
from models.compute import Run, batched, compute, run_of
from models.errors import InputError
from models.vision import library
from models.vision.network import Block, VisionTransformer, to_patches
from models.vit.calibration import calibrated
from models.vit.cost import Cost, cost_of
from models.vit.lens import probed

MAX_SIDE = 37
Positions = Literal["kept", "removed", "shuffled"]


@dataclass(frozen=True)
class Edits:
    """What is changed inside of a run; `Edits()` changes nothing.

    positions: the position embeddings of the patches are kept, removed (zeros), or shuffled (always by the same random
        permutation). CLS keeps its own: it is the same for every picture and says nothing about a place.
    """

    positions: Positions = "kept"

    def __post_init__(self) -> None:
        if self.positions not in get_args(Positions):
            raise ValueError(f"positions cannot be {self.positions!r}")


NOTHING_CHANGED = Edits()


@dataclass(frozen=True)
class VitTrace:
    """What happened to one picture.

    image: `[rows p, columns p, 3]` uint8, the pixels the network saw.
    patches: `[rows, columns, p, p, 3]` uint8, the same pixels cut up.
    flattened: `[rows columns, 3 p p]` float32, the patches as the network reads them (normalised, flattened).
    embeddings: `[rows columns, D]` float32, after the linear layer, before positions are added.
    positions: `[T, D]` float32, what is added (as edited).
    attention: `[L, H, T, T]` float32, row: the token that looks, column: what it looks at; rows sum to 1.
    tokens: `[L + 1, T, D]` float32, the residual stream: all tokens before the first and after every layer, before the
        last normalisation.
    probabilities: `[C]` float32, the answer; empty for a network without categories.
    lens: `[L + 1, C]` float32, what the head would answer after each number of layers ("logit lens",
        nostalgebraist 2020); its last row is `probabilities`.
    labels: the C categories.
    """

    image: np.ndarray
    patches: np.ndarray
    flattened: np.ndarray
    embeddings: np.ndarray
    positions: np.ndarray
    attention: np.ndarray
    tokens: np.ndarray
    probabilities: np.ndarray
    lens: np.ndarray
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        rows, columns, side, _, _ = self.patches.shape
        layers, heads = self.attention.shape[:2]
        tokens, width, categories = 1 + rows * columns, self.tokens.shape[2], len(self.labels)
        expected = {
            "image": (rows * side, columns * side, 3),
            "patches": (rows, columns, side, side, 3),
            "flattened": (rows * columns, side * side * 3),
            "embeddings": (rows * columns, width),
            "positions": (tokens, width),
            "attention": (layers, heads, tokens, tokens),
            "tokens": (layers + 1, tokens, width),
            "probabilities": (categories,),
            "lens": (layers + 1, categories),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.patches.shape[0], self.patches.shape[1]

    @property
    def cls(self) -> np.ndarray:
        """The CLS token before the first and after every layer, `[L + 1, D]` float32."""
        return self.tokens[:, 0]

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        arrays = (getattr(self, field.name) for field in fields(self))
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    def top(self, count: int) -> list[tuple[str, float]]:
        """The `count` most probable categories with their probabilities."""
        return top(self.labels, self.probabilities, count)


@dataclass(frozen=True)
class PatchEmbedding:
    """The linear layer that reads a patch of p x p pixels, and how pixels are normalised before it.

    filters: `[D, 3 p p]` float32. bias: `[D]` float32. mean, std: of red, green and blue, 0 to 1.
    """

    filters: np.ndarray
    bias: np.ndarray
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class VitResult:
    """A trace with what ran, what it cost by the architecture, and the layer that embedded its patches.

    probed: `[L + 1, C]` float32, the answer of the probe fitted for each layer; `[0, C]` for a model without probes.
    """

    trace: VitTrace
    run: Run
    cost: Cost
    embedding: PatchEmbedding
    probed: np.ndarray


@dataclass(frozen=True)
class Classified:
    """The most probable categories with their probabilities, most probable first; sure: the same, calibrated."""

    top: list[tuple[str, float]]
    sure: list[float]
    run: Run


def load_vit(name: str) -> runtime.Loaded:
    """The Vision Transformer of that name, loaded once."""
    return runtime.load(name, library.load)


@compute
def trace_picture(
    model: str, image: np.ndarray, *, size: int = 0, side: int = 0, edits: Edits = NOTHING_CHANGED
) -> VitResult:
    """Trace `image` `(height, width, 3)` uint8 through the model of that name.

    `size` in pixels, or `side` in patches; 0 for both: as trained. Raises `InputError` as `trace_image` does.
    """
    loaded = load_vit(model)
    network: VisionTransformer = loaded.network
    start = time.perf_counter()
    trace = trace_image(network, image, size=size or side * network.shape.patch_size or None, edits=edits)
    run = run_of(loaded, time.perf_counter() - start)
    cost = cost_of(network.shape, trace.grid[0], len(network.labels))
    return VitResult(trace, run, cost, patch_embedding(network), probed(model, network, trace.tokens))


def patch_embedding(network: VisionTransformer) -> PatchEmbedding:
    """The layer of a network that reads its patches, and how pixels are normalised before it."""
    layer, preprocessing = network.embed, network.preprocessing
    weight, bias = _array(layer.weight.detach()), _array(layer.bias.detach())
    return PatchEmbedding(weight, bias, preprocessing.mean, preprocessing.std)


@compute
def classify_picture(model: str, image: np.ndarray, count: int) -> Classified:
    """The `count` most probable categories of `image` `(height, width, 3)` uint8."""
    return classify_pictures([(model, image, count)])[0]


@batched(classify_picture)
def classify_pictures(calls: Sequence[tuple[str, np.ndarray, int]]) -> list[Classified]:
    """Several calls of `classify_picture`, those of one model as one batch; each is told the seconds of its batch."""
    found: dict[int, Classified] = {}
    for model in dict.fromkeys(name for name, _, _ in calls):
        places = [place for place, (name, _, _) in enumerate(calls) if name == model]
        loaded = load_vit(model)
        start = time.perf_counter()
        every = classify_images(loaded.network, [calls[place][1] for place in places])
        run = run_of(loaded, time.perf_counter() - start)
        for place, probabilities in zip(places, every, strict=True):
            count = calls[place][2]
            sure = np.sort(calibrated(probabilities, model))[::-1][:count].tolist()
            found[place] = Classified(top(loaded.network.labels, probabilities, count), sure, run)
    return [found[place] for place in range(len(calls))]


@compute
def sizes_of(model: str) -> tuple[int, int]:
    """Pixels of a patch, and the size in pixels that the model was trained for."""
    network = load_vit(model).network
    return network.shape.patch_size, default_size(network)


@compute
def costs_of(model: str, factors: tuple[int, ...]) -> tuple[Cost, ...]:
    """What a picture costs with that many times as many patches a side as the model was trained for."""
    network: VisionTransformer = load_vit(model).network
    side = default_size(network) // network.shape.patch_size
    return tuple(cost_of(network.shape, factor * side, len(network.labels)) for factor in factors)


def top(labels: tuple[str, ...], probabilities: np.ndarray, count: int) -> list[tuple[str, float]]:
    """The `count` most probable labels, most probable first; equal ones in the order of `labels`."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(labels[index], float(probabilities[index])) for index in order]


@torch.inference_mode()
def trace_image(
    network: VisionTransformer, image: np.ndarray, *, size: int | None = None, edits: Edits = NOTHING_CHANGED
) -> VitTrace:
    """Run `image` `(height, width, 3)` uint8 through `network`, changed by `edits`, and keep everything.

    `size`: side of the square in pixels that the network sees, a multiple of its patch size; by default the size it
    was trained for. Raises `InputError` for a size that cannot be cut into patches or gives too many.
    """
    size = _check_grid(network, size)
    square = network.preprocessing.square(image, size)
    prepared = network.preprocessing.to_tensor(square)[None].to(network.cls.device)
    patch = network.shape.patch_size
    flattened = to_patches(prepared, patch).flatten(3).flatten(1, 2)
    embeddings = network.embed(flattened)
    positions = _edited(network.position_embeddings(size // patch, size // patch), edits.positions)
    tokens = network.tokens(prepared, positions)
    stream, count = [tokens], tokens.shape[1]
    attention = np.empty((network.shape.layers, network.shape.heads, count, count), np.float32)
    for layer, block in enumerate(network.blocks):
        assert isinstance(block, Block)
        tokens, weights = block.forward_with_weights(tokens)
        stream.append(tokens)
        attention[layer] = _array(weights[0])
    lens = _lens(network, stream)
    return VitTrace(
        image=square,
        patches=to_patches(torch.from_numpy(square.copy())[None], patch)[0].numpy().copy(),
        flattened=_array(flattened[0]),
        embeddings=_array(embeddings[0]),
        positions=_array(positions[0]),
        attention=attention,
        tokens=_array(torch.cat(stream)),
        probabilities=lens[-1],
        lens=lens,
        labels=network.labels,
    )


@torch.inference_mode()
def classify_image(network: VisionTransformer, image: np.ndarray) -> np.ndarray:
    """Probabilities of the network's categories `[C]` for `image` `(height, width, 3)` uint8, nothing else kept."""
    return classify_images(network, [image])[0]


@torch.inference_mode()
def classify_images(network: VisionTransformer, images: Sequence[np.ndarray]) -> np.ndarray:
    """The same `[N, C]` for several images, each of any size, in one pass."""
    preprocessing = network.preprocessing
    prepared = torch.stack([preprocessing.to_tensor(preprocessing.square(image)) for image in images])
    return _array(network(prepared.to(network.cls.device)).softmax(-1))


def position_similarity(positions: np.ndarray, token: int, grid: tuple[int, int]) -> np.ndarray:
    """Cosine of one position embedding with those of all patches, `[rows, columns]` (Dosovitskiy et al., figure 7)."""
    directions = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    return (directions[1:] @ directions[token]).reshape(grid)


def _edited(positions: torch.Tensor, how: Positions) -> torch.Tensor:
    """Position embeddings `(1, T, D)` with those of the patches removed or shuffled."""
    if how == "kept":
        return positions
    cls, patches = positions[:, :1], positions[:, 1:]
    order = torch.randperm(patches.shape[1], generator=torch.Generator().manual_seed(0)).to(patches.device)
    return torch.cat([cls, torch.zeros_like(patches) if how == "removed" else patches[:, order]], dim=1)


def default_size(network: VisionTransformer) -> int:
    """Side of the picture in pixels that the network was trained for, cut down to whole patches."""
    patch = network.shape.patch_size
    return network.preprocessing.size // patch * patch


def _check_grid(network: VisionTransformer, size: int | None) -> int:
    patch = network.shape.patch_size
    if size is None:
        size = default_size(network)
    if size % patch or not 0 < size // patch <= MAX_SIDE:
        raise InputError(f"The resolution must be a multiple of {patch} pixels, at most {MAX_SIDE * patch}.")
    return size


def _lens(network: VisionTransformer, stream: list[torch.Tensor]) -> np.ndarray:
    if network.head is None:
        return np.zeros((len(stream), 0), np.float32)
    return np.stack([_array(network.classify(network.norm(tokens))[0].softmax(-1)) for tokens in stream])


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.float().cpu().numpy())
