"""Teach a Transformer to fill the blanks of lines of books: masked diffusion on characters.

    python -m models.recipes.diffusion.masked --data DIR --run DIR [--steps N] [--cooldown M] [--resume]
                                              [--start FOLDER]
    python -m models.recipes.diffusion.masked --data DIR --run DIR --export      write assets/weights/masked-lines/

The books and their split are those of `models.text.books`, all white space as single spaces. A line begins where a word
begins. Half of the steps take lines of 64 characters, the others of a length drawn anew from 12 to 63.

The loss is the bound of Sahoo et al. (2024, equation 10) per character: of a line with m blanks, m uniform in 1..T, the
mean cross-entropy over the blanks. With the linear schedule that is the integral over time, done exactly (see
`blank_counts`). Muon (Jordan et al. 2024) for the matrices of the layers and AdamW for the rest,
bfloat16 autocast, an exponential moving average of the weights. Learning rate: warm-up, constant, linear cool-down.
`--start` goes on from the weights of a folder, with other lines and at half the learning rates.
"""

import dataclasses
import math
import re
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models import training
from models.diffusion.lines import BLANK, NAME, WORD
from models.diffusion.masked_network import BlankReader, MaskedConfig, load
from models.text import books
from models.text.symbols import decode, encode
from models.training import Trainer, Trapezoid

CHARACTERS = 4096
SHORTEST = 12
PEAK = {"muon": 4e-3, "adam": 3e-3}
WARMUP_STEPS = 100
EMA_DECAY = 0.998
VALIDATION_LINES = 512


def read_lines(folder: Path, part: str) -> Tensor:
    """One part of the books as symbols `[N]` int64, all white space as single spaces."""
    text = re.sub(r"\s+", " ", books.read(folder, part)).strip()
    return torch.from_numpy(encode(text).symbols)


def word_starts(text: Tensor) -> Tensor:
    """Where words begin in `text [N]`: after each space."""
    space = int(encode(" ").symbols[0])
    return 1 + (text[:-1] == space).nonzero().squeeze(1)


def book_words(text: Tensor) -> list[str]:
    """All words of a text, in small letters, each once, sorted."""
    return sorted(set(WORD.findall(decode(text.tolist()).lower())))


class Training(Trainer[BlankReader]):
    """Lines of one text, which follow from the seed and the step; losses are a bound in bits per character."""

    loss_unit = math.log(2)

    def __init__(
        self, text: Tensor, config: MaskedConfig, schedule: Trapezoid, seed: int = 0, start: Path | None = None
    ) -> None:
        """Lines of `text` `[N]` symbols; the weights are those of folder `start`, or new ones."""
        torch.manual_seed(seed)
        network = load(start) if start else BlankReader(config)
        optimizers = training.muon_and_adam(network, PEAK, lambda name, p: p.ndim == 2 and "embedding" not in name)
        super().__init__(network, optimizers, schedule, ema_decay=EMA_DECAY, bfloat16=True)
        self.text, self.seed = text, seed
        self.starts = word_starts(text[: -config.length])

    def lines(self, generator: torch.Generator) -> Tensor:
        """The lines of a step, `[CHARACTERS // T, T]` symbols."""
        length = self.network.config.length
        if torch.rand((), generator=generator) < 0.5:
            length = int(torch.randint(SHORTEST, length, (), generator=generator))
        chosen = torch.randint(len(self.starts), (CHARACTERS // length,), generator=generator)
        return self.text[self.starts[chosen][:, None] + torch.arange(length)]

    def loss(self) -> tuple[Tensor, int]:
        """The bound, estimated on lines with random blanks."""
        generator = torch.Generator().manual_seed((self.seed << 32) + self.steps_done)
        lines = self.lines(generator)
        return bound(self.network, lines, generator), lines.numel()


def blank_counts(lines: int, length: int, generator: torch.Generator) -> Tensor:
    """How many blanks each of `lines` lines gets: uniform in 1..length, spread evenly. `[lines]` int64.

    With t uniform and the weight 1/t of the bound, a given set of m blanks of T counts 1 / (m C(T, m)); with m uniform,
    all sets of m alike, and the weight 1/m, it counts as much for each of T characters.
    """
    even = (torch.arange(lines) + torch.rand((), generator=generator)) / lines
    return 1 + (even * length).long().clamp(max=length - 1)


def with_blanks(lines: Tensor, counts: Tensor, generator: torch.Generator) -> Tensor:
    """`lines [B, T]` with `counts [B]` blanks each, at places drawn anew."""
    order = torch.rand(lines.shape, generator=generator).argsort(1).argsort(1)
    return torch.where(order < counts[:, None], BLANK, lines)


def bound(network: BlankReader, lines: Tensor, generator: torch.Generator) -> Tensor:
    """An unbiased estimate of the bound on -log p, in nats per character: `lines [B, T]` -> scalar."""
    counts = blank_counts(len(lines), lines.shape[1], generator)
    seen = with_blanks(lines, counts, generator)
    blank = seen == BLANK
    nats = F.cross_entropy(network(seen).float()[blank], lines[blank], reduction="none")
    return (nats / counts[:, None].expand(lines.shape)[blank]).sum() / len(lines)


@torch.inference_mode()
def bits_per_character(network: BlankReader, text: Tensor, lines: int, rounds: int = 1) -> float:
    """The bound in bits per character on `lines` lines of `text [N]`, spread evenly, `rounds` draws of blanks each."""
    length, generator = network.config.length, torch.Generator().manual_seed(0)
    starts = word_starts(text[:-length])
    chosen = starts[torch.linspace(0, len(starts) - 1, lines).long()]
    batch = text[chosen[:, None] + torch.arange(length)]
    nats = [bound(network, part, generator) for _ in range(rounds) for part in batch.split(64)]
    return float(torch.stack(nats).mean()) / math.log(2)


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the network that fills blanks.", steps=6_000, cooldown=2_400)
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books of books.py")
    parser.add_argument("--start", type=Path, help="folder of a network of this size to go on from")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config, text = MaskedConfig(), read_lines(arguments.data, "train")
    schedule = Trapezoid(0.5 if arguments.start else 1.0, WARMUP_STEPS, arguments.steps, arguments.cooldown)
    job = Training(text, config, schedule, seed=int(bool(arguments.start)), start=arguments.start)
    validation = read_lines(arguments.data, "validation")

    def figures(loss: float) -> dict[str, float]:
        bits = bits_per_character(job.averaged_network(), validation, VALIDATION_LINES)
        return {"train_bits": loss, "validation_bits": bits}

    def export() -> None:
        folder = training.export(NAME, job.weights(), dataclasses.asdict(config), half=True)
        (folder / "words.txt").write_text("\n".join(book_words(text)) + "\n", encoding="utf-8")
        training.weights.record(NAME)

    training.run_recipe(job, arguments, figures, export)


if __name__ == "__main__":
    main()
