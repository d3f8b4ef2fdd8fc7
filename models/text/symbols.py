"""A text as a row of symbols: the 100 characters the networks know, and what happens to all the others.

One character becomes exactly one symbol, so that figures stay aligned with the visitor's own text:
1. a character of `ALPHABET` is itself;
2. typographic variants and accented Latin letters are *folded* to a character of the alphabet (`“` to `"`, `é` to `e`);
3. everything else (emoji, Greek, combining marks ...) is the explicit symbol `UNKNOWN`.
"""

import string
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

UNKNOWN = "\ufffd"
START = "\n"
ALPHABET = UNKNOWN + "\n" + " " + string.ascii_letters + string.digits + string.punctuation + "—…£"

_VARIANTS = {
    "'": "‘’‚‛′ʼ´",
    '"': "“”„‟″«»",
    "-": "‐‑‒–−\u00ad",
    "—": "―⸺⸻",
    " ": "\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000",
    "\n": "\r\u2028\u2029\f\v",
}
_FOLDED = {variant: plain for plain, variants in _VARIANTS.items() for variant in variants}
_INDEX = {character: index for index, character in enumerate(ALPHABET)}


@dataclass(frozen=True)
class Encoded:
    """`symbols` [T] int64, indices into `ALPHABET`; how many characters were folded, how many are unknown."""

    symbols: np.ndarray
    folded: int
    unknown: int


def fold(character: str) -> str:
    """The member of `ALPHABET` that stands for this character; `UNKNOWN` if there is none."""
    if character in _INDEX:
        return character
    plain = _FOLDED.get(character) or unicodedata.normalize("NFD", character)[0]
    return plain if plain in _INDEX else UNKNOWN


def encode(text: str) -> Encoded:
    """Every character of the text as one symbol."""
    plain = {character: fold(character) for character in set(text)}
    symbols = np.fromiter((_INDEX[plain[character]] for character in text), np.int64, len(text))
    unknown = int((symbols == _INDEX[UNKNOWN]).sum())
    folded = sum(plain[character] != character for character in text) - (unknown - text.count(UNKNOWN))
    return Encoded(symbols, folded, unknown)


def decode(symbols: Iterable[int]) -> str:
    """The characters of some symbols."""
    return "".join(ALPHABET[symbol] for symbol in symbols)
