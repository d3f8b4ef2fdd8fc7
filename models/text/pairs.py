"""Sentence pairs and their split: by English sentence, so that no sentence is both learnt and examined.

The public source is manythings.org/anki (Tatoeba): one pair a line, English, tab, French, and possibly more columns.
"""

import gzip
import hashlib
import re
from pathlib import Path
from typing import Literal, NamedTuple

Part = Literal["train", "validation", "test"]
PERCENT = {"test": 2, "validation": 1}


class Pair(NamedTuple):
    """A sentence and one translation of it."""

    english: str
    french: str


def read_pairs(path: Path) -> list[Pair]:
    """Pairs of a `.tsv` or `.tsv.gz` file in the manythings.org format. `ValueError` names a line without a tab."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        columns = [line.rstrip("\r\n").split("\t") for line in file if line.strip()]
    for number, fields in enumerate(columns, start=1):
        if len(fields) < 2:
            raise ValueError(f"{path.name}, sentence {number}: no tab between English and French.")
    return [Pair(fields[0], fields[1]) for fields in columns]


def part_of(english: str) -> Part:
    """The part to which a sentence belongs, by a hash of its words alone.

    Case, punctuation and spaces do not count: "Stop!" and "stop." are in the same part.
    """
    words = " ".join(re.findall(r"\w+", english.casefold()))
    percent = int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") % 100
    if percent < PERCENT["test"]:
        return "test"
    return "validation" if percent < PERCENT["test"] + PERCENT["validation"] else "train"
