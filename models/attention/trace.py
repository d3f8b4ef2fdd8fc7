"""One sentence through a model with every attention weight kept: each layer, each head, who reads from whom."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models import runtime
from models.attention.library import load_library_subject
from models.attention.subjects import Reading, Run, Subject, TranslatorSubject
from models.text.instrument import Kind
from models.text.tokenizer import load_tokenizer
from models.text.transformer import load_network

if TYPE_CHECKING:
    from models.runtime import Loaded


@dataclass(frozen=True)
class AttentionTrace:
    """The attention weights of one kind in one run.

    Attributes:
        kind: `encoder` (all tokens see all), `decoder` (each sees itself and what is left of it) or `cross`
            (each written token sees all of the source).
        tokens: the T tokens that look, as a reader would write them; in cross-attention each row is named for the
            token that it goes on to write, one later than the token it has just read.
        sources: the S tokens that are looked at; the same as `tokens` in self-attention.
        attention: `[layers, heads, T, S]`, float32; row t says how token t divides its attention, and sums to 1.
    """

    kind: Kind
    tokens: tuple[str, ...]
    sources: tuple[str, ...]
    attention: np.ndarray

    def __post_init__(self) -> None:
        if self.attention.ndim != 4 or self.attention.shape[2:] != (len(self.tokens), len(self.sources)):
            raise ValueError(f"attention {self.attention.shape} does not fit {len(self.tokens)} x {len(self.sources)}")
        self.attention.setflags(write=False)


@dataclass(frozen=True)
class AttentionRun:
    """All that one run gave: a trace for each kind of attention the model has, and its translation if it makes one.

    `note`: what must be said of the text (it was cut, some of it is unknown); `cut`: whether its end is missing.
    """

    traces: tuple[AttentionTrace, ...]
    note: str = ""
    translation: str | None = None
    cut: bool = False


def load_subject(folder: Path) -> Subject:
    """The model in `folder`: the library's if `config.json` names a `model_type`, else our translator."""
    if "model_type" in json.loads((folder / "config.json").read_text()):
        return load_library_subject(folder)
    return TranslatorSubject(load_network(folder), load_tokenizer(folder))


def load(name: str) -> "Loaded":
    """The model called `name` in the catalogue, ready to be traced; see `runtime.load`."""
    return runtime.load(name, load_subject)


def trace_attention(subject: Subject, text: str) -> AttentionRun:
    """Every attention weight of `subject` reading `text`, and, if it translates, writing its own translation.

    Long texts are cut. Raises `InputError` if nothing of `text` is left as a token.
    """
    reading = subject.read(text)
    return attention_of(subject, reading, subject.run(reading))


def attention_of(subject: Subject, reading: Reading, run: Run) -> AttentionRun:
    """The attention weights of a run, with the tokens they belong to."""
    read_back = reading.written_tokens[:-1] if reading.written else reading.tokens
    named = {
        "encoder": (reading.tokens, reading.tokens),
        "decoder": (read_back, read_back),
        "cross": (reading.written_tokens[1:], reading.tokens),
    }
    traces = []
    for kind in subject.kinds:
        tokens, sources = named[kind]
        traces.append(AttentionTrace(kind, tokens, sources, run.weights(kind).float().cpu().numpy()))
    translation = subject.tokenizer.decode(reading.written, skip_special_tokens=True) if reading.written else None
    return AttentionRun(tuple(traces), reading.note, translation, reading.is_cut)
