"""How near a caption is to what people wrote: BLEU-4 and CIDEr-D, as the COCO caption server defines them.

BLEU: Papineni et al. 2002, of a whole set of pictures, without smoothing; lengths are compared with the reference
that is nearest in length. CIDEr-D: Vedantam et al. 2015 (arXiv 1411.5726), section 5, with sigma 6 and times 10; the
document frequencies are those of the references. Sentences are lists of words.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

Sentence = Sequence[str]
Grams = Counter[tuple[str, ...]]
Vector = dict[tuple[str, ...], float]
LONGEST = 4
SIGMA = 6.0
SCALE = 10.0


def grams(sentence: Sentence, length: int) -> Grams:
    """How often each run of `length` words comes."""
    return Counter(tuple(sentence[at : at + length]) for at in range(len(sentence) - length + 1))


def bleu4(written: Sequence[Sentence], references: Sequence[Sequence[Sentence]]) -> float:
    """BLEU-4, 0 to 1, of one sentence a picture against all of its references."""
    matches, totals = [0] * LONGEST, [0] * LONGEST
    length = expected = 0
    for sentence, true in zip(written, references, strict=True):
        length += len(sentence)
        expected += min((abs(len(one) - len(sentence)), len(one)) for one in true)[1]
        for n in range(1, LONGEST + 1):
            most = Grams()
            for one in true:
                most |= grams(one, n)
            matches[n - 1] += (grams(sentence, n) & most).total()
            totals[n - 1] += max(0, len(sentence) - n + 1)
    if not all(matches):
        return 0.0
    precision = sum(math.log(m / t) for m, t in zip(matches, totals, strict=True)) / LONGEST
    return math.exp(precision + min(0.0, 1 - expected / length))


def cider(written: Sequence[Sentence], references: Sequence[Sequence[Sentence]]) -> float:
    """CIDEr-D of one sentence a picture: the mean over pictures and references; 10 where every word is as written."""
    frequencies: Grams = Counter(gram for true in references for gram in {g for one in true for g in _all_grams(one)})
    pictures = math.log(max(1, len(references)))
    scores = []
    for sentence, true in zip(written, references, strict=True):
        own = _vectors(sentence, frequencies, pictures)
        near = [_likeness(sentence, own, one, _vectors(one, frequencies, pictures)) for one in true]
        scores.append(SCALE * sum(near) / len(near))
    return sum(scores) / len(scores)


def _all_grams(sentence: Sentence) -> Iterator[tuple[str, ...]]:
    for n in range(1, LONGEST + 1):
        yield from grams(sentence, n)


def _vectors(sentence: Sentence, frequencies: Grams, pictures: float) -> list[Vector]:
    """For each length of gram its counts times log(pictures / pictures that have it)."""
    return [
        {gram: count * (pictures - math.log(max(1, frequencies[gram]))) for gram, count in grams(sentence, n).items()}
        for n in range(1, LONGEST + 1)
    ]


def _likeness(sentence: Sentence, own: list[Vector], reference: Sentence, theirs: list[Vector]) -> float:
    """The mean over lengths of the clipped cosine, less where the lengths of the sentences differ."""
    cosines = []
    for ours, other in zip(own, theirs, strict=True):
        product = sum(min(value, other[gram]) * other[gram] for gram, value in ours.items() if gram in other)
        norms = math.sqrt(sum(v * v for v in ours.values())) * math.sqrt(sum(v * v for v in other.values()))
        cosines.append(product / norms if norms else 0.0)
    penalty = math.exp(-((len(sentence) - len(reference)) ** 2) / (2 * SIGMA**2))
    return penalty * sum(cosines) / LONGEST
