"""How long a detector takes for one picture on this machine, by its fastest means at hand."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models import runtime
from models.compute import compute
from models.detection import detr
from models.detection.detect import load
from models.detection.export import predict_fast

RUNS = 7


@dataclass(frozen=True)
class Latency:
    """milliseconds: the median of `runs`, after one that is not counted. means: by what it was computed."""

    model: str
    milliseconds: float
    runs: int
    means: str


@compute(heavy=True)
def measure_latency(model: str, image: np.ndarray) -> Iterator[Latency]:
    """The detector of that name, or DETR, on `(H, W, 3)` uint8: what is known after each run."""
    if model == detr.NAME:
        network = runtime.load(model, detr.load_detr).network
        yield from _timed(model, lambda: detr.look(network, image) and "PyTorch, float32")
        return
    loaded = load(model)
    yield from _timed(model, lambda: predict_fast(loaded, image)[1])


def _timed(model: str, run: Callable[[], str]) -> Iterator[Latency]:
    run()
    seconds: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        means = run()
        seconds.append(time.perf_counter() - start)
        yield Latency(model, 1000 * float(np.median(seconds)), len(seconds), means)
