"""A photo described: each word with its probability, what else might stand there, and the cells that it read.

Whichever way the words were chosen (the likeliest, by beam search, by dice, or by the visitor), the numbers shown are
those of one reading of the whole sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from models.errors import InputError
from models.sequences.caption.choice import MAX_WORDS, Choice
from models.sequences.caption.photo_network import PhotoCaptioner
from models.sequences.caption.words import END, MARKS, START
from models.text.instrument import Edits, Place, Tap

BEST = 8


@dataclass(frozen=True)
class WordRead:
    """A word as it was written.

    probability: of this word after those before it, 0 to 1; likely: the likeliest words there, the likeliest first;
    read: `[layers, heads, cells]` float32, how much of each cell every head took to write it, rows summing to 1;
    chosen: whether the visitor chose it
    """

    word: str
    probability: float
    likely: tuple[tuple[str, float], ...]
    read: np.ndarray
    chosen: bool


@dataclass(frozen=True)
class Candidate:
    """A whole sentence that a beam search has found, and its log-probability (nats)."""

    sentence: str
    log_probability: float


@dataclass(frozen=True)
class PhotoCaption:
    """A sentence word by word, the end mark last unless it was cut; what a beam search found, the best first."""

    words: tuple[WordRead, ...]
    candidates: tuple[Candidate, ...]

    @property
    def sentence(self) -> str:
        """The words without the end mark."""
        return " ".join(word.word for word in self.words if word.word != MARKS[END])


@torch.inference_mode()
def describe_features(network: PhotoCaptioner, features: Tensor, choice: Choice) -> PhotoCaption:
    """Write a sentence for the cells `[P, features]` of a photo. Raises `InputError` for words it does not know."""
    memory = network.look(features[None])
    beginning = [START, *numbers_of(network, choice.beginning)]
    candidates: list[tuple[list[int], float]] = []
    if choice.temperature > 0:
        written = _drawn(network, memory, beginning, choice)
    else:
        candidates = search(network, memory, beginning, choice.beam)
        written = candidates[0][0]
    read = _read_again(network, memory, written, len(choice.beginning))
    said = tuple(Candidate(sentence_of(network, numbers), score) for numbers, score in candidates)
    return PhotoCaption(read, said if choice.beam > 1 else ())


def numbers_of(network: PhotoCaptioner, words: Sequence[str]) -> list[int]:
    """Words that are to stand first, as numbers. Raises `InputError` for one that it cannot write, or too many."""
    known = network.config.words
    if len(words) >= MAX_WORDS:
        raise InputError(f"A caption has at most {MAX_WORDS} words.")
    for word in words:
        if word in MARKS or word not in known:
            raise InputError(f"It has no word “{word[:40]}”: it can only write words that it has learned.")
    return [known.index(word) for word in words]


def sentence_of(network: PhotoCaptioner, numbers: Sequence[int]) -> str:
    """The words between the marks."""
    return " ".join(network.config.words[number] for number in numbers if number >= len(MARKS))


def following(network: PhotoCaptioner, memory: Tensor, written: Sequence[Sequence[int]]) -> Tensor:
    """Log-probabilities `[N, words]` of what comes after each of N beginnings of one length."""
    words = torch.tensor([list(one) for one in written], device=memory.device)[None]
    scores = network(memory, words)[0, :, -1].float()
    for row, one in zip(scores, written, strict=True):
        row[never_after(one)] = -torch.inf
    return scores.log_softmax(-1)


def never_after(written: Sequence[int]) -> list[int]:
    """What is never written next: marks (but for the end, which does not come first), the last word once more, and what
    has already followed it: no two words come together twice.
    """
    marks = [number for number in range(len(MARKS)) if number != END or len(written) == 1]
    return [*marks, written[-1], *(after for before, after in pairwise(written) if before == written[-1])]


def search(
    network: PhotoCaptioner, memory: Tensor, beginning: Sequence[int], width: int
) -> list[tuple[list[int], float]]:
    """Beam search: at most `width` whole sentences with their log-probabilities, the likeliest first.

    With a width of 1 the likeliest word each time. Those that reach `MAX_WORDS` have no end mark.
    """
    live, whole = [(list(beginning), 0.0)], list[tuple[list[int], float]]()
    while live and len(whole) < width and len(live[0][0]) <= MAX_WORDS:
        ahead = following(network, memory, [written for written, _ in live])
        totals = ahead + torch.tensor([[score] for _, score in live], device=ahead.device)
        best = totals.flatten().topk(2 * width)
        grown = [
            ([*live[place // totals.shape[1]][0], place % totals.shape[1]], score)
            for place, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
        whole += [one for one in grown[:width] if one[0][-1] == END]
        live = [one for one in grown if one[0][-1] != END][:width]
    return sorted(whole or live, key=lambda one: one[1], reverse=True)[:width]


def _drawn(network: PhotoCaptioner, memory: Tensor, beginning: Sequence[int], choice: Choice) -> list[int]:
    dice, written = torch.Generator().manual_seed(choice.seed), list(beginning)
    while len(written) <= MAX_WORDS and written[-1] != END:
        ahead = following(network, memory, [written])[0].cpu() / choice.temperature
        written.append(int(torch.multinomial(ahead.softmax(-1), 1, generator=dice)))
    return written


def _read_again(network: PhotoCaptioner, memory: Tensor, written: Sequence[int], forced: int) -> tuple[WordRead, ...]:
    """What was read for every word of a sentence that is there already."""
    words = torch.tensor([[written[:-1]]], device=memory.device)
    with Tap(network.cross_places, Edits()) as tap:
        scores = network(memory, words)[0, 0].float()
    places = [Place("cross", layer) for layer in range(network.config.layers)]
    read = torch.stack([tap.attended[place].weights for place in places]).float().cpu().numpy()
    for at, row in enumerate(scores):
        row[never_after(written[: at + 1])] = -torch.inf
    shares = scores.softmax(-1)
    known = network.config.words
    best = shares.topk(min(BEST, len(known) - len(MARKS)))
    return tuple(
        WordRead(
            known[number],
            float(shares[at, number]),
            tuple((known[i], p) for i, p in zip(best.indices[at].tolist(), best.values[at].tolist(), strict=True)),
            read[:, :, at],
            at < forced,
        )
        for at, number in enumerate(written[1:])
    )
