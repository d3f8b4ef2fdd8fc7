"""How well does a network predict a text it has never seen? Bits per character, the mean of -log2 p(next character).

    python -m models.sequences.evaluate --data FILE.txt [--model NAME ...]

prints one JSON line a model. Every character of the file is counted once, unknown ones as the unknown symbol. The text
is read in up to 128 stretches side by side; each stretch but the first reads the 512 characters before its own to warm
up (not counted twice), so every character is predicted from all that precedes it in the file or from at least 512
characters. The first is predicted from a fresh state and a line break, as in the app.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models import runtime, weights
from models.sequences.network import CharacterNetwork, load
from models.sequences.symbols import ALPHABET, START, encode

MAX_STRETCHES = 128
WARM_UP = 512
WINDOW = 256


@torch.inference_mode()
def bits_per_character(network: CharacterNetwork, symbols: Tensor) -> float:
    """Mean surprise in bits over `symbols` [T] int64, T >= 1."""
    count = len(symbols)
    stretches = max(1, min(MAX_STRETCHES, count // (8 * WARM_UP)))
    length = math.ceil(count / stretches)
    inputs = torch.cat([torch.tensor([ALPHABET.index(START)], device=symbols.device), symbols[:-1]])
    positions = torch.arange(-WARM_UP, length)[:, None] + length * torch.arange(stretches)
    counted = (positions < count) & (torch.arange(-WARM_UP, length) >= 0)[:, None]
    positions = positions.clamp(0, count - 1)
    state, bits = network.fresh_state(stretches), 0.0
    for first in range(0, len(positions), WINDOW):
        if first == WARM_UP:
            state = state.map(_begin_first_afresh)
        window = slice(first, first + WINDOW)
        logits, state = network(inputs[positions[window]], state)
        nats = F.cross_entropy(logits.flatten(0, 1), symbols[positions[window]].flatten(), reduction="none")
        bits += float(nats[counted[window].flatten()].double().sum()) / math.log(2)
    return bits / count


def _begin_first_afresh(part: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(part[:1]), part[1:]])


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
