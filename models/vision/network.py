"""A Vision Transformer in one page: a picture is cut into patches, and the patches are read as words are.

Equations 1 to 4 of Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words". DINOv2 (Oquab et al. 2023) adds layer
scale (Touvron et al. 2021, "Going deeper with Image Transformers", equation 4) and larger pictures.

Shapes: N pictures, T = 1 + rows x columns tokens (CLS first), D = `width`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.vision.preprocessing import Preprocessing


@dataclass(frozen=True)
class Architecture:
    """The numbers that define a Vision Transformer.

    `patch_size` in pixels; `grid`: side of the stored position table; `pool`: what the head reads, the CLS token or
    CLS beside the mean of the patch tokens.
    """

    patch_size: int
    grid: int
    width: int
    layers: int
    heads: int
    mlp_width: int
    epsilon: float
    layer_scale: bool
    pool: Literal["cls", "cls+mean"]


class SelfAttention(nn.Module):
    """Every token asks (query), offers (key) and hands over (value): softmax(Q K^T / sqrt(d)) V, head by head."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(N, T, D)` to `(N, T, D)`."""
        query, key, value = (self._split(part(tokens)) for part in (self.query, self.key, self.value))
        return self._join(functional.scaled_dot_product_attention(query, key, value))

    def forward_with_weights(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same written out, with the attention weights `(N, heads, T, T)`; row: who looks, column: at whom."""
        query, key, value = (self._split(part(tokens)) for part in (self.query, self.key, self.value))
        weights = torch.softmax(query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5, dim=-1)
        return self._join(weights @ value), weights

    def _split(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _join(self, heads: torch.Tensor) -> torch.Tensor:
        return self.output(heads.transpose(1, 2).flatten(2))


class LayerScale(nn.Module):
    """One learned factor per channel, so that a deep network starts close to the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scale the last dimension."""
        return tokens * self.factor


class Block(nn.Module):
    """Attention mixes the tokens, the MLP works on each alone; both add to the residual stream (equations 2, 3)."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.attention = SelfAttention(shape.width, shape.heads)
        self.scale1 = LayerScale(shape.width) if shape.layer_scale else nn.Identity()
        self.norm2 = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.expand = nn.Linear(shape.width, shape.mlp_width)
        self.contract = nn.Linear(shape.mlp_width, shape.width)
        self.scale2 = LayerScale(shape.width) if shape.layer_scale else nn.Identity()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(N, T, D)` to `(N, T, D)`."""
        return self._mlp(tokens + self.scale1(self.attention(self.norm1(tokens))))

    def forward_with_weights(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As `forward`, with the attention weights `(N, heads, T, T)`."""
        mixed, weights = self.attention.forward_with_weights(self.norm1(tokens))
        return self._mlp(tokens + self.scale1(mixed)), weights

    def _mlp(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens + self.scale2(self.contract(functional.gelu(self.expand(self.norm2(tokens)))))


class VisionTransformer(nn.Module):
    """Split, flatten, embed, add positions, encode, classify. Without `labels` it gives features only."""

    def __init__(self, shape: Architecture, labels: Sequence[str], preprocessing: Preprocessing) -> None:
        super().__init__()
        self.shape = shape
        self.labels = tuple(labels)
        self.preprocessing = preprocessing
        self.embed = nn.Linear(shape.patch_size**2 * 3, shape.width)
        self.cls = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + shape.grid**2, shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.head = nn.Linear(self.pool_width, len(self.labels)) if self.labels else None

    @property
    def pool_width(self) -> int:
        """Numbers that the head reads of a picture."""
        return self.shape.width * (2 if self.shape.pool == "cls+mean" else 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits `(N, labels)` of prepared pictures `(N, height, width, 3)` (see `Preprocessing.to_tensor`)."""
        return self.classify(self.encode(self.tokens(images)))

    def tokens(self, images: torch.Tensor, positions: torch.Tensor | None = None) -> torch.Tensor:
        """Equation 1: CLS and the embedded patches, each with its position. `(N, T, D)`.

        `positions` `(1, T, D)` are added in place of the learned ones.
        """
        patches = to_patches(images, self.shape.patch_size)
        rows, columns = patches.shape[1:3]
        embedded = self.embed(patches.flatten(3).flatten(1, 2))
        cls = self.cls.expand(len(images), -1, -1)
        if positions is None:
            positions = self.position_embeddings(rows, columns)
        return torch.cat([cls, embedded], dim=1) + positions

    def position_embeddings(self, rows: int, columns: int) -> torch.Tensor:
        """The learned table `(1, 1 + rows x columns, D)`, resized where the grid is not the one it was learned on."""
        grid = self.shape.grid
        if rows == columns == grid:
            return self.positions
        table = self.positions[:, 1:].unflatten(1, (grid, grid)).permute(0, 3, 1, 2).float()
        resized = functional.interpolate(table, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([self.positions[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)

    def encode(self, tokens: torch.Tensor) -> torch.Tensor:
        """All blocks and the last normalisation. `(N, T, D)` to `(N, T, D)`."""
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def pool(self, encoded: torch.Tensor) -> torch.Tensor:
        """What the head reads: CLS `(N, D)`, or CLS beside the mean patch `(N, 2 D)`."""
        if self.shape.pool == "cls":
            return encoded[:, 0]
        return torch.cat([encoded[:, 0], encoded[:, 1:].mean(dim=1)], dim=1)

    def classify(self, encoded: torch.Tensor) -> torch.Tensor:
        """Logits `(N, labels)` from normalised tokens (equation 4 and the head)."""
        assert self.head is not None, "a network without labels has no head"
        return self.head(self.pool(encoded))


def to_patches(images: torch.Tensor, patch_size: int) -> torch.Tensor:
    """Cut `(N, height, width, 3)` into `(N, rows, columns, patch_size, patch_size, 3)`; nothing is lost."""
    count, height, width, channels = images.shape
    if height % patch_size or width % patch_size:
        raise ValueError(f"{width} x {height} pixels cannot be cut into patches of {patch_size}")
    rows, columns = height // patch_size, width // patch_size
    return images.reshape(count, rows, patch_size, columns, patch_size, channels).transpose(2, 3)


@torch.inference_mode()
def image_features(
    network: VisionTransformer, images: np.ndarray, *, size: int = 224, batch_size: int = 64
) -> np.ndarray:
    """Normalised CLS token of the last layer, `(N, D)` float32, of `images` `(N, height, width, 3)` uint8.

    Pictures are resized (antialiased bicubic, aspect not kept) to `size` x `size`. A feature space for comparing sets
    of pictures, as in "Exposing flaws of generative model evaluation metrics" (Stein et al. 2023, section 4).
    """
    device = network.cls.device
    features = []
    for start in range(0, len(images), batch_size):
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + batch_size])).to(device)
        resized = functional.interpolate(
            pixels.permute(0, 3, 1, 2).float(), size=(size, size), mode="bicubic", antialias=True
        )
        prepared = network.preprocessing.to_tensor(resized.clamp(0, 255).permute(0, 2, 3, 1))
        features.append(network.encode(network.tokens(prepared))[:, 0].float().cpu().numpy())
    return np.concatenate(features) if features else np.zeros((0, network.shape.width), np.float32)
