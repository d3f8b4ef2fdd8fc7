"""How much data does each need, trained now: the small CNN and the small ViT on 1 % and on all of some drawn digits.

The networks are those of `from_scratch.py`, with one recipe for all four trainings. The digits are drawn here, at any
place, size, angle and colour, so that no data set is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models import runtime
from models.compute import compute
from models.vit.from_scratch import NETWORKS, PREPARE, SIDE, build

PICTURES, HELD_OUT = 2000, 300
SHARES = (1, 100)
STEPS, BATCH, STEPS_A_POINT = 160, 32, 16
RATE, DECAY = 1e-3, 0.05
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)


@dataclass(frozen=True)
class Learning:
    """Four trainings so far. points: by network and share in percent, [steps, share of held-out digits that are right].

    pictures: how many each share is; steps: of each training in all.
    """

    points: dict[tuple[str, int], tuple[tuple[int, float], ...]]
    pictures: dict[int, int]
    steps: int


def draw_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` pictures `(count, 32, 32, 3)` uint8 with one digit each, and the digits `(count,)`; as many of each."""
    rng = np.random.default_rng(seed)
    digits = np.arange(count) % 10
    return np.stack([_digit(int(digit), rng) for digit in digits]), digits


def _digit(digit: int, rng: np.random.Generator) -> np.ndarray:
    ground, ink = rng.integers(0, 256, (2, 3))
    while np.abs(ground - ink).sum() < 200:
        ground, ink = rng.integers(0, 256, (2, 3))
    picture = np.full((2 * SIDE, 2 * SIDE, 3), ground, np.uint8)
    size, font = float(rng.uniform(0.8, 1.6)), int(rng.choice(FONTS))
    thickness = int(rng.integers(2, 5))
    (width, height), _ = cv2.getTextSize(str(digit), font, size, thickness)
    place = (SIDE - width // 2, SIDE + height // 2)
    cv2.putText(picture, str(digit), place, font, size, ink.tolist(), thickness, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((SIDE, SIDE), float(rng.uniform(-25, 25)), 1.0)
    turn[:, 2] += rng.uniform(-14, 14, 2)
    moved = cv2.warpAffine(picture, turn, (2 * SIDE, 2 * SIDE), borderValue=ground.tolist())
    small = cv2.resize(moved, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.clip(small + rng.normal(0, 12, small.shape), 0, 255).astype(np.uint8)


@compute(heavy=True)
def train_four(seed: int = 0) -> Iterator[Learning]:
    """Train both networks on both shares, side by side; one point more at every value."""
    images, digits = draw_digits(PICTURES, seed)
    device = runtime.device()
    held_out = tuple(torch.from_numpy(part).to(device) for part in draw_digits(HELD_OUT, seed + 1))
    counts = {share: PICTURES * share // 100 for share in SHARES}
    trainings = {
        (kind, share): _steps(kind, images[: counts[share]], digits[: counts[share]], held_out, seed)
        for share in SHARES
        for kind in NETWORKS
    }
    points: dict[tuple[str, int], tuple[tuple[int, float], ...]] = dict.fromkeys(trainings, ())
    for _ in range(STEPS // STEPS_A_POINT):
        for name, training in trainings.items():
            points = {**points, name: (*points[name], next(training))}
            yield Learning(points, counts, STEPS)


def _steps(
    kind: str, images: np.ndarray, digits: np.ndarray, held_out: tuple[torch.Tensor, ...], seed: int
) -> Iterator[tuple[int, float]]:
    """One training; yields steps done and the share of `held_out` that is right."""
    torch.manual_seed(seed)
    device = held_out[0].device
    network = build(kind).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    given, truth = PREPARE.to_tensor(torch.from_numpy(images).to(device)), torch.from_numpy(digits).to(device)
    order = np.random.default_rng(seed)
    for step in range(1, STEPS + 1):
        chosen = torch.from_numpy(order.integers(0, len(images), BATCH)).to(device)
        network.train()
        loss = functional.cross_entropy(network(given[chosen]), truth[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % STEPS_A_POINT == 0:
            yield step, _right(network, *held_out)


@torch.no_grad()
def _right(network: nn.Module, images: torch.Tensor, digits: torch.Tensor) -> float:
    network.eval()
    return float((network(PREPARE.to_tensor(images)).argmax(-1) == digits).float().mean())
