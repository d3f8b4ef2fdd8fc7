"""What a text of n characters costs: steps that wait for one another, work in all, and seconds on this machine.

Seconds depend on the sizes of a network and not on the values of its weights or on the text, so the text is random, and
beyond the context it was trained for the Transformer is timed with the same weights (`stretched`).
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from models import runtime
from models.compute import Run, compute, run_of
from models.text import causal, recurrent
from models.text.causal import CausalConfig, CausalTransformer
from models.text.recurrent import CharacterNetwork, State

LENGTHS = (16, 32, 64, 128, 256, 512, 1024)
BATCHES = (1, 4, 16, 64)
BATCH_LENGTH = 128
THREAD_LENGTH = 512
REPEATS = 5
SECONDS_A_POINT = 0.5
FEWEST = 2
LENGTHS_SHARE = 0.6
BYTES = 4

RECURRENT = {"GRU": "char-gru", "LSTM": "char-lstm"}
TRANSFORMER = "Transformer"
WITHOUT_CACHE = "Transformer, no cache"

Task = Literal["read", "write", "batch", "threads"]
Network = CharacterNetwork | CausalTransformer


@dataclass(frozen=True)
class Cost:
    """What a network must do, whatever it runs on.

    layers: that wait for one another. per_character: multiplications in its matrices for one character, each of their
    numbers used once; per_pair: multiplications for one character that looks at one other.
    """

    network: str
    layers: int
    per_character: int
    per_pair: int


@dataclass(frozen=True)
class Costs:
    """Both ways to read a text, and the Transformer's facts."""

    recurrent: Cost
    transformer: Cost
    run: Run


@compute
def compare_costs(cell: str) -> Costs:
    """The costs of the recurrent network of that title (`RECURRENT`) and of the Transformer, from their own sizes."""
    start = time.perf_counter()
    loaded = runtime.load("char-transformer", causal.load)
    other = runtime.load(RECURRENT[cell], recurrent.load).network
    transformer = cost_of(TRANSFORMER, loaded.network)
    return Costs(cost_of(cell, other), transformer, run_of(loaded, time.perf_counter() - start))


def cost_of(title: str, network: Network) -> Cost:
    """Counted from the network's own matrices."""
    numbers = sum(parameter.numel() for parameter in network.parameters() if parameter.ndim == 2)
    if isinstance(network, CharacterNetwork):
        return Cost(title, 1, numbers, 0)
    return Cost(title, network.config.layers, numbers, 2 * network.config.width * network.config.layers)


