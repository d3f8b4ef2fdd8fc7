"""Measure the network that fills blanks: the bound on text it has not read, how many words of its lines are words.

    python -m models.recipes.diffusion.evaluate_masked --data DIR [--part test] [--lines 128]

prints one JSON line. The bound is in bits per character of lines of 64 that begin where a word begins. For each number
of steps and order: the share of words that are words of the books, and how many different ones there are among 100. The
same of real lines: of those that the network has not read, not all words are words of what it has read. In the middle
of a line (16 blanks, with 24 characters on either side) it is measured how often the true character is the likeliest,
seeing both sides, the left alone and the right alone.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from models import runtime
from models.diffusion.lines import BLANK, LENGTH, NAME, WORD, book_words, text_of
from models.diffusion.masked import fill, said
from models.diffusion.masked_network import BlankReader, load
from models.recipes.diffusion.masked import bits_per_character, read_lines, word_starts

SETTINGS = ((1, "random"), (8, "random"), (64, "random"), (64, "surest"))
BATCH = 32
GAP = slice(24, 40)


def words_of(lines: np.ndarray) -> list[str]:
    """The words of `lines [N, T]`, but those that may be cut at the end."""
    texts = [text_of(line).lower() for line in lines]
    return [word[0] for text in texts for word in WORD.finditer(text) if word.end() < len(text)]


def measure_words(lines: np.ndarray) -> dict[str, float | int]:
    """The share of known words, and how many different ones are among 100 drawn from them without replacement."""
    words = words_of(lines)
    some = np.random.default_rng(0).permutation(words)[:100]
    known = np.mean([word in book_words() for word in words])
    return {"known": round(float(known), 4), "words": len(words), "different_of_100": len(set(some))}


def draw_lines(network: BlankReader, count: int, steps: int, order: str) -> np.ndarray:
    """`count` lines out of nothing but blanks."""
    template, made = np.full(LENGTH, BLANK), []
    for start in range(0, count, BATCH):
        *_, (_, _, after) = fill(network, template, steps, order, list(range(start, min(count, start + BATCH))))
        made.append(after)
    return np.concatenate(made)


def measure_sides(network: BlankReader, lines: np.ndarray) -> dict[str, float]:
    """How often the true character of the gap is the likeliest, by what is seen, in 0..1."""
    gap = lines.copy()
    gap[:, GAP] = BLANK
    left, right = gap.copy(), gap.copy()
    left[:, GAP.stop :], right[:, : GAP.start] = BLANK, BLANK
    true = lines[:, GAP]
    seen = {"both": gap, "left": left, "right": right}
    return {name: round(float((said(network, one)[:, GAP].argmax(-1) == true).mean()), 4) for name, one in seen.items()}


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Measure the network that fills blanks.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books of books.py")
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--lines", type=int, default=128)
    options = parser.parse_args()
    text, network = read_lines(options.data, options.part), runtime.load(NAME, load).network
    starts = word_starts(text[:-LENGTH])
    chosen = starts[torch.linspace(0, len(starts) - 1, options.lines).long()]
    real = text[chosen[:, None] + torch.arange(LENGTH)].numpy()
    figures = {
        "model": NAME,
        "part": options.part,
        "bits_per_character": round(bits_per_character(network, text, 1024, rounds=4), 4),
        "lines": options.lines,
        "real": measure_words(real),
        **{f"{n} {order}": measure_words(draw_lines(network, options.lines, n, order)) for n, order in SETTINGS},
        "true_is_likeliest": measure_sides(network, real),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
