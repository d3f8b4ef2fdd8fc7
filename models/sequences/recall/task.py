"""The recall task: `Ruth: ` + N characters of anything + ` > `, and then `Ruth` must be written again.

N is the distance. Nothing in the filler says which name it was, so a network that writes it has kept it for N steps
(or, a Transformer, has looked back). 24 names with 24 different first letters: whoever guesses is right in 1 of 24.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.sequences.recall.names import NAMES as NAMES
from models.text.symbols import encode

END = "\n"
MAX_DISTANCE = 400
PAST_THE_END = -100


def prompt(name: str, filler: str) -> str:
    """What is read before the name must be written again."""
    return f"{name}: {filler} > "


def plain(text: str) -> str:
    """A text as filler: all of it on one line, words parted by single spaces."""
    return " ".join(text.split())


def random_words(length: int, random: np.random.Generator) -> str:
    """Filler that needs no data: `length` characters of lower-case "words" of 1 to 9 random letters."""
    letters = random.choice(list("abcdefghijklmnopqrstuvwxyz"), length)
    ends = np.cumsum(random.integers(2, 11, length)) - 1
    letters[ends[ends < length]] = " "
    return "".join(letters)


def cut(text: str, distance: int, count: int, random: np.random.Generator) -> list[str]:
    """`count` stretches of `distance` characters, each from anywhere in `text`; a short text is repeated."""
    if len(text) <= distance:
        text = " ".join([text] * (distance // max(1, len(text)) + 2))
    starts = random.integers(len(text) - distance + 1, size=count)
    return [text[start : start + distance] for start in starts]


class Lessons(NamedTuple):
    """Sequences as a network reads them, `[B, T]` each.

    inputs: symbols; the true letters of the name are fed whatever a network would write
    targets: the symbol after each; `PAST_THE_END` where a shorter sequence is filled up
    asked: True where the name must be written again, and its line end
    """

    inputs: Tensor
    targets: Tensor
    asked: Tensor


def as_lessons(names: list[str], fillers: list[str]) -> Lessons:
    """One sequence for each name and its filler."""
    texts = [prompt(name, filler) + name + END for name, filler in zip(names, fillers, strict=True)]
    longest = max(map(len, texts))
    symbols = torch.from_numpy(np.stack([encode(text.ljust(longest, END)).symbols for text in texts]))
    places = torch.arange(1, longest)
    ends = torch.tensor([len(text) for text in texts])[:, None]
    starts = ends - torch.tensor([len(name + END) for name in names])[:, None]
    targets = symbols[:, 1:].masked_fill(places >= ends, PAST_THE_END)
    return Lessons(symbols[:, :-1], targets, (places >= starts) & (places < ends))
