"""Teach a causal Transformer to predict the next character: every position of a window is a lesson, all at once.

    python -m models.recipes.attention.train_causal --data DIR --run DIR [--steps N] [--cooldown M] [--resume]
                                                 [--start FOLDER] [--more]
    python -m models.recipes.attention.train_causal --data DIR --run DIR --export
        write assets/weights/char-transformer/

The books, the split, the varied paragraphs and the slips are those of `models.recipes.sequences.train`, so that this
network can be compared with the recurrent ones. A quarter of the windows begin where a paragraph begins, so that the
network also learns to begin; the others begin anywhere. Muon (Jordan et al. 2024) for the matrices of the layers and
AdamW for the rest, bfloat16 autocast. Learning rate: warm-up, constant, linear cool-down of `--cooldown` steps before
`--steps`. `--start` goes on from the weights of a folder, with other windows and at half the learning rates; `--more`
takes half of the windows from the eight further books.
"""

import dataclasses
import math
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models import training
from models.recipes.attention.evaluate_causal import NAME, bits_per_character
from models.text import books
from models.text.causal import CausalConfig, CausalTransformer, load
from models.text.symbols import ALPHABET, START, encode
from models.training import Trainer, Trapezoid

WINDOWS = 16
PARAGRAPH_PROBABILITY = 0.25
PEAK = {"muon": 4e-3, "adam": 3e-3}
WARMUP_STEPS = 100


class Training(Trainer[CausalTransformer]):
    """Windows of one text, which follow from the seed and the step; losses are in bits per character."""

    loss_unit = math.log(2)

    def __init__(
        self, text: Tensor, config: CausalConfig, schedule: Trapezoid, seed: int = 0, start: Path | None = None
    ) -> None:
        """Windows of `text` `[N]` symbols; the weights are those of folder `start`, or new ones."""
        torch.manual_seed(seed)
        network = load(start) if start else CausalTransformer(config)
        optimizers = training.muon_and_adam(network, PEAK, lambda name, p: p.ndim == 2 and "embedding" not in name)
        super().__init__(network, optimizers, schedule, bfloat16=True)
        self.text, self.seed = text, seed
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

    def loss(self) -> tuple[Tensor, int]:
        """Cross-entropy of every next character of the windows."""
        window = self.windows(self.steps_done)
        logits = self.network(window[:, :-1])
        return F.cross_entropy(logits.float().flatten(0, 1), window[:, 1:].flatten()), window[:, 1:].numel()


def paragraph_starts(text: Tensor) -> Tensor:
    """Where paragraphs begin in `text [N]`: indices of the line breaks just before their first characters."""
    newline = ALPHABET.index(START)
    return 1 + ((text[:-2] == newline) & (text[1:-1] == newline) & (text[2:] != newline)).nonzero().squeeze(1)


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the causal character Transformer.", steps=5_000, cooldown=2_300)
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books of books.py")
    parser.add_argument("--start", type=Path, help="folder of a network of this size to go on from")
    parser.add_argument("--more", action="store_true", help="read the further books of books.py too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = CausalConfig()
    text = encode(books.varied(arguments.data, more=arguments.more)).symbols
    schedule = Trapezoid(0.5 if arguments.start else 1.0, WARMUP_STEPS, arguments.steps, arguments.cooldown)
    job = Training(torch.from_numpy(text), config, schedule, seed=int(bool(arguments.start)), start=arguments.start)
    validation = torch.from_numpy(encode(books.read(arguments.data, "validation")).symbols)

    def figures(loss: float) -> dict[str, float]:
        return {"train_bits": loss, "validation_bits": bits_per_character(job.network.eval(), validation)}

    def export() -> None:
        training.export(NAME, job.weights(), dataclasses.asdict(config), half=True)

    training.run_recipe(job, arguments, figures, export)


if __name__ == "__main__":
    main()
