"""How well does a network predict a text it has never seen? Bits per character, the mean of -log2 p(next character).

    python -m models.recipes.sequences.evaluate --data FILE.txt [--model NAME ...]

prints one JSON line a model. Every character of the file is counted once, unknown ones as the unknown symbol; how the
text is read is told in `models.sequences.bits`.
"""

import argparse
import json
from pathlib import Path

import torch

from models import runtime, weights
from models.sequences.bits import bits_per_character
from models.text.recurrent import load
from models.text.symbols import encode


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Bits per character on a text.")
    parser.add_argument("--data", type=Path, required=True, help="a text file, UTF-8")
    parser.add_argument("--model", nargs="*", default=weights.offered("sequences"))
    arguments = parser.parse_args()
    text = encode(arguments.data.read_text(encoding="utf-8", errors="replace"))
    for name in arguments.model:
        network = runtime.load(name, load).network
        bits = bits_per_character(network, torch.from_numpy(text.symbols).to(runtime.device()))
        counts = {"characters": len(text.symbols), "folded": text.folded, "unknown": text.unknown}
        print(json.dumps({"model": name, "bits_per_character": round(bits, 4), **counts}), flush=True)


if __name__ == "__main__":
    main()
