"""How well does the small GPT-2 predict a text it has never seen? Bits per character, as for the character networks.

    python -m models.recipes.attention.evaluate_books --data FILE.txt

prints one JSON line. Each piece is predicted from at least half a context of pieces before it, but at the beginning.
"""

import argparse
import json
import math
from pathlib import Path

from models.attention.trace import load
from models.recipes.attention.train_books import NAME, encode, nats_per_piece


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Measure the small GPT-2.")
    parser.add_argument("--data", type=Path, required=True, help="a text file")
    arguments = parser.parse_args()
    text = arguments.data.read_text(encoding="utf-8")
    if not text:
        parser.error("the file is empty")
    subject = load(NAME).network
    pieces = encode(subject.tokenizer, text)
    nats = nats_per_piece(subject.network, pieces)
    line = {
        "model": NAME,
        "data": arguments.data.name,
        "characters": len(text),
        "pieces": len(pieces),
        "nats_per_piece": round(nats, 4),
        "bits_per_character": round(nats * len(pieces) / len(text) / math.log(2), 4),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
