"""Rows of the table that `make bench` prints: what was timed, ours and what a user would pick instead, in one run."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Row:
    """Milliseconds (or another unit) of single runs, ours and those of `instead` (none where nothing is beside it).

    flops: of one run of ours, as `flops_of` counts them; 0 where the arithmetic is not what takes the time.
    """

    what: str
    ours: tuple[float, ...]
    instead: str = ""
    theirs: tuple[float, ...] = ()
    unit: str = "ms"
    flops: int = 0

    @property
    def ratio(self) -> float:
        """How many times as long `instead` takes, by the medians."""
        return statistics.median(self.theirs) / statistics.median(self.ours)


def flops_of(run: Callable[[], object]) -> int:
    """Multiplications and additions of all matrix products, attention and convolutions in one run in PyTorch."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def in_turn(rounds: int, *runs: Callable[[], object]) -> list[list[float]]:
    """Milliseconds of each, one after the other in every round, so that a slow moment of the machine meets all."""
    for run in runs:
        run()  # what is loaded or compiled at the first use does not count
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, taken in zip(runs, times, strict=True):
            began = time.perf_counter()
            run()
            taken.append(1000 * (time.perf_counter() - began))
    return times


def compare(
    what: str,
    rounds: int,
    ours: Callable[[], object],
    instead: str = "",
    theirs: Callable[[], object] | None = None,
    *,
    counted: Callable[[], object] | None = None,
) -> Row:
    """A row measured by `in_turn`; with the arithmetic of `counted`, where that is what takes the time."""
    mine, *other = in_turn(rounds, ours, *([theirs] if theirs else []))
    flops = flops_of(counted) if counted else 0
    return Row(what, tuple(mine), instead, tuple(other[0]) if other else (), flops=flops)
