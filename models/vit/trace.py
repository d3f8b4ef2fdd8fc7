"""One picture through a Vision Transformer with every intermediate value kept: patches, tokens, attention, answer.

Shapes: L layers, H heads, `rows` x `columns` patches of p x p pixels, T = 1 + rows x columns tokens (CLS first),
D channels, C categories. All arrays are on the CPU.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch

from models.errors import InputError
from models.vit.network import Block, VisionTransformer, to_patches

MAX_PATCHES = 37 * 37


@dataclass(frozen=True)
class VitTrace:
    """What happened to one picture.

    image: `[rows p, columns p, 3]` uint8, the pixels the network saw.
    patches: `[rows, columns, p, p, 3]` uint8, the same pixels cut up.
    flattened: `[rows columns, 3 p p]` float32, the patches as the network reads them (normalised, flattened).
    embeddings: `[rows columns, D]` float32, after the linear layer, before positions are added.
    positions: `[T, D]` float32, what is added.
    attention: `[L, H, T, T]` float32, row: the token that looks, column: what it looks at; rows sum to 1.
    cls: `[L + 1, D]` float32, the CLS token before the first and after every layer.
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
    cls: np.ndarray
    probabilities: np.ndarray
    lens: np.ndarray
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        rows, columns, side, _, _ = self.patches.shape
        layers, heads = self.attention.shape[:2]
        tokens, width, categories = 1 + rows * columns, self.cls.shape[1], len(self.labels)
        expected = {
            "image": (rows * side, columns * side, 3),
            "patches": (rows, columns, side, side, 3),
            "flattened": (rows * columns, side * side * 3),
            "embeddings": (rows * columns, width),
            "positions": (tokens, width),
            "attention": (layers, heads, tokens, tokens),
            "cls": (layers + 1, width),
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
    def nbytes(self) -> int:
        """Memory of all arrays."""
        arrays = (getattr(self, field.name) for field in fields(self))
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    def top(self, count: int) -> list[tuple[str, float]]:
        """The `count` most probable categories with their probabilities."""
        return top(self.labels, self.probabilities, count)


def top(labels: tuple[str, ...], probabilities: np.ndarray, count: int) -> list[tuple[str, float]]:
    """The `count` most probable labels, most probable first; equal ones in the order of `labels`."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(labels[index], float(probabilities[index])) for index in order]


@torch.inference_mode()
def trace_image(network: VisionTransformer, image: np.ndarray, *, size: int | None = None) -> VitTrace:
    """Run `image` `(height, width, 3)` uint8 through `network` and keep everything.

    `size`: side of the square in pixels that the network sees, a multiple of its patch size; by default the size it
    was trained for. Raises `InputError` for a size that cannot be cut into patches or gives too many.
    """
    size = _check_grid(network, size)
    square = network.preprocessing.square(image, size)
    prepared = network.preprocessing.to_tensor(square)[None].to(network.cls.device)
    patch = network.shape.patch_size
    flattened = to_patches(prepared, patch).flatten(3).flatten(1, 2)
    embeddings = network.embed(flattened)
    positions = network.position_embeddings(size // patch, size // patch)
    tokens = network.tokens(prepared)
    stream, attention = [tokens], []
    for block in network.blocks:
        assert isinstance(block, Block)
        tokens, weights = block.forward_with_weights(tokens)
        stream.append(tokens)
        attention.append(weights[0])
    lens = _lens(network, stream)
    return VitTrace(
        image=square,
        patches=to_patches(torch.from_numpy(square.copy())[None], patch)[0].numpy().copy(),
        flattened=_array(flattened[0]),
        embeddings=_array(embeddings[0]),
        positions=_array(positions[0]),
        attention=_array(torch.stack(attention)),
        cls=_array(torch.cat([tokens[:, 0] for tokens in stream])),
        probabilities=lens[-1],
        lens=lens,
        labels=network.labels,
    )


@torch.inference_mode()
def classify_image(network: VisionTransformer, image: np.ndarray) -> np.ndarray:
    """Probabilities of the network's categories `[C]` for `image` `(height, width, 3)` uint8, nothing else kept."""
    square = network.preprocessing.square(image)
    prepared = network.preprocessing.to_tensor(square)[None].to(network.cls.device)
    return _array(network(prepared)[0].softmax(-1))


def position_similarity(positions: np.ndarray, token: int, grid: tuple[int, int]) -> np.ndarray:
    """Cosine of one position embedding with those of all patches, `[rows, columns]` (Dosovitskiy et al., figure 7)."""
    directions = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    return (directions[1:] @ directions[token]).reshape(grid)


def _check_grid(network: VisionTransformer, size: int | None) -> int:
    patch = network.shape.patch_size
    size = size or network.preprocessing.size // patch * patch
    if size % patch or not 0 < (size // patch) ** 2 <= MAX_PATCHES:
        raise InputError(f"The resolution must be a multiple of {patch} pixels, at most {37 * patch}.")
    return size


def _lens(network: VisionTransformer, stream: list[torch.Tensor]) -> np.ndarray:
    if network.head is None:
        return np.zeros((len(stream), 0), np.float32)
    return np.stack([_array(network.classify(network.norm(tokens))[0].softmax(-1)) for tokens in stream])


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.float().cpu().numpy())
