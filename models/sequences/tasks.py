"""The four types of task, each by its trained network: what was read and written at every step, and what ran."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from models import runtime
from models.compute import Run, compute, run_of
from models.sequences.unrolled import UnrolledTrace, WeightMap, matrices_of, weight_maps
from models.store import Store

if TYPE_CHECKING:
    from torch import nn

    from models.sequences.answer.trace import StoryAnswer

MAX_ANSWER_TOKENS = 60
CANNOT_KNOW = (
    "It knows ten objects in eight colours, drawn by this scene maker at this size, and nothing else. Enlarged "
    "smoothly, or saved as JPEG, about one scene in twenty gets another sentence; shrunk to half, or with a wide "
    "margin, most are misread. A photograph gets a sentence of the same words, and the probabilities are no reliable "
    "warning."
)
BUDGET_BYTES = 64 * 2**20
MAX_AGE_SECONDS = 1800


@dataclass(frozen=True)
class TaskRun:
    """A task done.

    matrices: of the network, shrunk to be drawn; note: a sentence if only a part of the input was read, else empty
    beside: what simpler models answer, by name, 0 to 1
    """

    trace: UnrolledTrace
    run: Run
    matrices: tuple[WeightMap, ...] = ()
    note: str = ""
    beside: Mapping[str, float] = field(default_factory=dict)


def _bytes(task: TaskRun) -> int:
    states = sum(step.hidden_state.nbytes for step in task.trace.steps)
    return states + sum(matrix.magnitudes.nbytes for matrix in task.matrices)


TASKS: Store[TaskRun] = Store(
    "tasks done",
    BUDGET_BYTES,
    size=_bytes,
    gone="This run is no longer kept here: run it again.",
    max_age=MAX_AGE_SECONDS,
)


def _done(trace: UnrolledTrace, loaded: runtime.Loaded, network: "nn.Module", started: float) -> TaskRun:
    run = run_of(loaded, time.perf_counter() - started)
    return TaskRun(trace, run, weight_maps(matrices_of(network)))


@compute
def predict_rain(warmest: float, coldest: float, wind: float, month: int) -> TaskRun:
    """Will it rain on such a day? (One to one.) Units, limits and errors as for `trace_rain`."""
    from models.sequences.weather.network import load
    from models.sequences.weather.trace import baselines, trace_rain

    loaded, started = runtime.load("rain-network", load), time.perf_counter()
    trace = trace_rain(loaded.network, warmest, coldest, wind, month)
    done = _done(trace, loaded, loaded.network, started)
    return replace(done, beside=baselines(loaded.network, warmest, coldest, wind, month))


@compute
def judge_review(text: str) -> TaskRun:
    """Is a review positive or negative? (Many to one.) Raises `InputError` where there is nothing to read."""
    from models.sequences.sentiment.network import load
    from models.sequences.sentiment.trace import trace_review

    loaded, started = runtime.load("review-lstm", load), time.perf_counter()
    trace = trace_review(loaded.network, text)
    return replace(_done(trace, loaded, loaded.network, started), note=trace.note)


@compute
def describe_picture(pixels: np.ndarray) -> TaskRun:
    """A sentence for a picture `[height, width, 3]` uint8. (One to many.)"""
    from models.sequences.caption.network import load
    from models.sequences.caption.trace import trace_caption

    loaded, started = runtime.load("caption-gru", load), time.perf_counter()
    return _done(trace_caption(loaded.network, pixels), loaded, loaded.network, started)


@compute
def describe_photo(model: str, pixels: np.ndarray) -> Iterator[TaskRun]:
    """A sentence for a photo `[height, width, 3]` uint8, a token at a time; each run holds all steps so far. (One to
    many.)
    """
    from models.sequences.caption.photo import as_unrolled, describe, load_captioner

    loaded, started, steps = runtime.load(model, load_captioner), time.perf_counter(), []
    for step in describe(loaded.network, pixels):
        steps.append(step)
        yield TaskRun(as_unrolled(steps), run_of(loaded, time.perf_counter() - started))


@dataclass(frozen=True)
class Translation:
    """A text translated sentence by sentence. first: the first sentence; traces: of all; answer: all joined."""

    first: TaskRun
    traces: tuple[UnrolledTrace, ...]
    answer: str


@compute
def translate(text: str) -> Translation:
    """English to French, each sentence from one vector. (Many to many.) Errors as for `trace_text`."""
    from models.sequences.translation.trace import trace_text
    from models.text.gru_translator import load

    loaded, started = runtime.load("gru-translator-en-fr", load), time.perf_counter()
    network, tokenizer = loaded.network.network, loaded.network.tokenizer
    translated = trace_text(network, tokenizer, text)
    first = replace(_done(translated.runs[0], loaded, network, started), note=translated.note)
    return Translation(first, translated.runs, translated.answer)


@compute
def answer_question(model: str, question: str) -> Iterator[TaskRun]:
    """The answer of the language model of that name, a token at a time; each run holds all steps so far. (Many to
    many.)
    """
    from models.sequences.chat import answer, as_unrolled, load_chat

    loaded, started, steps = runtime.load(model, load_chat), time.perf_counter(), []
    for step in answer(loaded.network, question, max_tokens=MAX_ANSWER_TOKENS, temperature=0, top_p=1, seed=0):
        steps.append(step)
        yield TaskRun(as_unrolled(steps), run_of(loaded, time.perf_counter() - started), note=step.note)


@dataclass(frozen=True)
class StoryRun:
    """A question about a story answered, and what ran."""

    found: "StoryAnswer"
    run: Run


@compute
def answer_story(story: str, question: str) -> StoryRun:
    """The answer to a question about a story, and the sentences that were read for it. (Many to many.)

    Raises `InputError` for what it cannot read: see `models.sequences.answer.words.read`.
    """
    from models.sequences.answer.network import load
    from models.sequences.answer.trace import answer_question as answer

    loaded, started = runtime.load("story-reader", load), time.perf_counter()
    found = answer(loaded.network, story, question)
    return StoryRun(found, run_of(loaded, time.perf_counter() - started))
