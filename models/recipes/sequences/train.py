"""Teach a recurrent network to predict the next character, by truncated backpropagation through time.

    python -m models.recipes.sequences.train --data DIR --run DIR [--cell lstm] [--steps N] [--cooldown M] [--resume]
                                             [--start FOLDER] [--more]
    python -m models.recipes.sequences.train --data DIR --run DIR --export      write assets/weights/char-<cell>/

Readers go through the corpus side by side, 128 characters a step; the state is carried from window to window, the
gradient is not (Williams and Peng 1990). Now and then a reader jumps to the start of another paragraph with a fresh
state, so that the network also learns to begin. One character in 100 is replaced by any other: without these slips a
network that has only read printed books takes a typing error or a capital for impossible (surprises of 30 bits), and
loses its thread afterwards. Learning rate: warm-up, constant, linear cool-down of `--cooldown` steps before `--steps`.
`--start` goes on from the weights of a folder, with other readers and at half the learning rate. `--more` has them read
the eight further books beside the nine, in about half of the time.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from models import training
from models.sequences.bits import bits_per_character
from models.text import books
from models.text.recurrent import CellName, CharacterNetwork, Config, State, describe, load
from models.text.symbols import ALPHABET, START, encode
from models.training import Trainer, Trapezoid

READERS = 64
WINDOW = 128
DROPOUT = 0.25
JUMP_PROBABILITY = 0.02
WARMUP_STEPS = 200
PEAK_LEARNING_RATE: dict[CellName, float] = {"rnn": 1e-3, "gru": 2e-3, "lstm": 3e-3}


class Readers:
    """`READERS` readers of one text: `next_window` gives [WINDOW + 1, READERS] symbols and who has just jumped.

    Everything random comes from `generator`; `state_dict` is enough to go on exactly.
    """

    def __init__(self, text: Tensor, seed: int) -> None:
        newline = ALPHABET.index(START)
        breaks = (text[:-2] == newline) & (text[1:-1] == newline) & (text[2:] != newline)
        self.text = text
        self.paragraphs = 1 + breaks.nonzero().squeeze(1)
        self.paragraphs = self.paragraphs[self.paragraphs < len(text) - WINDOW - 1]
        self.generator = torch.Generator().manual_seed(seed)
        self.positions = self._random_paragraphs()
        self.fresh = torch.ones(READERS, dtype=torch.bool)

    def _random_paragraphs(self) -> Tensor:
        return self.paragraphs[torch.randint(len(self.paragraphs), (READERS,), generator=self.generator)]

    def next_window(self) -> tuple[Tensor, Tensor]:
        """Symbols [WINDOW + 1, READERS] and `fresh` [READERS]: readers whose state must be zeroed first."""
        window = self.text[torch.arange(WINDOW + 1)[:, None] + self.positions]
        slips = torch.rand(window.shape, generator=self.generator) < books.SLIP_PROBABILITY
        others = torch.randint(len(ALPHABET), window.shape, generator=self.generator)
        window = torch.where(slips, others, window)
        fresh = self.fresh
        self.positions = self.positions + WINDOW
        self.fresh = torch.rand(READERS, generator=self.generator) < JUMP_PROBABILITY
        self.fresh |= self.positions >= len(self.text) - WINDOW - 1
        self.positions = torch.where(self.fresh, self._random_paragraphs(), self.positions)
        return window, fresh

    def state_dict(self) -> dict[str, Tensor]:
        """Where every reader is, and the state of the generator."""
        return {"positions": self.positions, "fresh": self.fresh, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go back to where `state_dict` was taken."""
        self.positions, self.fresh = state["positions"], state["fresh"]
        self.generator.set_state(state["generator"])


class Training(Trainer[CharacterNetwork]):
    """A network, its readers and what it remembers of their windows; losses are in bits per character."""

    loss_unit = math.log(2)

    def __init__(
        self, text: Tensor, config: Config, schedule: Trapezoid, seed: int = 0, start: Path | None = None
    ) -> None:
        """Readers of `text` `[N]` symbols; the weights are those of folder `start`, or new ones."""
        torch.manual_seed(seed)
        network = load(start) if start else CharacterNetwork(config)
        network.dropout.p = DROPOUT
        if config.cell == "lstm" and not start:
            _open_forget_gates(network)
        optimizer = torch.optim.AdamW(network.parameters(), lr=1.0, betas=(0.9, 0.99), weight_decay=0.01)
        super().__init__(network, {"adam": optimizer}, schedule, bfloat16=True)
        self.readers = Readers(text, seed)
        self.memory = network.fresh_state(READERS)

    def loss(self) -> tuple[Tensor, int]:
        """Cross-entropy of every next character; what is remembered goes on to the next window, the gradient not."""
        window, fresh = self.readers.next_window()
        keep = (~fresh).float()[:, None]
        logits, last = self.network(window[:-1], self.memory.map(lambda part: part * keep))
        self.memory = last.map(lambda part: part.detach().float())
        return F.cross_entropy(logits.float().flatten(0, 1), window[1:].flatten()), READERS * WINDOW

    def own_state(self) -> dict[str, Any]:
        """The readers and what the network remembers."""
        return {"readers": self.readers.state_dict(), "memory": [part for part in self.memory if part is not None]}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Go back to where `own_state` was taken."""
        self.readers.load_state_dict(state["readers"])
        self.memory = State(*state["memory"])


def _open_forget_gates(network: CharacterNetwork) -> None:
    """Start with forget gates near sigmoid(1): remember until told otherwise (Jozefowicz et al. 2015)."""
    units = network.config.units
    with torch.no_grad():
        network.recurrent.bias_ih_l0[units : 2 * units] = 1.0
        network.recurrent.bias_hh_l0[units : 2 * units] = 0.0


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train a character network.", steps=7_300, cooldown=2_500)
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books of books.py")
    parser.add_argument("--cell", choices=("rnn", "gru", "lstm"), default="lstm")
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--start", type=Path, help="folder of a network of this cell and size to go on from")
    parser.add_argument("--more", action="store_true", help="read the further books of books.py too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    peak = PEAK_LEARNING_RATE[arguments.cell] / (2 if arguments.start else 1)
    schedule = Trapezoid(peak, WARMUP_STEPS, arguments.steps, arguments.cooldown)
    config = Config(arguments.cell, arguments.units)
    text = encode(books.varied(arguments.data, more=arguments.more)).symbols
    job = Training(torch.from_numpy(text), config, schedule, seed=int(bool(arguments.start)), start=arguments.start)
    validation = torch.from_numpy(encode(books.read(arguments.data, "validation")).symbols)

    def figures(loss: float) -> dict[str, float]:
        return {"train_bits": loss, "validation_bits": bits_per_character(job.network.eval(), validation)}

    def export() -> None:
        training.export(f"char-{config.cell}", job.weights(), describe(job.network), half=True)

    training.run_recipe(job, arguments, figures, export)


if __name__ == "__main__":
    main()
