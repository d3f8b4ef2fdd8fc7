"""Reading with an edited memory as a job: both runs compared, then what each goes on to write."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

from models.compute import Run, compute, run_of
from models.sequences.edits import Comparison, Edit, compare_edits
from models.sequences.networks import load_cell, tracked_by
from models.sequences.sampling import Sampling
from models.sequences.trace import SequenceTrace, continue_text, trace_text
from models.sequences.units import TrackedUnit
from models.store import Store

BUDGET_BYTES = 128 * 2**20
MAX_AGE_SECONDS = 1800


@dataclass(frozen=True)
class Compared:
    """A text read twice. continuations: what the unedited and the edited run go on to write, or nothing yet.

    tracked: units of the network that are known to track something
    """

    comparison: Comparison
    run: Run
    tracked: tuple[TrackedUnit, ...]
    continuations: tuple[str, ...] = ()


@compute
def compare(
    model: str, text: str, edits: tuple[Edit, ...], before: SequenceTrace | None, count: int, sampling: Sampling
) -> Iterator[Compared]:
    """Read `text` without and with `edits`, then write `count` characters on from both, with the same dice.

    `before` is an earlier trace by the same network, of which nothing is run again. Raises `InputError` for edits that
    do not fit the text or the network.
    """
    loaded, start = load_cell(model), time.perf_counter()
    trace = trace_text(loaded.network, text, before=before)
    comparison = compare_edits(loaded.network, trace, edits)
    first = Compared(comparison, run_of(loaded, time.perf_counter() - start), tracked_by(model))
    yield first
    start = time.perf_counter()
    runs = (comparison.unedited, comparison.edited)
    written = tuple(continue_text(loaded.network, run, count, **asdict(sampling)) for run in runs)
    run = run_of(loaded, first.run.seconds + time.perf_counter() - start)
    yield replace(first, run=run, continuations=written)


@dataclass(frozen=True)
class Edited:
    """What is kept of a page: the edits made, and what came of them by which network."""

    edits: tuple[Edit, ...]
    compared: Compared


def _bytes(edited: Edited) -> int:
    runs = (edited.compared.comparison.unedited, edited.compared.comparison.edited)
    return sum(array.nbytes for run in runs for array in vars(run).values() if isinstance(array, np.ndarray))


EDITED: Store[Edited] = Store(
    "texts read with an edited memory",
    BUDGET_BYTES,
    size=_bytes,
    gone="What was read here is no longer kept: press Read it.",
    max_age=MAX_AGE_SECONDS,
)
