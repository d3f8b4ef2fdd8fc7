"""What the bottleneck costs, and what attention gives back: BLEU of three translators by the length of the sentence.

    python -m models.recipes.sequences.translation.evaluate --data FILE.tsv.gz [--split test] [--checkpoint FILE]
        [--store]

The recurrent translator without attention, the same with attention, and the Transformer; one JSON line each, for the
same held-out sentences of a file in the manythings.org format (rule: `pairs.part_of`).
`bleu` is corpus BLEU of greedy translations against the first reference that the file gives; the other figures are
those of `models.recipes.attention.evaluate`. `by_length` groups sentences by their English words (parted by spaces).
`--store` writes the lines to `FIGURES`, from where the Attention tab draws them.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch

from models import training, weights
from models.attention import decoding
from models.recipes.attention.evaluate import load_translator, measure, references_of
from models.recipes.sequences.translation.train import NAMES, TOKENIZER, network_of
from models.sequences.translation.trace import translate
from models.text.gru_translator import load
from models.text.pairs import part_of, read_pairs
from models.text.tokenizer import load_tokenizer

FIGURES = weights.EMBEDDED.parent / "figures" / "translation.json"
LENGTHS = {"1-4": (1, 4), "5-6": (5, 6), "7-8": (7, 8), "9-12": (9, 12), "13+": (13, 10_000)}

Translate = Callable[[list[str]], list[str]]


def by_length(hypotheses: list[str], references: dict[str, list[str]]) -> dict[str, dict[str, float | int]]:
    """For each group of `LENGTHS` that has any: BLEU against the first reference, sentences, their mean length."""
    figures = {}
    for name, (shortest, longest) in LENGTHS.items():
        lengths = {i: len(english.split()) for i, english in enumerate(references)}
        chosen = {i: length for i, length in lengths.items() if shortest <= length <= longest}
        if chosen:
            first = [[list(references.values())[i][0]] for i in chosen]
            score = measure([hypotheses[i] for i in chosen], first)["bleu"]
            words = round(sum(chosen.values()) / len(chosen), 2)
            figures[name] = {"bleu": score, "sentences": len(chosen), "words": words}
    return figures


def recurrent(name: str) -> Translate:
    """An embedded recurrent translator."""
    model = load(weights.folder(name)).eval()
    return lambda sentences: translate(model.network, model.tokenizer, sentences)


def in_training(checkpoint: Path) -> Translate:
    """The averaged weights of a training under way."""
    network = network_of(training.load_checkpoint(checkpoint))
    tokenizer = load_tokenizer(weights.folder(TOKENIZER))
    return lambda sentences: translate(network, tokenizer, sentences)


def transformer() -> Translate:
    """The embedded Transformer."""
    network, folder = load_translator(None)
    return lambda sentences: decoding.translate(network, load_tokenizer(folder), sentences)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="BLEU of the recurrent translator and of the Transformer.")
    parser.add_argument("--data", type=Path, required=True, help="pairs in the manythings.org format (.tsv.gz)")
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument("--checkpoint", type=Path, help="measure only this checkpoint.pt of a run")
    parser.add_argument("--store", action="store_true", help="write the lines for the app")
    options = parser.parse_args()
    references = references_of([p for p in read_pairs(options.data) if part_of(p.english) == options.split])
    if not references:
        parser.error("no pair is left to measure")
    if options.checkpoint:
        translators = {str(options.checkpoint): in_training(options.checkpoint)}
    else:
        translators = {**{name: recurrent(name) for name in NAMES.values()}, TOKENIZER: transformer()}
    lines = []
    for name, translator in translators.items():
        start = time.perf_counter()
        with torch.inference_mode():
            hypotheses = translator(list(references))
        line = {"model": name, "split": options.split, "sentences": len(references)}
        line |= measure(hypotheses, list(references.values()))
        line |= {"by_length": by_length(hypotheses, references)}
        print(json.dumps({**line, "seconds": round(time.perf_counter() - start, 1)}), flush=True)
        lines.append(line)
    if options.store:
        FIGURES.parent.mkdir(parents=True, exist_ok=True)
        FIGURES.write_text(json.dumps(lines, indent=1) + "\n")


if __name__ == "__main__":
    main()
