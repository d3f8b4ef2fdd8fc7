"""Masked diffusion on characters: noise is a blank, and a network fills the blanks step by step (`lines.py`)."""

from collections.abc import Iterator

import numpy as np
import torch

from models import runtime
from models.compute import compute, run_of
from models.diffusion.lines import (
    BLANK,
    LINES_BESIDE,
    NAME,
    NEVER,
    STEPS_BESIDE,
    Beside,
    Filled,
    FillStep,
    Sides,
    Words,
    count_words,
    draw,
    reverse_chances,
    text_of,
)
from models.diffusion.masked_network import BlankReader, load
from models.runtime import Stopwatch


@torch.inference_mode()
def said(network: BlankReader, seen: np.ndarray) -> np.ndarray:
    """What the network says of every place of `seen [B, T]`: `[B, T, ALPHABET]` float64, `NEVER` at zero.

    In float64, as draws by rounded numbers would be bolder than the distribution (Zheng et al. 2024).
    """
    device = next(network.parameters()).device
    logits = network(torch.from_numpy(seen).to(device)).cpu().double()
    logits[..., NEVER] = -torch.inf
    return logits.softmax(-1).numpy()


def fill(
    network: BlankReader, template: np.ndarray, steps: int, order: str, seeds: list[int]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Fill `template [T]` once for each of B seeds. Yields seen, chances and after of each step, as in `FillStep`.

    order: "random" takes the steps of the reverse process. "surest" fills an equal share of the blanks a step, those
    first of which the network is surest (Chang et al. 2022): what it draws is then no sample of its distribution.
    """
    dice = [np.random.default_rng(seed) for seed in seeds]
    seen = np.repeat(template[None], len(seeds), axis=0)
    for step in range(steps):
        blank = seen == BLANK
        chances = said(network, seen) * blank[..., None]
        uniform = np.stack([one.random(len(template)) for one in dice])
        t, s = 1 - step / steps, 1 - (step + 1) / steps
        if order == "surest":
            filled, s = _surest(chances, -(-blank.sum(1) // (steps - step))), 0.0
        else:
            filled = blank
        drawn = draw(reverse_chances(chances, t, s), uniform)  # the place after all characters is `BLANK`
        after = np.where(filled, drawn, seen)
        yield seen, chances, after
        seen = after


def _surest(chances: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The `counts [B]` places with the highest chances in `[B, T, K]`, as `[B, T]` bool."""
    place = np.argsort(np.argsort(-chances.max(-1), axis=1, kind="stable"), axis=1)
    return place < counts[:, None]


@compute
def fill_blanks(template: np.ndarray, steps: int, order: str, seed: int) -> Filled:
    """Fill the blanks of `template [T]` int64 in `steps` steps, the order one of `ORDERS`."""
    loaded, watch = runtime.load(NAME, load), Stopwatch()
    with watch("model"):
        made = tuple(
            FillStep(seen[0], chances[0], after[0])
            for seen, chances, after in fill(loaded.network, template, steps, order, [seed])
        )
    return Filled(made, count_words(made[-1].after, template), run_of(loaded, watch.seconds["model"]))


@compute(heavy=True)
def fill_beside(template: np.ndarray, order: str, seed: int) -> Iterator[Beside]:
    """The same template in each number of `STEPS_BESIDE`, `LINES_BESIDE` lines from seed on."""
    network = runtime.load(NAME, load).network
    seeds = list(range(seed, seed + LINES_BESIDE))
    for steps in STEPS_BESIDE:
        *_, (_, _, after) = fill(network, template, steps, order, seeds)
        counted = [count_words(line, template) for line in after]
        words = Words(sum(one.known for one in counted), sum(one.total for one in counted))
        yield Beside(steps, text_of(after[0]), len(seeds), words)


@compute
def look_from_sides(seen: np.ndarray, place: int) -> Sides:
    """What is said of the blank at `place` of `seen [T]`, also when all on its right, or on its left, are blank."""
    places = np.arange(len(seen))
    left, right = np.where(places > place, BLANK, seen), np.where(places < place, BLANK, seen)
    both, left, right = said(runtime.load(NAME, load).network, np.stack([seen, left, right]))[:, place]
    return Sides(both, left, right)
