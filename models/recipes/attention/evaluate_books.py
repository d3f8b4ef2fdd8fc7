"""How well does the small GPT-2 predict a text it has never seen, and does it look up what came before?

    python -m models.recipes.attention.evaluate_books --data FILE.txt

prints one JSON line. `bits_per_character`, as for the character networks: each piece is predicted from at least half a
context of pieces before it, but at the beginning. `repetition_nats`: surprise at random pieces that come again, 8.3 for
who does not look back. `induction_head`: the head whose pieces give most of their attention there to what came after
the same piece earlier (Olsson et al. 2022), as layer and head, counted from 1, and `induction_attention`, that share.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from models.attention.heads import best_heads, score_heads
from models.attention.subjects import Reading, Subject
from models.attention.trace import attention_of, load
from models.recipes.attention.train_books import (
    MEASURED_WINDOWS,
    NAME,
    encode,
    nats_per_piece,
    repeating_windows,
    repetition_nats,
)


def induction(subject: Subject) -> np.ndarray:
    """Score of "induction" `[layers, heads]` on random pieces over and over, in the mean of `MEASURED_WINDOWS`."""
    torch.manual_seed(0)
    scores = []
    for ids in repeating_windows(MEASURED_WINDOWS)[0].tolist():
        reading = Reading(tuple(ids[:-1]), tuple(map(str, ids[:-1])))
        [trace] = attention_of(subject, reading, subject.run(reading)).traces
        scores.append(score_heads(trace)["induction"])
    return np.mean(scores, axis=0)


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
    [(layer, head, share)] = best_heads(induction(subject), 1)
    line = {
        "model": NAME,
        "data": arguments.data.name,
        "characters": len(text),
        "pieces": len(pieces),
        "nats_per_piece": round(nats, 4),
        "bits_per_character": round(nats * len(pieces) / len(text) / math.log(2), 4),
        "repetition_nats": round(repetition_nats(subject.network), 4),
        "induction_head": f"{layer + 1}.{head + 1}",
        "induction_attention": round(share, 4),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
