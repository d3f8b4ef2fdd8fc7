"""Texts run through a network: the latest runs are kept, so that looking into one again runs nothing."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.attention.subjects import Reading, Run, Subject
from models.attention.trace import AttentionRun, attention_of, load
from models.compute import Run as Facts
from models.compute import batched, compute, run_of
from models.errors import InputError
from models.store import Store

KEPT_BYTES = 256 * 2**20
MAX_AGE_SECONDS = 1800
ENCODERS = ("all-minilm-l6-v2", "bert-base-uncased", "distilbert-base-uncased")
"""Models of the catalogue that can run several texts as one batch (`EncoderSubject`)."""


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
    name = name_of(model, text)
    start = time.perf_counter()
    try:
        reading, run = RUNS.find(name)
    except InputError:
        reading = subject.read(text)
        run = subject.run(reading)
        RUNS.put((reading, run), name)
    return TextRun(subject, reading, run, run_of(loaded, time.perf_counter() - start))


def name_of(model: str, text: str) -> str:
    """Under which a text's run by a model is kept."""
    return hashlib.sha256(f"{model}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()


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


@batched(trace_text, takes=lambda model, _: model in ENCODERS)
def trace_texts(calls: Sequence[tuple[str, str]]) -> list[TracedText]:
    """Several calls of `trace_text`; what an encoder has not run yet it runs as one batch, whose seconds each is told.

    Raises `InputError` if nothing of one of the texts is a token.
    """
    took: dict[tuple[str, str], float] = {}
    for model in dict.fromkeys(model for model, _ in calls):
        subject, start = load(model).network, time.perf_counter()
        texts = {text: name_of(model, text) for name, text in calls if name == model}
        new = {text: name for text, name in texts.items() if name not in RUNS}
        readings = [subject.read(text) for text in new]
        if len(readings) > 1:
            for name, reading, run in zip(new.values(), readings, subject.run_all(readings), strict=True):
                RUNS.put((reading, run), name)
            took |= dict.fromkeys(((model, text) for text in new), time.perf_counter() - start)
    traced = [(trace_text(*call), took.get(call)) for call in calls]
    return [one if seconds is None else replace(one, run=replace(one.run, seconds=seconds)) for one, seconds in traced]
