"""The same ViT-S/14 taught by labels, taught by itself without any (DINOv2), and taught nothing: where CLS looks.

Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", figure 1: without labels, heads of the
last layer find the thing.
"""

import time
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from models import runtime
from models.compute import Run, compute, run_of
from models.vision import library
from models.vision.network import VisionTransformer
from models.vit.found import thing_of
from models.vit.neighbours import BACKBONES
from models.vit.trace import trace_image

LABELS, DINO, NOTHING = "labels", "DINO", "nothing"


@dataclass(frozen=True)
class Teacher:
    """One network in its last layer. attention: `[rows, columns]` float32, what CLS takes from each patch as a share of
    what it takes from all, in the head that puts most on the thing; share: what that head puts on it, mean: all heads.
    """

    attention: np.ndarray
    head: int
    share: float
    mean: float


@dataclass(frozen=True)
class Teachers:
    """All three on one picture. square: what they saw `(side, side, 3)` uint8. part: the thing's patches among all, as
    the features of DINO tell it.
    """

    teachers: dict[str, Teacher]
    square: np.ndarray
    part: float
    run: Run


@compute
def compare_teachers(image: np.ndarray) -> Teachers:
    """Where CLS looks in `image` `(height, width, 3)` uint8, by three networks of one architecture."""
    dino, labels = (runtime.load(BACKBONES[name], library.load) for name in ("before", "after"))
    start = time.perf_counter()
    networks = {LABELS: labels.network, DINO: dino.network, NOTHING: _untrained(BACKBONES["before"])}
    traces = {name: trace_image(network, image) for name, network in networks.items()}
    seen = traces[DINO]
    thing = thing_of(seen.tokens[-1, 1:], seen.grid) > 0
    found = {name: _teacher(trace.attention[-1, :, 0, 1:], thing, trace.grid) for name, trace in traces.items()}
    run = run_of(labels, time.perf_counter() - start)
    return Teachers(found, seen.image, float(thing.mean()), run)


def untrained(network: VisionTransformer) -> VisionTransformer:
    """A network of that architecture that has learned nothing: matrices normal (deviation 0.02, seed 0), biases 0."""
    fresh = VisionTransformer(network.shape, (), network.preprocessing)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in fresh.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.02, generator=generator)
        elif name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    return fresh


@cache
def _untrained(name: str) -> VisionTransformer:
    network: VisionTransformer = runtime.load(name, library.load).network
    return untrained(network).to(network.cls.device).eval().requires_grad_(False)


def _teacher(rows: np.ndarray, thing: np.ndarray, grid: tuple[int, int]) -> Teacher:
    """rows: `[H, N]`, what CLS takes from patches in each head of the last layer."""
    rows = rows / np.maximum(rows.sum(axis=-1, keepdims=True), 1e-12)
    shares = rows[:, thing].sum(axis=-1)
    head = int(shares.argmax())
    return Teacher(rows[head].reshape(grid), head, float(shares[head]), float(shares.mean()))
