"""The corpus: nine books in the public domain, and which passages of each are kept out of training.

    python -m models.text.books --data DIR --part test > test.txt

prints the passages of one part, for `models.recipes.sequences.evaluate`.

Source: Standard Ebooks (CC0 1.0; the texts are in the public domain). Each file holds one book as plain text,
paragraphs parted by an empty line, as produced from https://github.com/standardebooks/<file name>.
"""

import argparse
import random
import sys
import textwrap
from pathlib import Path

from models.errors import InputError

TITLES = (
    "arthur-conan-doyle_the-adventures-of-sherlock-holmes",
    "e-nesbit_the-railway-children",
    "frances-hodgson-burnett_the-secret-garden",
    "h-g-wells_the-war-of-the-worlds",
    "hugh-lofting_the-story-of-doctor-dolittle",
    "j-m-barrie_peter-and-wendy",
    "l-frank-baum_the-wonderful-wizard-of-oz",
    "l-m-montgomery_anne-of-green-gables",
    "lewis-carroll_alices-adventures-in-wonderland_john-tenniel",
)
MORE_TITLES = (
    "franklin-w-dixon_the-tower-treasure",
    "frederik-pohl_short-fiction",
    "fritz-leiber_short-fiction",
    "harry-harrison_short-fiction",
    "p-g-wodehouse_short-fiction",
    "philip-k-dick_short-fiction",
    "poul-anderson_short-fiction",
    "robert-sheckley_short-fiction",
)
"""More to read, from the same source: no passage of theirs is measured. Elsewhere than in the United States some are
still in copyright."""
PASSAGES = 20
VALIDATION_PASSAGE = 6
TEST_PASSAGE = 13
SLIP_PROBABILITY = 0.01
"""Share of the characters that training replaces by any other, so that networks learn to go on after a slip."""


def split(text: str) -> dict[str, list[str]]:
    """Cut a book into 20 passages of equal length, each cut moved on to the next end of a paragraph.

    The 7th is for validation (when to stop), the 14th for the test (model cards); the other 18 are for training.
    """
    cuts = [0]
    for number in range(1, PASSAGES):
        end = text.find("\n\n", number * len(text) // PASSAGES)
        cuts.append(max(cuts[-1], len(text) if end < 0 else end + 2))
    passages = [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]
    held_out = (VALIDATION_PASSAGE, TEST_PASSAGE)
    return {
        "train": [passage for number, passage in enumerate(passages) if number not in held_out],
        "validation": [passages[VALIDATION_PASSAGE]],
        "test": [passages[TEST_PASSAGE]],
    }


def read(folder: Path, part: str) -> str:
    """The `train`, `validation` or `test` passages of all books, in the order of `TITLES`."""
    return "".join(passage for book in _whole(folder, TITLES) for passage in split(book)[part])


def read_more(folder: Path) -> str:
    """All books of `MORE_TITLES`, whole."""
    return "".join(_whole(folder, MORE_TITLES))


def _whole(folder: Path, titles: tuple[str, ...]) -> list[str]:
    missing = [title for title in titles if not (folder / f"{title}.txt").is_file()]
    if missing:
        raise InputError(f"{folder} lacks {missing[0]}.txt (and {len(missing) - 1} more of {len(titles)} books).")
    return [(folder / f"{title}.txt").read_text(encoding="utf-8").strip() + "\n\n" for title in titles]


def vary(text: str, seed: int) -> str:
    """The training text with some paragraphs set as people type them, so that plain text is no surprise.

    15 % of the paragraphs get hard line ends every 40 to 76 characters, 2 % are in capitals, and one break in ten
    between paragraphs is a single line end. The words stay the same.
    """
    dice = random.Random(seed)  # noqa: S311  # nothing secret
    parts: list[str] = []
    for paragraph in text.split("\n\n"):
        if dice.random() < 0.15:
            paragraph = textwrap.fill(paragraph, dice.randint(40, 76), break_long_words=False)
        if dice.random() < 0.02:
            paragraph = paragraph.upper()
        parts += [paragraph, "\n" if dice.random() < 0.1 else "\n\n"]
    return "".join(parts)


def varied(folder: Path, *, more: bool = False) -> str:
    """The training passages of the nine books as `vary` sets them; with `more` twice, and all of the other books."""
    nine = read(folder, "train")
    parts = [nine, nine, read_more(folder)] if more else [nine]
    return "".join(vary(part, seed) for seed, part in enumerate(parts))


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Print one part of the corpus.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books")
    parser.add_argument("--part", choices=("train", "validation", "test"), required=True)
    arguments = parser.parse_args()
    sys.stdout.buffer.write(read(arguments.data, arguments.part).encode())


if __name__ == "__main__":
    main()
