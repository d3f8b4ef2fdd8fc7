"""What the page "Change the inside" computes: a run with its switches, edited runs, and the importance of tokens."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from models.attention.changes import layers_of, parse_edits, parse_swap
from models.attention.effects import (
    Comparison,
    compare,
    effect_of,
    in_words,
    predicting_tokens,
    token_names,
    write_again,
)
from models.attention.importance import Importance, measure_importance, predicted_tokens
from models.attention.runs import TextRun, run_text
from models.attention.subjects import Reading, Subject
from models.attention.sums import heads_by_effect
from models.compute import Run as Facts
from models.compute import compute
from models.text.instrument import NOTHING_CHANGED, Edits, Head, Kind

PARTS = ("heads_off", "layers_off", "edges_off", "unseen", "positions")
CANDIDATES = 8


@dataclass(frozen=True)
class Stack:
    """One kind of attention: its layers, the tokens that look and those that are looked at."""

    kind: Kind
    layers: int
    queries: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """The predictions whose importance can be asked for.

    choices: for each of the `places` the likeliest tokens (number, token, probability); nothing where the network
        predicts nothing. first: the position shown at first.
    """

    predicts: str
    places: tuple[str, ...]
    choices: tuple[tuple[tuple[int, str, float], ...], ...]
    first: int


@dataclass(frozen=True)
class Inside:
    """A run and all that can be changed in it.

    positions: whether the network can be kept from knowing where its tokens stand.
    translation: what it writes; None for a network that does not translate.
    comparison: the run beside itself, or without the head `off`.
    """

    stacks: tuple[Stack, ...]
    heads: int
    tokens: tuple[str, ...]
    note: str
    positions: bool
    translation: str | None
    comparison: Comparison
    question: Question
    run: Facts
    off: Head | None = None


@dataclass(frozen=True)
class Edited:
    """An edited run beside the unedited one, and the text it is of; `predicts` is next, masked or nothing."""

    predicts: str
    comparison: Comparison
    tokens: tuple[str, ...]
    written: tuple[str, ...]
    note: str
    run: Facts
    seconds: float


@dataclass(frozen=True)
class Explained:
    """Four kinds of importance for one prediction: the word predicted, and the question it answers."""

    importance: Importance
    word: str
    question: Question
    seconds: float


@compute
def look_inside(model: str, text: str, *, without: bool = False) -> Inside:
    """A text's run with all that can be changed in it.

    without: beside the run without the head that counts most for a prediction, see `heads_by_effect`, if there is one.
    """
    ran = run_text(model, text)
    subject, reading = ran.subject, ran.reading
    off, _, effect = next(iter(heads_by_effect(ran) if without else []), (None, 0, None))
    effect = effect or effect_of(subject, reading, ran.run, ran.run)
    changes = () if off is None else changes_of(Edits(heads_off=frozenset([off])), None)
    return Inside(
        stacks=tuple(Stack(kind, layers_of(subject, kind), *token_names(reading, kind)) for kind in subject.kinds),
        heads=subject.heads,
        tokens=reading.tokens,
        note=reading.note,
        positions=len(subject.position_modules) > 0 or subject.architecture == "llama",
        translation=_translation(subject, reading),
        comparison=in_words(subject, reading, effect, changes=changes),
        question=question_of(ran),
        run=ran.facts,
        off=off,
    )


def _translation(subject: Subject, reading: Reading) -> str | None:
    return subject.tokenizer.decode(reading.written, skip_special_tokens=True) if reading.written else None


def question_of(ran: TextRun) -> Question:
    """The predictions of a run whose importance can be asked for."""
    subject, reading = ran.subject, ran.reading
    predicts = "written" if reading.written else subject.predicts
    if ran.run.logits is None:
        return Question(predicts, (), (), 0)
    places = predicting_tokens(subject, reading)
    choices = [tuple(predicted_tokens(subject, ran.run, place, CANDIDATES)) for place in range(len(places))]
    first = len(places) - 1 if subject.kinds == ("decoder",) else min(2, len(places) - 1)
    return Question(predicts, places, tuple(choices), first)


@compute
def edit_inside(model: str, text: str, given: Mapping[str, Any]) -> Edited:
    """The run with the changes of `given` (unchecked JSON, see `models.attention.changes`) beside the unedited one.

    `given` has any of `heads_off`, `layers_off`, `edges_off`, `unseen`, `positions`, `swap`. Raises `InputError`.
    """
    ran = run_text(model, text)
    subject, reading = ran.subject, ran.reading
    edits, swap = _parsed(subject, reading, given)
    start = time.perf_counter()
    if edits == NOTHING_CHANGED and swap is None:
        effect = effect_of(subject, reading, ran.run, ran.run)
    else:
        effect = compare(subject, reading, edits, swap=swap, before=ran.run)
    seconds = time.perf_counter() - start
    comparison = in_words(subject, reading, effect, changes=changes_of(edits, swap))
    return Edited(
        subject.predicts, comparison, reading.tokens, reading.written_tokens, reading.note, ran.facts, seconds
    )


def _parsed(subject: Subject, reading: Reading, given: Mapping[str, Any]) -> tuple[Edits, tuple[int, int] | None]:
    edits = parse_edits(subject, reading, **{name: given[name] for name in PARTS if name in given})
    return edits, parse_swap(reading, given.get("swap"))


def changes_of(edits: Edits, swap: tuple[int, int] | None) -> list[str]:
    """What was changed, counted in words: "2 heads off"."""
    counted = (
        (len(edits.heads_off), "head off", "heads off"),
        (len(edits.layers_off), "layer off", "layers off"),
        (len(edits.edges_off), "look cut", "looks cut"),
        (len(edits.unseen), "token hidden", "tokens hidden"),
        (int(swap is not None), "two tokens swapped", ""),
        (int(not edits.positions), "no positions", ""),
    )
    return [f"{count} {many}" if count > 1 else f"{'1 ' if many else ''}{one}" for count, one, many in counted if count]


@compute
def translate_again(model: str, text: str, given: Mapping[str, Any]) -> Iterator[str]:
    """The translation that the edited network writes, a token more each time. Raises `InputError` as `edit_inside`."""
    ran = run_text(model, text)
    edits, swap = _parsed(ran.subject, ran.reading, given)
    for written in write_again(ran.subject, ran.reading, edits, swap=swap):
        yield _translation(ran.subject, written) or ""


@compute
def explain_prediction(model: str, text: str, position: int, token: int) -> Iterator[float | Explained]:
    """Four kinds of importance: yields the share of the tokens left out so far, 0 to 1, and at last the answer."""
    ran = run_text(model, text)
    start = time.perf_counter()
    for step in measure_importance(ran.subject, ran.reading, ran.run, position, token):
        if isinstance(step, Importance):
            word = ran.subject.word(step.token)
            yield Explained(step, word, question_of(ran), time.perf_counter() - start)
        else:
            yield step
