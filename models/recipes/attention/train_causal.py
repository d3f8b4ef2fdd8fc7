"""Teach a causal Transformer to predict the next character: every position of a window is a lesson, all at once.

    python -m models.recipes.attention.train_causal --data DIR --run DIR [--steps N] [--cooldown M] [--resume]
    python -m models.recipes.attention.train_causal --data DIR --run DIR --export
        write assets/weights/char-transformer/

The books, the split, the varied paragraphs and the slips are those of `models.recipes.sequences.train`, so that this
network can be compared with the recurrent ones. A quarter of the windows begin where a paragraph begins, so that the
network also learns to begin; the others begin anywhere. Muon (Jordan et al. 2024) for the matrices of the layers and
AdamW for the rest, bfloat16 autocast. Learning rate: warm-up, constant, linear cool-down of `--cooldown` steps before
`--steps`.
"""

import dataclasses
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from models import training
from models.recipes.attention.evaluate_causal import NAME, bits_per_character
from models.text import books
from models.text.causal import CausalConfig, CausalTransformer
from models.text.symbols import ALPHABET, START, encode
from models.training import TrainStep, Trapezoid

WINDOWS = 16
PARAGRAPH_PROBABILITY = 0.25
PEAK = {"muon": 4e-3, "adam": 3e-3}
WARMUP_STEPS = 100
CLIP = 1.0


class Training:
    """A network, its optimisers and its text; `fit` yields one `TrainStep` a step, its loss in bits per character.

    Everything random in a step follows from the seed and the step, so a resumed run goes on exactly.
    """

    def __init__(self, text: Tensor, config: CausalConfig, schedule: Trapezoid, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.network = CausalTransformer(config)
        named = list(self.network.named_parameters())
        matrices = [p for name, p in named if p.ndim == 2 and "embedding" not in name]
        others = [p for name, p in named if p.ndim < 2 or "embedding" in name]
        self.optimizers = {
            "muon": torch.optim.Muon(matrices, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            "adam": torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0),
        }
        self.text, self.schedule, self.seed, self.steps_done = text, schedule, seed, 0
        self.paragraphs = paragraph_starts(text[: -config.context])

    def windows(self, step: int) -> Tensor:
        """The windows of a step, `[WINDOWS, context + 1]` symbols."""
        generator = torch.Generator().manual_seed((self.seed << 32) + step)
        length = self.network.config.context + 1
        anywhere = torch.randint(len(self.text) - length + 1, (WINDOWS,), generator=generator)
        paragraph = self.paragraphs[torch.randint(len(self.paragraphs), (WINDOWS,), generator=generator)]
        begins = torch.rand(WINDOWS, generator=generator) < PARAGRAPH_PROBABILITY
        window = self.text[torch.where(begins, paragraph, anywhere)[:, None] + torch.arange(length)]
        slips = torch.rand(window.shape, generator=generator) < books.SLIP_PROBABILITY
        return torch.where(slips, torch.randint(len(ALPHABET), window.shape, generator=generator), window)

    def fit(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule."""
        while self.steps_done < self.schedule.total_steps:
            yield self._step()

    def _step(self) -> TrainStep:
        start, share = time.perf_counter(), self.schedule(self.steps_done)
        for name, optimizer in self.optimizers.items():
            optimizer.param_groups[0]["lr"] = share * PEAK[name]
            optimizer.zero_grad()
        self.network.train()
        window = self.windows(self.steps_done)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(window[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), window[:, 1:].flatten())
        loss.backward()
        norm = training.gradient_norm(self.network.parameters(), clip=CLIP)
        for optimizer in self.optimizers.values():
            optimizer.step()
        self.steps_done += 1
        rate = window[:, 1:].numel() / (time.perf_counter() - start)
        return TrainStep(self.steps_done, loss.item() / math.log(2), norm, share * PEAK["muon"], rate)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on as if nothing had happened."""
        optimizers = {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}
        return {"network": self.network.state_dict(), "steps_done": self.steps_done, **optimizers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was taken."""
        self.network.load_state_dict(state["network"])
        self.steps_done = state["steps_done"]
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state[name])


def paragraph_starts(text: Tensor) -> Tensor:
    """Where paragraphs begin in `text [N]`: indices of the line breaks just before their first characters."""
    newline = ALPHABET.index(START)
    return 1 + ((text[:-2] == newline) & (text[1:-1] == newline) & (text[2:] != newline)).nonzero().squeeze(1)


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the causal character Transformer.", steps=5_000, cooldown=2_300)
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books of books.py")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = CausalConfig()
    text = encode(books.vary(books.read(arguments.data, "train"), seed=0)).symbols
    schedule = Trapezoid(1.0, WARMUP_STEPS, arguments.steps, arguments.cooldown)
    job = Training(torch.from_numpy(text), config, schedule)
    if arguments.resume or arguments.export:
        job.load_state_dict(training.load_checkpoint(arguments.run / "checkpoint.pt"))
    if not arguments.export:
        validation = torch.from_numpy(encode(books.read(arguments.data, "validation")).symbols)

        def figures(loss: float) -> dict[str, float]:
            return {"train_bits": loss, "validation_bits": bits_per_character(job.network.eval(), validation)}

        training.follow(job.fit(), arguments.run, job.state_dict, figures)
    training.export(NAME, job.network.state_dict(), dataclasses.asdict(config), half=True)


if __name__ == "__main__":
    main()
