"""Captions of photos as words: what counts as one, and which of them the captioner knows."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

MARKS = ("(padding)", "(start)", "(end)", "(unknown)")
PAD, START, END, UNKNOWN = range(len(MARKS))
LEAST = 4
SIDES = {"left": "right", "right": "left"}
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def words_of(caption: str) -> list[str]:
    """The words of a caption: small letters and figures; marks between them mean nothing here."""
    return _WORD.findall(caption.lower())


def mirrored(words: Iterable[str]) -> list[str]:
    """The words for the mirrored photo."""
    return [SIDES.get(word, word) for word in words]


def vocabulary(captions: Iterable[Sequence[str]], least: int = LEAST) -> tuple[str, ...]:
    """The marks and then every word that comes at least `least` times, the commonest first."""
    counts = Counter(word for caption in captions for word in caption)
    known = sorted((word for word, count in counts.items() if count >= least), key=lambda word: (-counts[word], word))
    return *MARKS, *known
