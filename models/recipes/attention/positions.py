"""What more context is worth: surprise by the number of characters read before, of four networks on one text.

    python -m models.recipes.attention.positions --data FILE.txt [--store]

RNN, GRU, LSTM and the causal Transformer read the same windows of 256 characters, which begin at every 128th character
of the file, each with a fresh state: before the k-th prediction every network has read the same k characters and
nothing else. One JSON line a network; `--store` writes them to `FIGURES`, from where the Attention tab draws them. The
text of the stored figures is what `python -m models.text.books --data DIR --part test` prints.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models import runtime, weights
from models.recipes.attention.evaluate_causal import bits_in_windows
from models.text import causal, recurrent
from models.text.symbols import encode

FIGURES = weights.EMBEDDED.parent / "figures" / "loss_by_position.json"
NAMES = ("char-rnn", "char-gru", "char-lstm", "char-transformer")
CONTEXT = 256


@dataclass(frozen=True)
class ByPosition:
    """`bits[k - 1]` is the mean surprise of one network after k characters, `errors[k - 1]` its standard error.

    The standard error takes windows for independent, which neighbours on one page are not quite.
    """

    model: str
    parameters: int
    windows: int
    bits: list[float]
    errors: list[float]


def reader(name: str) -> tuple[Callable[[Tensor], Tensor], int]:
    """A network of `NAMES` that begins every window afresh, `[B, T]` -> logits `[B, T, symbols]`, and its size."""
    if name == "char-transformer":
        loaded = runtime.load(name, causal.load)
        return loaded.network, loaded.parameters
    loaded = runtime.load(name, recurrent.load)
    network = loaded.network
    return lambda rows: network(rows.t(), network.fresh_state(len(rows)))[0].transpose(0, 1), loaded.parameters


def by_position(name: str, symbols: Tensor, context: int = CONTEXT) -> ByPosition:
    """Mean surprise of a network of `NAMES` on `symbols [N]`, N > context, after 1 to `context` characters."""
    read, parameters = reader(name)
    bits, places = bits_in_windows(read, symbols, context)
    whole = bits[places[:, -1] < len(symbols)]
    errors = whole.std(dim=0) / len(whole) ** 0.5
    means = ([round(x, 4) for x in values.tolist()] for values in (whole.mean(dim=0), errors))
    return ByPosition(name, parameters, len(whole), *means)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Bits per character by the number of characters read before.")
    parser.add_argument("--data", type=Path, required=True, help="a text file, UTF-8")
    parser.add_argument("--store", action="store_true", help="write the lines for the app")
    arguments = parser.parse_args()
    symbols = torch.from_numpy(encode(arguments.data.read_text(encoding="utf-8", errors="replace")).symbols)
    if len(symbols) <= CONTEXT:
        parser.error(f"the text must have more than {CONTEXT} characters")
    measured = [vars(by_position(name, symbols.to(runtime.device()))) for name in NAMES]
    for line in measured:
        print(json.dumps(line), flush=True)
    if arguments.store:
        FIGURES.parent.mkdir(parents=True, exist_ok=True)
        FIGURES.write_text("[\n" + ",\n".join(json.dumps(line) for line in measured) + "\n]\n")


if __name__ == "__main__":
    main()
