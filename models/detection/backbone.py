"""Where the patches of a detector's backbone look: attention of a vision transformer with or without windows.

What is kept are queries and keys, not the maps themselves: those of all patches would be hundreds of megabytes for a
large model, and the row of one patch is a product and a softmax away.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BackboneAttention:
    """Queries and keys of every layer of the backbone.

    `queries`, `keys` (layers, heads, windows, tokens, width) float32; the first token of a window is its CLS, the
    others are its patches row by row. `is_global` (layers,) bool: whether a layer looks at the whole picture; in the
    other layers a token sees its own window only. `grid`: rows and columns of patches.
    """

    queries: np.ndarray
    keys: np.ndarray
    is_global: np.ndarray
    grid: tuple[int, int]

    def __post_init__(self) -> None:
        layers, _, windows, tokens, _ = self.queries.shape
        if self.keys.shape != self.queries.shape or self.is_global.shape != (layers,):
            raise ValueError(f"queries of shape {self.queries.shape}, keys of shape {self.keys.shape}")
        if self.side**2 != windows or windows * (tokens - 1) != self.grid[0] * self.grid[1]:
            raise ValueError(
                f"{windows} windows of {tokens} tokens do not make {self.grid[0]} x {self.grid[1]} patches"
            )

    @property
    def side(self) -> int:
        """Windows a side; 1: the whole picture is one window."""
        return round(self.queries.shape[2] ** 0.5)

    def rows_of(self, token: int) -> np.ndarray:
        """Where one token looks: (layers, heads, 1 + rows columns) float32, rows sum to 1.

        Tokens are numbered as in a transformer without windows: 0 is CLS (that of the first window), then the patches
        row by row. What is taken from the CLS tokens of several windows is added up; patches that a layer cannot see
        from here have weight 0.
        """
        layers, heads, windows, tokens, width = self.queries.shape
        window, place = self._place(token)
        found = np.zeros((layers, heads, windows, tokens), np.float32)
        for layer in range(layers):
            seen = slice(None) if self.is_global[layer] else slice(window, window + 1)
            scores = self.keys[layer, :, seen] @ self.queries[layer, :, window, place, :, None][:, None]
            found[layer, :, seen] = _softmax(scores.reshape(heads, -1) / width**0.5).reshape(heads, -1, tokens)
        return np.concatenate([found[..., 0].sum(-1, keepdims=True), self._by_place(found[..., 1:])], -1)

    def patch_at(self, x: float, y: float) -> int:
        """The token of the patch at a place given as shares of the picture; places outside count as its edge."""
        rows, columns = self.grid
        row, column = (min(max(int(share * count), 0), count - 1) for share, count in ((y, rows), (x, columns)))
        return 1 + row * columns + column

    def _place(self, token: int) -> tuple[int, int]:
        """Window of a token and its number in it."""
        if token == 0:
            return 0, 0
        rows, columns = (count // self.side for count in self.grid)
        row, column = divmod(token - 1, self.grid[1])
        window = row // rows * self.side + column // columns
        return window, 1 + row % rows * columns + column % columns

    def _by_place(self, patches: np.ndarray) -> np.ndarray:
        """(layers, heads, windows, patches of a window) to (layers, heads, patches), row by row over the picture."""
        layers, heads = patches.shape[:2]
        rows, columns = (count // self.side for count in self.grid)
        split = patches.reshape(layers, heads, self.side, self.side, rows, columns)
        return split.transpose(0, 1, 2, 4, 3, 5).reshape(layers, heads, -1)


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)
