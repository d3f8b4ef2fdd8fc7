"""How far back a network reaches, as jobs: influence traced step by step, names recalled point by point."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models import runtime
from models.compute import Run, compute, run_of
from models.sequences.influence import InfluenceTrace, trace_influence
from models.sequences.networks import load_reader
from models.sequences.recall.measure import Recalled, RecallPoint, measure_recall, recall_once
from models.sequences.recall.network import CellName, load

RECALL = "recall-cells"


@dataclass(frozen=True)
class InfluenceStep:
    """How much of a measurement is done, 0 to 1, what ran so far, and with the last step the trace."""

    done: float
    run: Run
    trace: InfluenceTrace | None = None


@compute(heavy=True)
def measure_influence(model: str, text: str) -> Iterator[InfluenceStep]:
    """The influence of each of the last characters of `text` on every prediction, by any network that reads them."""
    loaded, seconds, start = load_reader(model), 0.0, time.perf_counter()
    for step in trace_influence(loaded.network, text):
        seconds += time.perf_counter() - start
        run = run_of(loaded, seconds)
        yield InfluenceStep(1, run, step) if isinstance(step, InfluenceTrace) else InfluenceStep(step, run)
        start = time.perf_counter()


@dataclass(frozen=True)
class RecallStep:
    """One point of the curves, how far each network was trained, and what ran so far."""

    point: RecallPoint
    trained_to: dict[str, int]
    run: Run


@compute(heavy=True)
def measure_curves(distances: Sequence[int], count: int, seed: int, filler: str | None) -> Iterator[RecallStep]:
    """Accuracy over distance for the small networks; arguments and errors as for `measure_recall`."""
    loaded, seconds, start = runtime.load(RECALL, load), 0.0, time.perf_counter()
    for point in measure_recall(loaded.network, distances, count=count, seed=seed, filler=filler):
        seconds += time.perf_counter() - start
        yield RecallStep(point, loaded.network.config.trained_to, run_of(loaded, seconds))
        start = time.perf_counter()


@dataclass(frozen=True)
class Answers:
    """What each of the networks wrote, how far each was trained, and what ran."""

    recalled: dict[CellName, Recalled]
    trained_to: dict[str, int]
    run: Run


@compute
def ask_all(name: str, filler: str) -> Answers:
    """What the networks write after one sequence; errors as for `recall_once`."""
    loaded, start = runtime.load(RECALL, load), time.perf_counter()
    recalled = recall_once(loaded.network, name, filler)
    return Answers(recalled, loaded.network.config.trained_to, run_of(loaded, time.perf_counter() - start))
