"""A text as a visitor types it: read on from where it changed, written on, predicted; and the networks described."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from models.compute import Run, compute, run_of
from models.sequences.networks import load_cell, tracked_by
from models.sequences.sampling import Sampling
from models.sequences.trace import SequenceTrace, choose_next, predict_next, read_on, trace_step, trace_text
from models.sequences.units import TrackedUnit
from models.sequences.unrolled import WeightMap, weight_maps
from models.store import Store
from models.text.recurrent import GATES, CellName, matrices
from models.text.symbols import START

BUDGET_BYTES = 256 * 2**20
MAX_AGE_SECONDS = 1800


@dataclass(frozen=True)
class NetworkFacts:
    """What is shown of a network besides its traces.

    name: in the catalogue, or of a visitor's own network; units: hidden ones; parameters: number of scalars
    matrices: W, U and V, shrunk to be drawn;    tracked: units known to follow something in a text
    """

    name: str
    cell: CellName
    units: int
    parameters: int
    matrices: tuple[WeightMap, ...]
    tracked: tuple[TrackedUnit, ...]


@dataclass(frozen=True)
class Read:
    """The trace of what was read, and what ran."""

    trace: SequenceTrace
    run: Run


@dataclass(frozen=True)
class Reading:
    """What is kept of a visitor's text.

    typed: how many of its characters the visitor typed; the rest was sampled
    layer: the one that is shown
    version: another one for every change; the browser is sent only what a version adds to the one before
    """

    facts: NetworkFacts
    trace: SequenceTrace
    typed: int
    layer: str
    version: str = ""

    @property
    def text(self) -> str:
        """The text without the line break that comes before it."""
        return self.trace.text[len(START) :]


READINGS: Store[Reading] = Store(
    "texts being read",
    BUDGET_BYTES,
    size=lambda reading: sum(array.nbytes for array in vars(reading.trace).values() if isinstance(array, np.ndarray)),
    gone="What was read here is no longer kept: change the text to read it again.",
    max_age=MAX_AGE_SECONDS,
)


@compute
def describe(model: str) -> NetworkFacts:
    """The facts of a recurrent network by name."""
    loaded = load_cell(model)
    config, maps = loaded.network.config, weight_maps(matrices(loaded.network))
    return NetworkFacts(model, config.cell, config.units, loaded.parameters, maps, tracked_by(model))


@compute
def cell_says(model: str, symbol: int, hidden: np.ndarray) -> dict[str, np.ndarray]:
    """What is added up in the cell before it is squashed, `[units]` float32 each, after reading `symbol` with the state
    `hidden` `[units]`: for every gate `W x + b` ("W x, forget gate") and `U h + d` ("U h, forget gate"). A network
    without gates has one of each, "W x, hidden state".
    """
    import torch
    from torch.nn import functional

    network = load_cell(model).network
    layer = network.recurrent
    gates = [name if name == "candidate" else f"{name} gate" for name in GATES[network.config.cell]]
    names = gates or ["hidden state"]
    with torch.inference_mode():
        given = torch.from_numpy(hidden).to(layer.weight_hh_l0)
        says = {
            "W x": layer.weight_ih_l0[:, symbol] + layer.bias_ih_l0,
            "U h": functional.linear(given, layer.weight_hh_l0, layer.bias_hh_l0),
        }
        return {
            f"{of}, {name}": part.float().cpu().numpy()
            for of, whole in says.items()
            for name, part in zip(names, whole.chunk(len(names)), strict=True)
        }


@compute
def read_characters(model: str, text: str, after: SequenceTrace | None) -> Read:
    """Read `text` from the state at the end of `after` (whose last position is enough), None for a fresh state."""
    loaded, start = load_cell(model), time.perf_counter()
    trace = read_on(loaded.network, text, after)
    return Read(trace, run_of(loaded, time.perf_counter() - start))


def read_text(model: str, text: str, before: SequenceTrace | None = None) -> Read:
    """The trace of a whole text, beginning with the line break that every text is read after.

    What it begins with in common with `before`, a trace by the same network, is taken from there, so that a keystroke
    costs one step and the last position of a trace is all that travels to the network.
    """
    text = START + text
    shared = min(before.shared(text), len(text) - 1) if before else 0
    if before is None or not shared:
        return read_characters(model, text, None)
    kept = before if shared == len(before.text) else before.first(shared)
    read = read_characters(model, text[shared:], kept.last())
    return Read(kept.then(read.trace), read.run)


@dataclass(frozen=True)
class Predicted:
    """Probabilities `[symbols]` float32 of the next character, and what ran."""

    probabilities: np.ndarray
    run: Run


@compute
def predict(model: str, text: str) -> Predicted:
    """What comes after a text of any length, without a trace."""
    loaded, start = load_cell(model), time.perf_counter()
    probabilities = predict_next(loaded.network, text)
    return Predicted(probabilities, run_of(loaded, time.perf_counter() - start))


@dataclass(frozen=True)
class Written:
    """What was written after a text so far.

    surprise_bits: `[len(continuation)]` float32, how unlikely the network held each character
    """

    continuation: str
    surprise_bits: np.ndarray
    run: Run


@compute
def write_on(model: str, text: str, count: int, sampling: Sampling, every: int) -> Iterator[Written]:
    """`count` characters after `text`, one sampled after the other; yields after every `every` and at the end."""
    loaded, start = load_cell(model), time.perf_counter()
    trace = trace_text(loaded.network, text)
    for written in range(1, count + 1):
        trace = trace_step(loaded.network, trace, choose_next(trace, **asdict(sampling)))
        if written % every == 0 or written == count:
            run = run_of(loaded, time.perf_counter() - start)
            yield Written(trace.text[-written:], trace.surprise_bits[-written:], run)
