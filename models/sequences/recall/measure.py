"""How often is the name still known after N characters? The same sequences for every network.

A network is right if it writes the whole name and ends there. It takes the most probable character each time; the
true letters are fed, which comes to the same: as long as all letters before were right, they are the ones it wrote.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from models.inputs import check_choice, check_integer, check_text
from models.sequences.recall.network import CELLS, CellName, RecallNetworks
from models.sequences.recall.task import (
    END,
    MAX_DISTANCE,
    NAMES,
    as_lessons,
    cut,
    plain,
    prompt,
    random_words,
)
from models.text.symbols import ALPHABET, decode, encode

MAX_COUNT = 2_000
MAX_FILLER = 1_000_000
BATCH = 250
BUILT_IN_FILLER = 20_000
LONGEST_WRITTEN = 12


@dataclass(frozen=True)
class RecallPoint:
    """One measurement: the share 0..1 of `count` sequences with `distance` characters between that `cell` got right."""

    cell: CellName
    distance: int
    accuracy: float
    count: int


class Recalled(NamedTuple):
    """What one network wrote after one sequence (up to 12 characters), and the probability of the right name 0..1."""

    written: str
    probability: float


def measure_recall(
    networks: RecallNetworks, distances: Sequence[int], *, count: int, seed: int, filler: str | None
) -> Iterator[RecallPoint]:
    """One point for each network and distance, distance by distance, as soon as it is known.

    The filler is cut from `filler` (a text of any length; line breaks become spaces), or made of random lower-case
    letters if it is None. Names and cuts are drawn with the seed. Raises `InputError` for a distance over
    `MAX_DISTANCE`, a count over `MAX_COUNT` or an empty filler, before the first point.
    """
    distances = [check_integer(d, name="The distance", low=0, high=MAX_DISTANCE) for d in distances]
    count = check_integer(count, name="The number of sequences", low=1, high=MAX_COUNT)
    seed = check_integer(seed, name="The seed", low=0, high=2**32 - 1)
    if filler is not None:
        filler = plain(check_text(filler, name="The filler", max_chars=MAX_FILLER))
    return _measure(networks, distances, count, seed, filler)


def _measure(
    networks: RecallNetworks, distances: list[int], count: int, seed: int, filler: str | None
) -> Iterator[RecallPoint]:
    for distance in distances:
        random = np.random.default_rng((seed, distance))
        text = random_words(BUILT_IN_FILLER, random) if filler is None else filler
        names, fillers = list(random.choice(NAMES, count)), cut(text, distance, count, random)
        for cell in CELLS:
            yield RecallPoint(cell, distance, _accuracy(networks, cell, names, fillers), count)


@torch.inference_mode()
def _accuracy(networks: RecallNetworks, cell: CellName, names: list[str], fillers: list[str]) -> float:
    right = 0
    for first in range(0, len(names), BATCH):
        lessons = as_lessons(names[first : first + BATCH], fillers[first : first + BATCH])
        best = networks.read(cell, lessons.inputs.to(_device(networks))).argmax(-1).cpu()
        right += int(((best == lessons.targets) | ~lessons.asked).all(1).sum())
    return right / len(names)


@torch.inference_mode()
def recall_once(networks: RecallNetworks, name: str, filler: str) -> dict[CellName, Recalled]:
    """What each network writes after `name`, the visitor's `filler` and the marker, and how sure it was of the name.

    The probability is that of all letters and the end, multiplied. Raises `InputError` for a name that is not one of
    `NAMES` or a filler of more than `MAX_DISTANCE` characters.
    """
    name = check_choice(name, NAMES, name="The name")
    filler = plain(check_text(filler, name="The filler", max_chars=MAX_DISTANCE, allow_empty=True))
    inputs, targets, asked = as_lessons([name], [filler])
    inputs = inputs.to(_device(networks))
    results = {}
    for cell in CELLS:
        logits = networks.read(cell, inputs)[0].cpu().double()
        nats = F.cross_entropy(logits[asked[0]], targets[asked], reduction="sum")
        results[cell] = Recalled(_write(networks, cell, prompt(name, filler)), math.exp(-float(nats)))
    return results


def _write(networks: RecallNetworks, cell: CellName, text: str) -> str:
    symbols = torch.from_numpy(encode(text).symbols).to(_device(networks))
    written: list[int] = []
    while len(written) < LONGEST_WRITTEN:
        best = int(networks.read(cell, symbols[None])[0, -1].argmax())
        if ALPHABET[best] == END:
            break
        written.append(best)
        symbols = torch.cat([symbols, symbols.new_tensor([best])])
    return decode(written)


def _device(networks: RecallNetworks) -> torch.device:
    return next(networks.parameters()).device
