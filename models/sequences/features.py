"""What a unit may go along with: features of a text, one number a character, and how well units follow them."""

from collections.abc import Callable

import numpy as np


def _since(marks: np.ndarray) -> np.ndarray:
    """[T] bool -> [T] how many characters ago the last mark was (0 at a mark)."""
    positions = np.arange(len(marks))
    return positions - np.maximum.accumulate(np.where(marks, positions, 0))


def _inside_quotes(text: np.ndarray) -> np.ndarray:
    """After an opening and before the closing quotation mark; a new paragraph begins outside."""
    inside, flags = False, np.zeros(len(text))
    for position, character in enumerate(text):
        if character in "“”\n":
            inside = character == "“"
        elif character == '"':  # straight ones do not say which they are
            inside = not inside
        flags[position] = inside
    return flags


def _letters(text: np.ndarray) -> np.ndarray:
    return np.char.isalpha(text) | np.isin(text, ["'", "’"])


def _capitalised_word(text: np.ndarray) -> np.ndarray:
    letters = _letters(text)
    start = letters & ~np.concatenate([[False], letters[:-1]])
    first = np.maximum.accumulate(np.where(start, np.arange(len(text)), 0))
    return letters & np.char.isupper(text[first])


FEATURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "inside quotation marks": _inside_quotes,
    "distance since the line break (log)": lambda text: np.log1p(_since(text == "\n")),
    "distance since the sentence began (log)": lambda text: np.log1p(_since(np.isin(text, [".", "!", "?", "\n"]))),
    "distance since the last comma or stop (log)": lambda text: np.log1p(_since(np.isin(text, list(".,;:!?—\n")))),
    "position in the word": lambda text: _since(~_letters(text)),
    "in a word with a capital": _capitalised_word,
    "just read a vowel": lambda text: np.isin(np.char.lower(text), list("aeiou")),
    "just read a space": lambda text: text == " ",
    "just read a capital": np.char.isupper,
    "just ended a sentence": lambda text: np.isin(text, [".", "!", "?"]),
}


def correlations(states: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Pearson correlation of states [T, units] with features [T, F]: [units, F], 0 where either is constant."""
    x, y = (values - values.mean(axis=0, dtype=np.float64) for values in (states, features))
    scale = np.outer(np.sqrt((x**2).sum(axis=0)), np.sqrt((y**2).sum(axis=0)))
    return np.divide(x.T @ y, scale, out=np.zeros_like(scale), where=scale > 1e-9)
