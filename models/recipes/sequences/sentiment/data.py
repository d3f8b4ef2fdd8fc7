"""Sentences with a verdict, and which of them are kept out of training.

Sources, both CC BY 4.0: the sentence polarity data set v1.0 (Pang and Lee 2005, snippets of film reviews from Rotten
Tomatoes; `sentence_polarity/rt-polarity.pos` and `.neg`, as in the corpora of NLTK) and Sentiment Labelled Sentences
(Kotzias et al. 2015, UCI; `uci_amazon_cells_labelled.txt`, `uci_imdb_labelled.txt`, `uci_yelp_labelled.txt`).
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.errors import InputError

Part = Literal["train", "validation", "test"]
Source = Literal["rotten tomatoes", "uci", "generated"]
POLARITY = {"sentence_polarity/rt-polarity.pos": True, "sentence_polarity/rt-polarity.neg": False}
LABELLED = ("uci_amazon_cells_labelled.txt", "uci_imdb_labelled.txt", "uci_yelp_labelled.txt")
PERCENT_TEST = 10
PERCENT_VALIDATION = 5


@dataclass(frozen=True)
class Sentence:
    """One labelled sentence as it stands in its file."""

    text: str
    positive: bool
    source: Source


def read(folder: Path, part: Part) -> list[Sentence]:
    """One part of all sentences, in the order of the files. Raises `InputError` if a file is missing.

    Of sentences that are the same but for capitals, punctuation and spaces, the first is kept; those that come with
    both verdicts are left out.
    """
    verdicts: dict[str, set[bool]] = {}
    first: dict[str, Sentence] = {}
    for sentence in _read_files(folder):
        key = normalise(sentence.text)
        verdicts.setdefault(key, set()).add(sentence.positive)
        first.setdefault(key, sentence)
    return [s for key, s in first.items() if len(verdicts[key]) == 1 and part_of(s.text) == part]


def normalise(text: str) -> str:
    """What two copies of a sentence share: its letters and digits in lower case, words parted by one space."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def part_of(text: str) -> Part:
    """Where a sentence belongs, by a hash of its normal form, so that copies always fall on the same side."""
    percent = int(hashlib.sha256(normalise(text).encode()).hexdigest()[:8], 16) % 100
    if percent < PERCENT_TEST:
        return "test"
    return "validation" if percent < PERCENT_TEST + PERCENT_VALIDATION else "train"


def _read_files(folder: Path) -> list[Sentence]:
    missing = [name for name in (*POLARITY, *LABELLED) if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} lacks {missing[0]} (and {len(missing) - 1} more of the five files).")
    sentences = [
        Sentence(line.strip(), positive, "rotten tomatoes")
        for name, positive in POLARITY.items()
        for line in _lines(folder / name)
    ]
    for name in LABELLED:
        pairs = (line.rpartition("\t") for line in _lines(folder / name))
        sentences += [Sentence(text.strip(), verdict.strip() == "1", "uci") for text, _, verdict in pairs]
    return sentences


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if normalise(line)]
