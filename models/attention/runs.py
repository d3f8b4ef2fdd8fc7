"""Texts run through a network: the latest runs are kept, so that looking into one again runs nothing."""

import hashlib
import time
from dataclasses import dataclass

from models.attention.subjects import Reading, Run, Subject
from models.attention.trace import AttentionRun, attention_of, load
from models.compute import Run as Facts
from models.compute import compute, run_of
from models.errors import InputError
from models.store import Store

KEPT_BYTES = 256 * 2**20
MAX_AGE_SECONDS = 1800


@dataclass(frozen=True)
class TextRun:
    """A text as a network reads it, its unedited run, and what ran."""

    subject: Subject
    reading: Reading
    run: Run
    facts: Facts


def _size(kept: tuple[Reading, Run]) -> int:
    run = kept[1]
    tensors = [*run.stream.values(), run.embedded, *([] if run.logits is None else [run.logits])]
    for attended in run.attended.values():
        tensors += vars(attended).values()
    return sum(tensor.nbytes for tensor in tensors)


RUNS: Store[tuple[Reading, Run]] = Store(
    "runs of the Attention tab", KEPT_BYTES, size=_size, gone="This run is no longer kept.", max_age=MAX_AGE_SECONDS
)


def run_text(model: str, text: str) -> TextRun:
    """The text read and run by the model of that name. Raises `InputError` if nothing of it is a token."""
    loaded = load(model)
    subject: Subject = loaded.network
    name = hashlib.sha256(f"{model}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
    start = time.perf_counter()
    try:
        reading, run = RUNS.find(name)
    except InputError:
        reading = subject.read(text)
        run = subject.run(reading)
        RUNS.put((reading, run), name)
    return TextRun(subject, reading, run, run_of(loaded, time.perf_counter() - start))


@dataclass(frozen=True)
class TracedText:
    """All attention of a text's run, and what ran."""

    attention: AttentionRun
    run: Facts


@compute
def trace_text(model: str, text: str) -> TracedText:
    """Every attention weight of a model reading a text; see `trace_attention`."""
    ran = run_text(model, text)
    return TracedText(attention_of(ran.subject, ran.reading, ran.run), ran.facts)