@dataclass(frozen=True)
class Timing:
    """Median seconds of `repeats` runs.

    task: to `read` n characters, to `write` the one after them, to read `BATCH_LENGTH` characters of n texts at once
    (`batch`), or `THREAD_LENGTH` characters with n threads (`threads`); length: n
    """

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
        layers, heads, width: of the Transformer.
        device: `cpu` or the GPU's name; threads: that PyTorch uses.
    """

    timings: tuple[Timing, ...]
    state_bytes: dict[str, int]
    layers: int
    heads: int
    width: int
    device: str
    threads: int

    def cache_bytes(self, length: int) -> int:
        """Keys and values of a text of `length` characters in float32."""
        return 2 * self.layers * self.width * length * BYTES


@compute(heavy=True)
def measure_speeds(budget: float) -> Iterator[Speeds]:
    """Time the three character networks for about `budget` seconds; see `measure`. Yields after each point."""
    networks: dict[str, Network] = {
        title: runtime.load(name, recurrent.load).network for title, name in RECURRENT.items()
    }
    transformer: CausalTransformer = runtime.load("char-transformer", causal.load).network
    config = transformer.config
    speeds = Speeds(
        timings=(),
        state_bytes={title: state_bytes(n) for title, n in networks.items() if isinstance(n, CharacterNetwork)},
        layers=config.layers,
        heads=config.heads,
        width=config.width,
        device=str(runtime.device()),
        threads=torch.get_num_threads(),
    )
    for timing in measure({**networks, TRANSFORMER: transformer}, budget=budget):
        speeds = replace(speeds, timings=(*speeds.timings, timing))
        yield speeds


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
    networks: Mapping[str, Network],
    *,
    budget: float,
    lengths: Sequence[int] = LENGTHS,
    batches: Sequence[int] = BATCHES,
) -> Iterator[Timing]:
    """Time every network at every length, short ones first, then with several texts at once and several threads.

    Lengths may take `LENGTHS_SHARE` of `budget` seconds and batches what is left of it: the next one is not begun when
    it would likely take longer. The first length and the first two batches are measured however slow the machine is.

    A recurrent network reads with PyTorch's fused cells and writes with one step from the state it has reached. The
    Transformer writes with its cache; without one, writing one character is reading all before it.
    """
    started = time.monotonic()
    ready = {
        title: stretched(n, 1 + max(*lengths, THREAD_LENGTH)) if isinstance(n, CausalTransformer) else n
        for title, n in networks.items()
    }
    yield from _lengths(ready, lengths, started + LENGTHS_SHARE * budget)
    yield from _batches(ready, batches, started + budget)
    yield from _threads(ready)


def _lengths(networks: Mapping[str, Network], lengths: Sequence[int], end: float) -> Iterator[Timing]:
    spent: dict[str, float] = {}
    for length in lengths:
        for title, network in networks.items():
            begun = time.monotonic()
            if title in spent and begun + 4 * spent[title] > end:
                return
            for task, name, run in _tasks(title, network, length):
                yield Timing(name, task, length, *_median(run))
            spent[title] = time.monotonic() - begun


def _batches(networks: Mapping[str, Network], batches: Sequence[int], end: float) -> Iterator[Timing]:
    spent = 0.0
    for number, count in enumerate(batches):
        begun = time.monotonic()
        if number > 1 and begun + 4 * spent > end:
            return
        for title, network in networks.items():
            yield Timing(title, "batch", count, *_median(_reading(network, BATCH_LENGTH, count)))
        spent = time.monotonic() - begun


def _threads(networks: Mapping[str, Network]) -> Iterator[Timing]:
    """With one thread, and with as many as PyTorch uses; the number is put back whatever happens."""
    usual = torch.get_num_threads()
    for count in sorted({1, usual, min(os.cpu_count() or 1, usual)}):
        for title, network in networks.items():
            torch.set_num_threads(count)
            try:
                timing = Timing(title, "threads", count, *_median(_reading(network, THREAD_LENGTH, 1)))
            finally:
                torch.set_num_threads(usual)
            yield timing


def _symbols(network: Network, length: int, count: int) -> Tensor:
    device = next(network.parameters()).device
    return torch.randint(100, (count, length), generator=torch.Generator().manual_seed(0)).to(device)


def _reading(network: Network, length: int, count: int) -> Callable[[], object]:
    """Read `count` texts of `length` characters at once."""
    symbols = _symbols(network, length, count)
    if isinstance(network, CausalTransformer):
        return lambda: network(symbols)
    columns, fresh = symbols.t().contiguous(), network.fresh_state(count)
    return lambda: network(columns, fresh)


@torch.inference_mode()
def _tasks(title: str, network: Network, length: int) -> list[tuple[Task, str, Callable[[], object]]]:
    """What is timed at one length: (task, name of the line, run)."""
    symbols = _symbols(network, length, 1)
    reading = _reading(network, length, 1)
    if isinstance(network, CausalTransformer):
        cache = network.read_on(symbols)[1]
        return [
            ("read", title, reading),
            ("write", title, lambda: network.read_on(symbols[:, :1], cache)),
            ("write", WITHOUT_CACHE, reading),
        ]
    state: State = network(symbols.t(), network.fresh_state(1))[1]
    one = state.map(lambda part: part[0])
    return [("read", title, reading), ("write", title, lambda: network.step(symbols[0, 0], one))]


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
