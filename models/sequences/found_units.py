"""Units found for the visitor: those that follow a feature of their text, and what becomes of the text without them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models.compute import compute
from models.errors import InputError
from models.inputs import check_choice
from models.sequences.edits import Edit, compare_edits
from models.sequences.features import FEATURES, correlations
from models.sequences.networks import load_cell
from models.sequences.trace import SequenceTrace
from models.text.symbols import ALPHABET

OTHERS = 5
"""How many times as many other units are switched off, for comparison."""
STATES = ("hidden state", "cell state")


@dataclass(frozen=True)
class RankedUnits:
    """Units of one layer by how well they follow a feature in one text.

    units: `(unit, correlation -1..1)`, the strongest first
    chance: the strongest of any unit with the same feature of the text shifted by half of it
    """

    layer: str
    units: tuple[tuple[int, float], ...]
    chance: float


def rank_units(trace: SequenceTrace, feature: object, layer: str, count: int) -> RankedUnits:
    """The `count` units of `layer` that follow `feature` best in the text of `trace`.

    Of a gate the units of the hidden state are ranked. Raises `InputError` for an unknown feature, and for one that is
    the same all along the text.
    """
    name = check_choice(feature, list(FEATURES), name="What units follow")
    layer = layer if layer in trace.layers() else STATES[0]
    follows = np.asarray(FEATURES[name](np.array(list(trace.text))), np.float64)
    if follows.std() < 1e-9:
        raise InputError(f"This text has nothing to follow: \u201c{name}\u201d is the same all along it.")
    shifted = np.roll(follows, len(follows) // 2)
    table = correlations(trace.layers()[layer], np.stack([follows, shifted], axis=1))
    best = np.argsort(-np.abs(table[:, 0]), kind="stable")[:count]
    return RankedUnits(layer, tuple((int(u), float(table[u, 0])) for u in best), float(np.abs(table[:, 1]).max()))


@dataclass(frozen=True)
class Without:
    """A prediction with some units set to zero once, at one place, and the rest of the text read on from there.

    symbol: whose probability moves most; before, after: that probability, 0..1
    others: the same with as many other units, mean of `OTHERS` draws
    bits, others_bits: mean Kullback-Leibler divergence of the predictions from that place on
    """

    symbol: str
    before: float
    after: float
    others: float
    bits: float
    others_bits: float


@compute
def without_units(model: str, trace: SequenceTrace, position: int, units: tuple[int, ...]) -> Without:
    """What becomes of the predictions of `trace` without `units` after the character at `position`.

    Raises `InputError` where there is no such position or unit.
    """
    network = load_cell(model).network
    edited = compare_edits(network, trace, [Edit("zero", position, units)])
    before, after = edited.unedited.probabilities[position], edited.edited.probabilities[position]
    symbol = int(np.abs(after - before).argmax())
    dice, left = np.random.default_rng(0), np.setdiff1d(np.arange(trace.hidden_state.shape[1]), units)
    draws = [dice.choice(left, min(len(units), len(left)), replace=False) for _ in range(OTHERS)]
    others = [
        compare_edits(network, trace, [Edit("zero", position, tuple(map(int, drawn)))]) for drawn in draws if len(drawn)
    ]
    return Without(
        ALPHABET[symbol],
        float(before[symbol]),
        float(after[symbol]),
        _mean(float(other.edited.probabilities[position, symbol]) for other in others),
        float(edited.difference_bits[position:].mean()),
        _mean(float(other.difference_bits[position:].mean()) for other in others),
    )


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else math.nan
