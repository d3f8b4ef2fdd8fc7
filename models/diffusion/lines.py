"""Lines of characters and blanks, how a blank is filled, and what of a filled line are words; no network in here.

At time t in 0..1 each character is a blank with probability t, independently (the absorbing state of Austin et al. 2021
with the linear schedule alpha_t = 1 - t). Going back from t to s < t, a blank stays one with probability s / t, and is
otherwise drawn from what the network says of it (Sahoo et al. 2024, equation 7). What is filled stays. A visitor's own
characters are ones that were filled before all others.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from models import weights
from models.compute import Run
from models.text.symbols import ALPHABET, START, UNKNOWN, decode, encode

BLANK = len(ALPHABET)
"""The symbol of a position that is masked: the absorbing state. It has a row of its own and is never predicted."""
LENGTH = 64
"""How many characters a line has, at most."""
NAME = "masked-lines"
HOLE = "_"
"""How a visitor writes a blank."""
NEVER = [ALPHABET.index(symbol) for symbol in (UNKNOWN, START, HOLE)]
"""What no line of the training had, and what stands for a blank: never drawn."""
ORDERS = ("random", "surest")
LIKELIEST = 5
STEPS_BESIDE, LINES_BESIDE = (1, 4, 16), 8
WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class FillStep:
    """One step. seen `[T]`: the line as the network read it, `BLANK` where blank; after: the line then.

    chances `[T, ALPHABET]` float64: what it said of each blank; zero where there is none.
    """

    seen: np.ndarray
    chances: np.ndarray
    after: np.ndarray


@dataclass(frozen=True)
class Filled:
    """A line as it was filled, the share of its words that books have, and what ran."""

    steps: tuple[FillStep, ...]
    words: "Words"
    run: Run


@dataclass(frozen=True)
class Words:
    """Of the words in which something was drawn: how many there are, and how many are words of the books."""

    known: int
    total: int


@dataclass(frozen=True)
class Beside:
    """The same template filled in `steps` steps: the line of the visitor's seed, and the words of all the lines."""

    steps: int
    line: str
    lines: int
    words: Words


@dataclass(frozen=True)
class Sides:
    """What is said of one blank, `[ALPHABET]` each: seeing all, only what is left of it, only what is right of it."""

    both: np.ndarray
    left: np.ndarray
    right: np.ndarray


def symbols_of(template: str) -> np.ndarray:
    """A template, `HOLE` for a blank, as symbols `[T]` int64."""
    symbols = encode(template).symbols
    return np.where(symbols == ALPHABET.index(HOLE), BLANK, symbols)


def text_of(symbols: np.ndarray) -> str:
    """Symbols as text, `HOLE` for a blank."""
    return decode(np.where(symbols == BLANK, ALPHABET.index(HOLE), symbols))


def reverse_chances(chances: np.ndarray, t: float, s: float) -> np.ndarray:
    """q(z_s | z_t, x) of a blank, x distributed by `chances [..., K]`: `[..., K + 1]`, the last one to stay a blank."""
    stays = np.full((*chances.shape[:-1], 1), s / t)
    return np.concatenate([chances * (t - s) / t, stays], axis=-1)


def draw(chances: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """An index for each distribution of `chances [..., K]` float64, by numbers `[...]` uniform in 0..1."""
    below = chances.cumsum(-1)
    return (below <= uniform[..., None] * below[..., -1:]).sum(-1)


def count_words(line: np.ndarray, template: np.ndarray) -> Words:
    """Words of `line [T]` with something drawn in them; one that reaches the last place may be cut, and is left out."""
    drawn = [
        word[0]
        for word in WORD.finditer(text_of(line).lower())
        if word.end() < len(line) and (template[word.start() : word.end()] == BLANK).any()
    ]
    return Words(sum(word in book_words() for word in drawn), len(drawn))


@cache
def book_words() -> frozenset[str]:
    """All words of the passages that the network learned from, in small letters."""
    return frozenset((weights.folder(NAME) / "words.txt").read_text(encoding="utf-8").split())
