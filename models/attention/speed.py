"""What a text of n characters costs on this machine: recurrent networks step by step, the Transformer all at once.

Seconds depend on the sizes of a network and not on the values of its weights or on the text, so the text is random, and
beyond the context it was trained for the Transformer is timed with the same weights (`stretched`).
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import torch

from models import runtime
from models.compute import compute
from models.text import causal, recurrent
from models.text.causal import CausalConfig, CausalTransformer
from models.text.recurrent import CharacterNetwork, State

LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 1536, 2048)
REPEATS = 5
SECONDS_A_POINT = 0.5
FEWEST = 2
BYTES = 4

RECURRENT = {"GRU": "char-gru", "LSTM": "char-lstm"}
TRANSFORMER = "Transformer"

Task = Literal["read", "write"]


@dataclass(frozen=True)
class Timing:
    """Median seconds of `repeats` runs: to read `length` characters, or to write the one after them."""

    network: str
    task: Task
    length: int
    seconds: float
    repeats: int


@dataclass(frozen=True)
class Speeds:
    """What was measured so far, where, and what each network must keep.

    Attributes:
        timings: in the order in which they were measured.
        state_bytes: by recurrent network, all that it remembers.
        layers: of the Transformer, and `heads` in each.
        device: `cpu` or the GPU's name; threads: that PyTorch uses.
    """

    timings: tuple[Timing, ...]
    state_bytes: dict[str, int]
    layers: int
    heads: int
    device: str
    threads: int

    def attention_bytes(self, length: int) -> int:
        """See `attention_bytes`."""
        return self.layers * self.heads * length**2 * BYTES


@compute(heavy=True)
def measure_speeds(budget: float) -> Iterator[Speeds]:
    """Time the three character networks for at most about `budget` seconds; see `measure`. Yields at every value.

    What is yielded grows by whole lengths; the steps between are for visitors who leave to stop the work.
    """
    networks = {title: runtime.load(name, recurrent.load).network for title, name in RECURRENT.items()}
    transformer: CausalTransformer = runtime.load("char-transformer", causal.load).network
    config = transformer.config
    speeds = Speeds(
        timings=(),
        state_bytes={title: state_bytes(network) for title, network in networks.items()},
        layers=config.layers,
        heads=config.heads,
        device=str(runtime.device()),
        threads=torch.get_num_threads(),
    )
    timings: tuple[Timing, ...] = ()
    for timing in measure(networks, {TRANSFORMER: transformer}, budget=budget):
        timings = (*timings, timing)
        if timing.network == TRANSFORMER and timing.task == "write":
            speeds = replace(speeds, timings=timings)
        yield speeds
    yield replace(speeds, timings=timings)


def stretched(network: CausalTransformer, context: int) -> CausalTransformer:
    """The same weights with a longer context: its predictions there mean nothing, its time does."""
    longer = CausalTransformer(replace(network.config, context=context)).to(network.embedding.weight.device).eval()
    longer.load_state_dict(network.state_dict())
    return longer.requires_grad_(False)


def attention_bytes(config: CausalConfig, length: int) -> int:
    """Bytes of all attention weights of a text of `length` characters in float32: layers x heads x length^2 x 4."""
    return config.layers * config.heads * length**2 * BYTES


def state_bytes(network: CharacterNetwork) -> int:
    """Bytes of all that a recurrent network remembers, however long the text is."""
    return sum(part.numel() for part in network.fresh_state() if part is not None) * BYTES


def measure(
    recurrent: dict[str, CharacterNetwork],
    transformers: dict[str, CausalTransformer],
    *,
    budget: float,
    lengths: Sequence[int] = LENGTHS,
) -> Iterator[Timing]:
    """Time every network at every length, short ones first, until `budget` seconds are likely to be used up.

    A recurrent network reads with PyTorch's fused cells and writes with one step from the state it has reached. The
    Transformer keeps nothing from step to step here (no cache), so writing one character is reading all before it.
    """
    started = time.monotonic()
    networks = {**recurrent, **{name: stretched(n, max(lengths)) for name, n in transformers.items()}}
    reads: dict[str, Timing] = {}
    for length in lengths:
        for name, network in networks.items():
            before = reads.get(name)
            if before and time.monotonic() - started + _expected_seconds(before, length, network) > budget:
                return
            for task, run in _tasks(network, length):
                timing = Timing(name, task, length, *_median(run))
                yield timing
                if task == "read":
                    reads[name] = timing
            if isinstance(network, CausalTransformer):
                yield replace(reads[name], task="write")


def _expected_seconds(before: Timing, length: int, network: CharacterNetwork | CausalTransformer) -> float:
    """What the fewest runs at `length` are likely to take."""
    growth = (length / before.length) ** (2 if isinstance(network, CausalTransformer) else 1)
    return (FEWEST + 1) * before.seconds * growth


@torch.inference_mode()
def _tasks(network: CharacterNetwork | CausalTransformer, length: int) -> list[tuple[Task, Callable[[], object]]]:
    device = next(network.parameters()).device
    symbols = torch.randint(100, (length,), generator=torch.Generator().manual_seed(0)).to(device)
    if isinstance(network, CausalTransformer):
        return [("read", lambda: network(symbols[None]))]
    state: State = network(symbols[:, None], network.fresh_state(1))[1]
    one = state.map(lambda part: part[0])
    return [
        ("read", lambda: network(symbols[:, None], network.fresh_state(1))),
        ("write", lambda: network.step(symbols[0], one)),
    ]


@torch.inference_mode()
def _median(run: Callable[[], object]) -> tuple[float, int]:
    """Median seconds and the number of runs, after one that is not counted."""
    times = []
    while len(times) <= REPEATS and (len(times) <= FEWEST or sum(times) < SECONDS_A_POINT):
        start = time.perf_counter()
        run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:]), len(times) - 1


def fit_curve(points: Sequence[tuple[float, float]], powers: Sequence[int]) -> dict[int, float]:
    """Non-negative coefficients of `sum of c_p n^p` that fit (n, seconds) best by relative error.

    Every subset of the powers is solved by least squares; the best of those without a negative coefficient wins.
    """
    n, seconds = np.array(points, dtype=np.float64).T
    best: tuple[float, dict[int, float]] = (np.inf, {})
    for size in range(1, min(len(powers), len(points)) + 1):
        for chosen in combinations(powers, size):
            terms = np.stack([n**p for p in chosen], axis=1) / seconds[:, None]
            solved = np.linalg.lstsq(terms, np.ones_like(seconds), rcond=None)[0]
            error = float(((terms @ solved - 1) ** 2).sum())
            if (solved >= 0).all() and error < best[0]:
                best = (error, dict(zip(chosen, map(float, solved), strict=True)))
    return best[1]
