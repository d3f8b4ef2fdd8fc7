"""What the captioner sees of a photo: 64 cells, each described by two networks that were trained to name things.

A Vision Transformer, whose patch vectors know of the whole photo, and a convolutional network that has learned from
ImageNet's 1.3 million photos. Neither was trained any further.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from models.vision.cnn import EfficientNetLite
from models.vision.network import VisionTransformer

VIT, CNN = "vit-s14-caltech101", "efficientnet-lite0-caltech101"
SIDE, GRID = 256, 8
"""Pixels of a side of the square that is looked at, cells of a side of the grid that is kept of it."""
VIT_SIDE = 224
DEPTHS = (9, 12)
"""After which blocks the patch vectors are taken: the earlier ones say more of places, the later ones more of kinds."""


def square(pixels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The whole photo (height, width, 3) uint8 squeezed into the square."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))


@torch.inference_mode()
def see(vit: VisionTransformer, cnn: EfficientNetLite, pictures: list[np.ndarray]) -> Tensor:
    """Photos (height, width, 3) uint8 to `[N, 64, features]`: the patch vectors of `DEPTHS` and the last maps, each
    normed.

    The ViT's 16 x 16 patches are put together two by two; the convolutions' last maps are 8 x 8 as they are.
    """
    return torch.cat([_patches(vit, pictures), _maps(cnn, pictures)], -1)


def _patches(vit: VisionTransformer, pictures: list[np.ndarray]) -> Tensor:
    squares = np.stack([square(pixels, VIT_SIDE) for pixels in pictures])
    tokens, kept = vit.tokens(vit.preprocessing.to_tensor(squares).to(vit.cls.device)), []
    for depth, block in enumerate(vit.blocks, 1):
        tokens = block(tokens)
        if depth in DEPTHS:
            kept.append(_normed(tokens[:, 1:]))
    patches = torch.cat(kept, -1)
    each = VIT_SIDE // vit.shape.patch_size // GRID
    return patches.unflatten(1, (GRID, each, GRID, each)).mean((2, 4)).flatten(1, 2)


def _maps(cnn: EfficientNetLite, pictures: list[np.ndarray]) -> Tensor:
    squares = np.stack([square(pixels) for pixels in pictures])
    prepared = cnn.preprocessing.to_tensor(squares).to(cnn.head.weight.device)
    return _normed(cnn.maps(prepared)[-1].flatten(2).transpose(1, 2))


def _normed(vectors: Tensor) -> Tensor:
    return F.layer_norm(vectors, vectors.shape[-1:])
