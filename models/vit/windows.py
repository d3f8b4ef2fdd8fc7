"""Swin: patches attend within windows, the windows shift from block to block, and patches merge from stage to stage.

Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", sections 3.1 and 3.2. The
network is the transformers library's; its blocks are run one by one here, as it keeps the attention of one block a
stage only.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import SwinForImageClassification

from models import runtime
from models.compute import Run, compute, run_of
from models.errors import WeightsError
from models.vision.preprocessing import Preprocessing, load_preprocessing


class Swin(nn.Module):
    """A Swin Transformer with its preprocessing and the names of its categories."""

    def __init__(self, network: SwinForImageClassification, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing
        names: Any = network.config.id2label
        self.labels = tuple(names[index] for index in range(len(names)))


@dataclass(frozen=True)
class WindowBlock:
    """Attention of one block over N = grid x grid patches, in windows of K = window x window places.

    stage, block: which one it is, both from 1. side: pixels of a patch. shift: by how many patches the windows are
        shifted down and to the right; 0 in every other block.
    attention: `[H, N, K]` float32, how much each patch takes from each place of its window; rows sum to 1.
    keys: `[N, K]` int64, the patch at each place of that window; -1 where there is none that it may look at: beyond the
        edge, or on the other side of the picture (where a shifted window goes on, masked).
    reach: `[N, 4]` int64, left, top, right, bottom in pixels of all that can have come to the patch by now.
    """

    stage: int
    block: int
    grid: int
    side: int
    window: int
    shift: int
    attention: np.ndarray
    keys: np.ndarray
    reach: np.ndarray


@dataclass(frozen=True)
class WindowTrace:
    """What happened to one picture: `image` `[size, size, 3]` uint8, every block in the order they ran, the answer
    `probabilities` `[C]` float32 over the C categories `labels`.
    """

    image: np.ndarray
    blocks: tuple[WindowBlock, ...]
    probabilities: np.ndarray
    labels: tuple[str, ...]


def load(folder: Path) -> Swin:
    """Swin from a folder of the transformers library: config.json, model.safetensors, preprocessor_config.json.

    Raises `WeightsError` where tensors are missing or of another shape: the library would make them up.
    """
    loaded: Any = SwinForImageClassification.from_pretrained(
        folder,
        use_safetensors=True,
        local_files_only=True,
        dtype=torch.float32,
        attn_implementation="eager",
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    network, found = loaded
    if found["missing_keys"] or found["mismatched_keys"]:
        raise WeightsError(f"The weights in {folder.name} do not fit the architecture in its config.json.")
    size: Any = network.config.image_size
    return Swin(network, load_preprocessing(folder, Preprocessing(size=size, shorter_side=None)))


@compute
def windows_of_picture(model: str, image: np.ndarray) -> tuple[WindowTrace, Run]:
    """Trace `image` `(height, width, 3)` uint8 through the Swin of that name."""
    loaded = runtime.load(model, load)
    start = time.perf_counter()
    trace = trace_windows(loaded.network, image)
    return trace, run_of(loaded, time.perf_counter() - start)


@torch.inference_mode()
def trace_windows(swin: Swin, image: np.ndarray) -> WindowTrace:
    """Run `image` `(height, width, 3)` uint8 and keep the attention of every block."""
    inner: Any = swin.network.swin
    square = swin.preprocessing.square(image)
    pixels = swin.preprocessing.to_tensor(square).permute(2, 0, 1)[None]
    hidden, (grid, _) = inner.embeddings(pixels.to(swin.network.device))
    reach = first_reach(grid, len(square) // grid)
    kept: list[WindowBlock] = []
    for stage, layer in enumerate(inner.encoder.layers, 1):
        for block, module in enumerate(layer.blocks, 1):
            hidden, weights = module(hidden, (grid, grid))
            window, shift = int(module.window_size), int(module.shift_size)
            places, keys = windows_of(grid, window, shift)
            reach = grown(reach, keys)
            attention = by_patch(weights.float().cpu().numpy(), places)
            kept.append(WindowBlock(stage, block, grid, len(square) // grid, window, shift, attention, keys, reach))
        if layer.downsample is not None:
            hidden = layer.downsample(hidden, (grid, grid))
            reach, grid = merged(reach, grid), (grid + 1) // 2
    logits = swin.network.classifier(inner.layernorm(hidden).mean(1))[0]
    return WindowTrace(square, tuple(kept), logits.softmax(-1).float().cpu().numpy(), swin.labels)


def windows_of(grid: int, window: int, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Which patch stands where: `places` `[windows, K]`, -1 beyond the edge, and `keys` of `WindowBlock`.

    Windows are cut after the picture was rolled up and to the left by `shift`, so that all have one size; what then
    shares a window but not a side of the picture is masked (section 3.2, "Efficient batch computation").
    """
    count = -(-grid // window)
    patches = np.full((count * window, count * window), -1)
    patches[:grid, :grid] = np.arange(grid * grid).reshape(grid, grid)
    band = np.zeros(count * window, int)
    if shift:
        band[-window:-shift], band[-shift:] = 1, 2
    places = _cut(np.roll(patches, (-shift, -shift), (0, 1)), window)
    regions = _cut(3 * band[:, None] + band[None, :], window)
    together = regions[:, :, None] == regions[:, None, :]
    keys = by_patch(np.where(together, places[:, None, :], -1)[:, None], places)[0]
    return places, keys


def _cut(plane: np.ndarray, window: int) -> np.ndarray:
    """`[side, side]` to `[windows, K]`."""
    count = len(plane) // window
    return plane.reshape(count, window, count, window).swapaxes(1, 2).reshape(count * count, -1)


def by_patch(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """`[windows, H, K, K]`, rows by window and place, to `[H, N, K]`, rows by patch."""
    rows = values.swapaxes(0, 1).reshape(values.shape[1], -1, values.shape[-1])
    order = np.argsort(places, axis=None, kind="stable")
    return rows[:, order[(places < 0).sum() :]]


def first_reach(grid: int, side: int) -> np.ndarray:
    """Before the first block each patch knows its own pixels, `[N, 4]`."""
    rows, columns = np.divmod(np.arange(grid * grid), grid)
    return np.stack([columns, rows, columns + 1, rows + 1], 1) * side


def grown(reach: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """What can have come to each patch after it looked at its `keys`: the frame around all that had come to those."""
    return _around(np.where(keys >= 0, keys, np.arange(len(keys))[:, None]), reach)


def merged(reach: np.ndarray, grid: int) -> np.ndarray:
    """Of patches merged two by two (section 3.1), `[N / 4, 4]`; a last odd row or column stays alone."""
    at = np.arange(0, grid, 2)
    pairs = np.stack([at, np.minimum(at + 1, grid - 1)], 1)
    four = (pairs[:, None, :, None] * grid + pairs[None, :, None, :]).reshape(len(at) ** 2, 4)
    return _around(four, reach)


def _around(members: np.ndarray, reach: np.ndarray) -> np.ndarray:
    frames = reach[members]
    return np.concatenate([frames[..., :2].min(1), frames[..., 2:].max(1)], -1)
