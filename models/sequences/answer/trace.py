"""One question about one story: the answer, what every hop read, and what is answered without a sentence."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.sequences.answer.network import Hop, StoryReader, batch_of
from models.sequences.answer.words import (
    CONTRADICTION,
    MAX_WORDS,
    NO,
    NOBODY,
    NOT_SAID,
    SPARE,
    VOCABULARY,
    YES,
    Read,
    read,
    words_of,
)

ALTERNATIVES = 5
LEAST_READ = 0.5


@dataclass(frozen=True)
class HopTrace:
    """One going back through the story.

    weights: [sentences] float32, how much of each is read; nothing: what is left over, 0..1
    match: [sentences] float32, 0..1, how well each matches what is sought
    from_end: 0..1, whether it starts at the end of the story, else at the sentence read before
    best: the sentence read, None where more than half finds nothing
    words: [words of the best sentence] float32, how much of each word of it is taken
    """

    weights: np.ndarray
    nothing: float
    match: np.ndarray
    from_end: float
    best: int | None
    words: np.ndarray


@dataclass(frozen=True)
class StoryAnswer:
    """A question answered.

    sentences: of the story; answer: a word, or one of the special answers of `words.py`; reply: in a sentence
    alternatives: (answer, probability 0..1), best first; read: the sentences read, in the order of the hops
    without: (sentence, answer, its probability) with one of the sentences read left out of the story
    note: what must be said of the words, or nothing
    """

    sentences: tuple[str, ...]
    answer: str
    reply: str
    alternatives: tuple[tuple[str, float], ...]
    hops: tuple[HopTrace, ...]
    read: tuple[int, ...]
    without: tuple[tuple[int, str, float], ...]
    note: str


def answer_question(network: StoryReader, story: str, question: str) -> StoryAnswer:
    """Answer a question about a story. Raises `InputError` as `words.read` does."""
    given = read(story, question)
    logits, hops = _run(network, [list(given.symbols)], given.question)
    probabilities = _allowed(logits, given)[0]
    best = np.argsort(-probabilities, kind="stable")[:ALTERNATIVES]
    traces = tuple(_hop(hop, given) for hop in hops)
    places = tuple(dict.fromkeys(hop.best for hop in traces if hop.best is not None))
    answer = _written(int(best[0]), given)
    return StoryAnswer(
        given.sentences,
        answer,
        reply_of(answer, places, question),
        tuple((_written(int(symbol), given), float(probabilities[symbol])) for symbol in best),
        traces,
        places,
        _without(network, given, places),
        _note(given),
    )


def _without(network: StoryReader, given: Read, places: tuple[int, ...]) -> tuple[tuple[int, str, float], ...]:
    """The answers without each of the sentences read."""
    if len(given.symbols) < 2 or not places:
        return ()
    stories = [[s for place, s in enumerate(given.symbols) if place != left_out] for left_out in places]
    probabilities = _allowed(_run(network, stories, given.question)[0], given)
    best = probabilities.argmax(1)
    return tuple(
        (place, _written(int(symbol), given), float(row[symbol]))
        for place, symbol, row in zip(places, best, probabilities, strict=True)
    )


@torch.inference_mode()
def _run(
    network: StoryReader, stories: list[list[tuple[int, ...]]], question: tuple[int, ...]
) -> tuple[Tensor, list[Hop]]:
    device = network.embedding.weight.device
    batch = batch_of(stories, [question] * len(stories))
    return network(type(batch)(*(part.to(device) for part in batch)))


def _allowed(logits: Tensor, given: Read) -> np.ndarray:
    """Probabilities `[B, words]` of the answers; a spare word that stands for nothing in this story is none."""
    logits = logits.cpu().double()
    first = VOCABULARY.index(SPARE[0])
    logits[:, first + len(given.spare) : first + len(SPARE)] = -torch.inf
    return logits.softmax(-1).numpy()


def _hop(hop: Hop, given: Read) -> HopTrace:
    weights = hop.weights[0].float().cpu().numpy()
    nothing = max(0.0, 1 - float(weights.sum()))
    best = int(weights.argmax()) if nothing < LEAST_READ else None
    words = np.zeros(0, np.float32)
    if best is not None:
        words = hop.words[0, best, : len(given.symbols[best])].float().cpu().numpy()
    return HopTrace(weights, nothing, hop.match[0].float().cpu().numpy(), float(hop.from_end[0]), best, words)


def _written(symbol: int, given: Read) -> str:
    word = VOCABULARY[symbol]
    return given.spare[SPARE.index(word)] if word in SPARE else word


def reply_of(answer: str, read: tuple[int, ...], question: str) -> str:
    """The answer as a sentence. Sentences are counted from 1."""
    if answer == NOT_SAID:
        return "It is not said."
    if answer == CONTRADICTION:
        said = " and ".join(f"sentence {place + 1}" for place in sorted(read))
        return f"The story contradicts itself: compare {said}." if len(read) > 1 else "The story contradicts itself."
    if answer in (YES, NO, NOBODY):
        return f"{answer.capitalize()}."
    if words_of(question)[0] == "where":
        return f"In the {answer}."
    return f"{answer.capitalize()}." if words_of(question)[0] == "who" else f"The {answer}."


def _note(given: Read) -> str:
    if not given.spare:
        return ""
    said = ", ".join(f"\u201c{word}\u201d" for word in given.spare[:MAX_WORDS])
    more = f" and {len(given.spare) - MAX_WORDS} more" if len(given.spare) > MAX_WORDS else ""
    return f"Words it was not taught: {said}{more}. It takes each for the name of somebody, some place or some thing."
