"""What was painted on a square of 56 x 56 cells, as pages and links say it: as runs (`demos/ui/pieces/runs.js`)."""

import string
from typing import Any

import numpy as np

from models.errors import InputError

CELLS = 56
MAX_CHARS = 4_000
LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
GARBLED = "The painting did not arrive as the page sends it: paint again."


def read_mask(text: Any, side: int) -> np.ndarray | None:
    """The painted pixels `(side, side)` bool of a mask as the browser sends it; None where nothing is painted.

    Raises `InputError` for anything else.
    """
    if not text:
        return None
    if not isinstance(text, str) or len(text) > MAX_CHARS:
        raise InputError(GARBLED)
    lengths = _numbers(text)
    if sum(lengths) != CELLS**2:
        raise InputError(GARBLED)
    cells = np.repeat(np.arange(len(lengths)) % 2 > 0, lengths).reshape(CELLS, CELLS)
    return cells.repeat(side // CELLS, 0).repeat(side // CELLS, 1) if cells.any() else None


def _numbers(text: str) -> list[int]:
    """Five bits a letter, the low ones first; a letter of the second half says that more follow."""
    numbers, number, bits = [], 0, 0
    for letter in text:
        value = LETTERS.find(letter)
        if value < 0 or bits > 15:
            raise InputError(GARBLED)
        number |= (value & 31) << bits
        bits += 5
        if value < 32:
            numbers.append(number)
            number, bits = 0, 0
    if bits:
        raise InputError(GARBLED)
    return numbers
