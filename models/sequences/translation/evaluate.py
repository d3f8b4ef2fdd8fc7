"""What the bottleneck costs: BLEU of the recurrent translator and of the Transformer, by the length of the sentence.

    python -m models.sequences.translation.evaluate --data FILE.tsv.gz [--split test] [--by-length] [--checkpoint FILE]

One JSON line a model, for the same held-out sentences of a file in the manythings.org format (rule: `pairs.part_of`).
`bleu` is corpus BLEU of greedy translations against the first reference that the file gives; the other figures are
those of `models.attention.evaluate`. `by_length` groups sentences by their English words (parted by spaces).
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch

from models import training, weights
from models.attention import decoding
from models.attention.evaluate import load_translator, measure, references_of
from models.attention.pairs import part_of, read_pairs
from models.attention.tokenizer import load_tokenizer
from models.sequences.translation.trace import load, translate
from models.sequences.translation.train import NAME, TOKENIZER, Training

LENGTHS = {"1-4": (1, 4), "5-6": (5, 6), "7-8": (7, 8), "9-12": (9, 12), "13+": (13, 10_000)}

Translate = Callable[[list[str]], list[str]]


def by_length(hypotheses: list[str], references: dict[str, list[str]]) -> dict[str, dict[str, float | int]]:
    """BLEU against the first reference and the number of sentences, for each group of `LENGTHS` that has any."""
    figures = {}
    for name, (shortest, longest) in LENGTHS.items():
        chosen = [i for i, english in enumerate(references) if shortest <= len(english.split()) <= longest]
        if chosen:
            first = [[list(references.values())[i][0]] for i in chosen]
            score = measure([hypotheses[i] for i in chosen], first)["bleu"]
            figures[name] = {"bleu": score, "sentences": len(chosen)}
    return figures


def recurrent(checkpoint: Path | None) -> Translate:
    """The embedded recurrent translator, or the averaged weights of a training under way."""
    if checkpoint is None:
        model = load(weights.folder(NAME)).eval()
        return lambda sentences: translate(model.network, model.tokenizer, sentences)
    network = Training.resume(training.load_checkpoint(checkpoint)).averaged()
    tokenizer = load_tokenizer(weights.folder(TOKENIZER))
    return lambda sentences: translate(network, tokenizer, sentences)


def transformer() -> Translate:
    """The embedded Transformer of the Attention tab."""
    network, folder = load_translator(None)
    return lambda sentences: decoding.translate(network, load_tokenizer(folder), sentences)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="BLEU of the recurrent translator and of the Transformer.")
    parser.add_argument("--data", type=Path, required=True, help="pairs in the manythings.org format (.tsv.gz)")
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument("--by-length", action="store_true")
    parser.add_argument("--checkpoint", type=Path, help="checkpoint.pt of a run, in place of the embedded weights")
    options = parser.parse_args()
    references = references_of([p for p in read_pairs(options.data) if part_of(p.english) == options.split])
    if not references:
        parser.error("no pair is left to measure")
    for name, translator in ((NAME, recurrent(options.checkpoint)), (TOKENIZER, transformer())):
        start = time.perf_counter()
        with torch.inference_mode():
            hypotheses = translator(list(references))
        line = {"model": str(options.checkpoint) if options.checkpoint and name == NAME else name}
        line |= measure(hypotheses, list(references.values()))
        line |= {"split": options.split, "sentences": len(references), "seconds": round(time.perf_counter() - start, 1)}
        if options.by_length:
            line |= {"by_length": by_length(hypotheses, references)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
