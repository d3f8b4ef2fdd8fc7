"""Teach a recurrent network to predict the next character, by truncated backpropagation through time.

    python -m models.recipes.sequences.train --data DIR --run DIR [--cell lstm] [--steps N] [--cooldown M] [--resume]
    python -m models.recipes.sequences.train --data DIR --run DIR --export      write assets/weights/char-<cell>/

Readers go through the corpus side by side, 128 characters a step; the state is carried from window to window, the
gradient is not (Williams and Peng 1990). Now and then a reader jumps to the start of another paragraph with a fresh
state, so that the network also learns to begin. One character in 100 is replaced by any other: without these slips a
network that has only read printed books takes a typing error or a capital for impossible (surprises of 30 bits), and
loses its thread afterwards. Learning rate: warm-up, constant, linear cool-down of `--cooldown` steps before `--steps`.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from models import training
from models.sequences.bits import bits_per_character
from models.text import books
from models.text.recurrent import CellName, CharacterNetwork, Config, State, describe
from models.text.symbols import ALPHABET, START, encode
from models.training import TrainStep, Trapezoid

READERS = 64
WINDOW = 128
DROPOUT = 0.25
JUMP_PROBABILITY = 0.02
WARMUP_STEPS = 200
CLIP = 1.0
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


class Training:
    """A network, its optimiser and its readers; `fit` yields one `TrainStep` a step, its loss in bits per character."""

    def __init__(self, text: Tensor, config: Config, schedule: Trapezoid, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.network = CharacterNetwork(config)
        self.network.dropout.p = DROPOUT
        if config.cell == "lstm":
            _open_forget_gates(self.network)
        self.schedule = schedule
        self.optimizer = torch.optim.AdamW(self.network.parameters(), betas=(0.9, 0.99), weight_decay=0.01)
        self.readers = Readers(text, seed)
        self.state = self.network.fresh_state(READERS)
        self.steps_done = 0

    def fit(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule."""
        while self.steps_done < self.schedule.total_steps:
            yield self._step()

    def _step(self) -> TrainStep:
        start, learning_rate = time.perf_counter(), self.schedule(self.steps_done)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.network.train()
        window, fresh = self.readers.next_window()
        keep = (~fresh).float()[:, None]
        state = self.state.map(lambda part: part * keep)
        with torch.autocast("cpu", torch.bfloat16):
            logits, last = self.network(window[:-1], state)
        loss = F.cross_entropy(logits.float().flatten(0, 1), window[1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        norm = training.gradient_norm(self.network.parameters(), clip=CLIP)
        self.optimizer.step()
        self.state = last.map(lambda part: part.detach().float())
        self.steps_done += 1
        rate = READERS * WINDOW / (time.perf_counter() - start)
        return TrainStep(self.steps_done, loss.item() / math.log(2), norm, learning_rate, rate)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on as if nothing had happened."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "readers": self.readers.state_dict(),
            "memory": [part for part in self.state if part is not None],
            "steps_done": self.steps_done,
            "dropout": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was taken."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.readers.load_state_dict(state["readers"])
        self.state = State(*state["memory"])
        self.steps_done = state["steps_done"]
        torch.set_rng_state(state["dropout"])


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
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    schedule = Trapezoid(PEAK_LEARNING_RATE[arguments.cell], WARMUP_STEPS, arguments.steps, arguments.cooldown)
    config = Config(arguments.cell, arguments.units)
    text = books.vary(books.read(arguments.data, "train"), seed=0)
    job = Training(torch.from_numpy(encode(text).symbols), config, schedule)
    if arguments.resume or arguments.export:
        job.load_state_dict(training.load_checkpoint(arguments.run / "checkpoint.pt"))
    if not arguments.export:
        validation = torch.from_numpy(encode(books.read(arguments.data, "validation")).symbols)

        def figures(loss: float) -> dict[str, float]:
            return {"train_bits": loss, "validation_bits": bits_per_character(job.network.eval(), validation)}

        training.follow(job.fit(), arguments.run, job.state_dict, figures)
    training.export(f"char-{config.cell}", job.network.state_dict(), describe(job.network), half=True)


if __name__ == "__main__":
    main()
