"""How well does the causal Transformer predict a text it has never seen? Bits per character, as for the LSTM.

    python -m models.recipes.attention.evaluate_causal --data FILE.txt [--by-position]

prints one JSON line. Every character of the file is counted once, unknown ones as the unknown symbol. Windows as long
as the context move on by half of it; of each only the second half is counted (of the first window everything), so every
character is predicted from all that precedes it in the file or from at least half a context.

`--by-position` adds the mean bits by how many characters the network has read before the one it predicts, over the
same windows: a reader that opens a book in the middle of a page knows nothing at first.
"""

import argparse
import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models import runtime
from models.text.causal import CausalTransformer, load
from models.text.symbols import ALPHABET, START, encode

NAME = "char-transformer"
BATCH = 32


def window_bits(network: CausalTransformer, symbols: Tensor) -> tuple[Tensor, Tensor]:
    """Surprise in bits of `symbols [N]` in windows as long as the network's context; see `bits_in_windows`."""
    return bits_in_windows(network, symbols, network.config.context)


@torch.inference_mode()
def bits_in_windows(read: Callable[[Tensor], Tensor], symbols: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """Surprise in bits of `symbols [N]` in windows that overlap by half: bits `[windows, context]` and their places.

    `read` is any network that begins every window afresh: `[B, context]` -> logits `[B, context, symbols]`.
    Places `[windows, context]` are indices into `symbols`, N or more where a window reaches beyond the end. Column p
    was predicted from p + 1 characters; in the first window the first of these is a line break, as in the app.
    """
    count = len(symbols)
    inputs = torch.cat([symbols.new_tensor([ALPHABET.index(START)]), symbols[:-1]])
    starts = torch.arange(0, max(1, count - context // 2), context // 2, device=symbols.device)
    places = starts[:, None] + torch.arange(context, device=symbols.device)
    bits = []
    for rows in places.clamp(max=count - 1).split(BATCH):
        nats = F.cross_entropy(read(inputs[rows]).flatten(0, 1), symbols[rows].flatten(), reduction="none")
        bits.append(nats.view(rows.shape).double() / math.log(2))
    return torch.cat(bits), places


def bits_per_character(network: CausalTransformer, symbols: Tensor) -> float:
    """Mean surprise in bits over `symbols [N]` int64, N >= 1."""
    bits, places = window_bits(network, symbols)
    counted = places < len(symbols)
    counted[1:, : network.config.context // 2] = False
    return float(bits[counted].mean())


def bits_by_position(network: CausalTransformer, symbols: Tensor) -> dict[str, float]:
    """Mean surprise in bits by the number of characters read before: 1-8, 9-16, 17-32 ... to the whole context."""
    bits, places = window_bits(network, symbols)
    edges = [0, *(8 << n for n in range(16) if 8 << n < network.config.context), network.config.context]
    means = {}
    for low, high in pairwise(edges):
        inside = bits[:, low:high][places[:, low:high] < len(symbols)]
        means[f"{low + 1}-{high}"] = round(float(inside.mean()), 4)
    return means


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Bits per character on a text.")
    parser.add_argument("--data", type=Path, required=True, help="a text file, UTF-8")
    parser.add_argument("--by-position", action="store_true", help="also by position in the context")
    arguments = parser.parse_args()
    text = encode(arguments.data.read_text(encoding="utf-8", errors="replace"))
    symbols = torch.from_numpy(text.symbols).to(runtime.device())
    network = runtime.load(NAME, load).network
    line = {"model": NAME, "bits_per_character": round(bits_per_character(network, symbols), 4)}
    line |= {"characters": len(symbols), "folded": text.folded, "unknown": text.unknown}
    if arguments.by_position:
        line["bits_by_characters_read"] = bits_by_position(network, symbols)
    print(json.dumps(line))


if __name__ == "__main__":
    main()
