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

from models.normal import LINE_ENDS, plain
from models.text.known import unknown_sentence

UNKNOWN = "\ufffd"
START = "\n"
ALPHABET = UNKNOWN + "\n" + " " + string.ascii_letters + string.digits + string.punctuation + "—…£"

_INDEX = {character: index for index, character in enumerate(ALPHABET)}


@dataclass(frozen=True)
class Encoded:
    """`symbols` [T] int64, indices into `ALPHABET`; how many characters were folded, how many are unknown.

    `strangers`: the unknown characters, each once.
    """

    symbols: np.ndarray
    folded: int
    unknown: int
    strangers: tuple[str, ...] = ()


def fold(character: str) -> str:
    """The member of `ALPHABET` that stands for this character; `UNKNOWN` if there is none."""
    if character in _INDEX:
        return character
    if character.isspace():
        return "\n" if LINE_ENDS.match(character) else " "
    forms = (plain(character), unicodedata.normalize("NFD", character)[0])
    return next((form for form in forms if form in _INDEX), UNKNOWN)


def encode(text: str) -> Encoded:
    """Every character of the text as one symbol."""
    folds = {character: fold(character) for character in dict.fromkeys(text)}
    symbols = np.fromiter((_INDEX[folds[character]] for character in text), np.int64, len(text))
    unknown = int((symbols == _INDEX[UNKNOWN]).sum())
    folded = sum(folds[character] != character for character in text) - (unknown - text.count(UNKNOWN))
    strangers = tuple(character for character, shown in folds.items() if shown == UNKNOWN)
    return Encoded(symbols, folded, unknown, strangers)


def unknown_note(text: str) -> str:
    """A sentence about the characters that are read as `UNKNOWN`, or nothing."""
    return unknown_sentence(encode(text).strangers)


def decode(symbols: Iterable[int]) -> str:
    """The characters of some symbols."""
    return "".join(ALPHABET[symbol] for symbol in symbols)
