"""How good the translator is: BLEU of its greedy translations of held-out sentences.

    python -m models.recipes.attention.evaluate --data FILE.tsv.gz [--limit N] [--seed S] [--split all|test]
        [--checkpoint FILE]

The file holds pairs in the manythings.org format (English, tab, French; more columns are ignored). Every pair counts
unless `--split test` asks for the held-out 2 % of a file of which the rest was trained on (rule: `pairs.part_of`).
`--limit` draws that many sentences with the seed. One JSON line:
`bleu` is corpus BLEU against one reference (the first the file gives, so that each English sentence counts once);
`bleu_multi` uses all references of a sentence; `bleu_pairs` counts each pair as a sentence;
`bleu_capitals` is `bleu` with the English in capitals, read as the page reads them (`sentences.in_small_letters`), and
`bleu_bare` with the English in small letters and without its final stop.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import sacrebleu
import torch

from models import weights
from models.attention.decoding import translate
from models.recipes.attention.forms import in_form
from models.recipes.attention.train import NAME, network_of
from models.text.pairs import Pair, part_of, read_pairs
from models.text.sentences import in_small_letters
from models.text.tokenizer import load_tokenizer
from models.text.transformer import Translator, load_network
from models.training import load_checkpoint


def references_of(pairs: list[Pair]) -> dict[str, list[str]]:
    """All French sentences given for each English one, both in the order of the file."""
    references: dict[str, list[str]] = {}
    for pair in pairs:
        references.setdefault(pair.english, []).append(pair.french)
    return references


def choose(references: dict[str, list[str]], limit: int | None, seed: int) -> dict[str, list[str]]:
    """`limit` of the sentences, drawn with the seed; all if there are no more."""
    if limit is None or limit >= len(references):
        return references
    chosen = np.random.default_rng(seed).permutation(sorted(references))[:limit]
    return {str(english): references[english] for english in chosen}


def measure(hypotheses: list[str], references: list[list[str]]) -> dict[str, float | str]:
    """The three BLEU figures described at the top of this module, and sacrebleu's signature of the first."""
    most = max(map(len, references))
    columns = [[refs[min(i, len(refs) - 1)] for refs in references] for i in range(most)]
    counted = [(h, r) for h, refs in zip(hypotheses, references, strict=True) for r in refs]
    single = sacrebleu.BLEU()
    score = single.corpus_score(hypotheses, [columns[0]]).score
    return {
        "bleu": round(score, 2),
        "bleu_multi": round(sacrebleu.BLEU().corpus_score(hypotheses, columns).score, 2),
        "bleu_pairs": round(sacrebleu.BLEU().corpus_score([h for h, _ in counted], [[r for _, r in counted]]).score, 2),
        "chrf": round(sacrebleu.CHRF().corpus_score(hypotheses, [columns[0]]).score, 2),
        "signature": str(single.get_signature()),
    }


def other_forms(sentences: list[str]) -> dict[str, list[str]]:
    """What the network reads when the sentences are typed in capitals, and when they are typed bare."""
    return {
        "capitals": [in_small_letters(sentence.upper()) for sentence in sentences],
        "bare": [in_form(sentence, "bare") for sentence in sentences],
    }


def load_translator(checkpoint: Path | None) -> tuple[Translator, Path]:
    """The embedded translator, or the averaged weights of a training under way, and the folder of its tokenizer."""
    if checkpoint:
        return network_of(load_checkpoint(checkpoint)), checkpoint.parent
    folder = weights.folder(NAME)
    return load_network(folder).eval(), folder


def main() -> None:
    """Command line, described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=("all", "test", "validation"), default="all")
    parser.add_argument("--checkpoint", type=Path, help="checkpoint.pt of a run, not the embedded weights")
    options = parser.parse_args()
    network, folder = load_translator(options.checkpoint)
    pairs = [p for p in read_pairs(options.data) if options.split in ("all", part_of(p.english))]
    references = choose(references_of(pairs), options.limit, options.seed)
    if not references:
        parser.error("no pair is left to measure")
    start = time.perf_counter()
    tokenizer, french = load_tokenizer(folder), list(references.values())
    with torch.inference_mode():
        figures = measure(translate(network, tokenizer, list(references)), french)
        seconds = round(time.perf_counter() - start, 1)
        for name, typed in other_forms(list(references)).items():
            figures[f"bleu_{name}"] = measure(translate(network, tokenizer, typed), french)["bleu"]
    counts = {"sentences": len(references), "pairs": sum(map(len, references.values()))}
    print(json.dumps({"model": NAME, **figures, **counts, "split": options.split, "seconds": seconds}))


if __name__ == "__main__":
    main()
