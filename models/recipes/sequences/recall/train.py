"""Teach small networks the same lesson from the same sequences: read everything, and write the name again.

    python -m models.recipes.sequences.recall.train --data DIR --run DIR [--cell NAME ...] [--resume]
    python -m models.recipes.sequences.recall.train --data DIR --run DIR --export  write assets/weights/recall-cells/

Networks without a checkpoint in the run keep the weights they have.

One recipe for all: 64 sequences of one distance a step, the loss on every character, AdamW, gradients clipped at 1,
learning rate with warm-up and linear cool-down. The filler is to be predicted too, so a network has to keep the name
while it has something else to think of. (With the loss on the name alone even an Elman network learns to keep it for
hundreds of steps: the name is then all that its memory is used for.) The distance is drawn evenly on a logarithmic
scale from 0 to a limit that grows from 1 to 100 during the first half (a curriculum); for `far_transformer`, the same
network as `transformer`, the limit is 300. Filler: three quarters of the
batches from the training passages of the nine books, one quarter random words. Recurrent matrices start orthogonal:
such a matrix neither shrinks nor grows what is remembered (Saxe et al. 2014, "Exact solutions to the nonlinear dynamics
of learning in deep linear neural networks").
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from models import training, weights
from models.sequences.recall.measure import measure_recall
from models.sequences.recall.network import CELLS, CellName, RecallConfig, RecallNetworks, describe
from models.sequences.recall.task import NAMES, PAST_THE_END, Lessons, as_lessons, cut, plain, random_words
from models.text import books
from models.text.recurrent import CharacterNetwork
from models.training import Trainer, Trapezoid

NAME = "recall-cells"
SEQUENCES = 64
PEAK_LEARNING_RATE: dict[CellName, float] = {
    "rnn": 1e-3,
    "gru": 3e-3,
    "lstm": 3e-3,
    "transformer": 3e-3,
    "far_transformer": 3e-3,
}
WARMUP_STEPS = 100
CURRICULUM_SHARE = 0.5
RANDOM_WORDS_PROBABILITY = 0.25


class Training(Trainer[nn.Module]):
    """One of the networks; losses are in nats a character.

    The sequences of a step follow from the seed and the step, the same for every network trained as far.
    """

    def __init__(self, cell: CellName, filler: str, config: RecallConfig, steps: int, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.networks = RecallNetworks(config)
        for network in self.networks.values():
            if isinstance(network, CharacterNetwork):
                start_orthogonal(network)
        self.cell: CellName = cell
        self.filler, self.seed = filler, seed
        network = self.networks[cell]
        optimizer = torch.optim.AdamW(network.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=0.01)
        schedule = Trapezoid(PEAK_LEARNING_RATE[cell], WARMUP_STEPS, steps, steps // 3)
        super().__init__(network, {"adam": optimizer}, schedule)

    def lessons(self, step: int) -> Lessons:
        """The sequences of a step."""
        random = np.random.default_rng((self.seed, step))
        grown = min(1.0, step / (CURRICULUM_SHARE * self.schedule.total_steps))
        limit = max(1, round(grown * self.networks.config.trained_to[self.cell]))
        distance = int((limit + 2) ** random.random()) - 1
        made_up = random.random() < RANDOM_WORDS_PROBABILITY
        filler = random_words(SEQUENCES * (distance + 1), random) if made_up else self.filler
        return as_lessons(list(random.choice(NAMES, SEQUENCES)), cut(filler, distance, SEQUENCES, random))

    def loss(self) -> tuple[Tensor, int]:
        """Cross-entropy of every character of the sequences."""
        lessons = self.lessons(self.steps_done)
        logits = self.networks.read(self.cell, lessons.inputs)
        loss = F.cross_entropy(logits.flatten(0, 1), lessons.targets.flatten(), ignore_index=PAST_THE_END)
        return loss, SEQUENCES


def start_orthogonal(network: CharacterNetwork) -> None:
    """Make the recurrent matrix of every gate orthogonal."""
    for matrix in network.recurrent.weight_hh_l0.data.split(network.config.units):
        nn.init.orthogonal_(matrix)


def _train(job: Training, checkpoint: Path, validation: str) -> None:
    def figures(loss: float) -> dict[str, float]:
        points = measure_recall(job.networks, (0, 20, 50, 100), count=100, seed=1, filler=validation)
        accuracy = {f"accuracy_at_{point.distance}": point.accuracy for point in points if point.cell == job.cell}
        return {"train_nats": loss, **accuracy}

    print(job.cell, flush=True)
    training.follow(job, checkpoint, figures)


def _export(run: Path, config: RecallConfig) -> None:
    networks = RecallNetworks(config)
    embedded = weights.EMBEDDED / NAME / "model.safetensors"
    networks.load_state_dict(load_file(embedded) if embedded.exists() else {}, strict=False)
    for cell in CELLS:
        if (run / f"{cell}.pt").exists():
            networks[cell].load_state_dict(training.load_checkpoint(run / f"{cell}.pt")["network"])
    training.export(NAME, networks.state_dict(), describe(networks), half=True)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Train the networks of the recall task.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books of books.py")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--cell", nargs="*", choices=CELLS, default=CELLS)
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--export", action="store_true", help="only write the checkpoints to assets")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = RecallConfig()
    if not arguments.export:
        filler, validation = (plain(books.read(arguments.data, part)) for part in ("train", "validation"))
        for cell in arguments.cell:
            job, path = Training(cell, filler, config, arguments.steps), arguments.run / f"{cell}.pt"
            if arguments.resume and path.exists():
                job.resume(path)
            _train(job, path, validation)
    if arguments.export or set(arguments.cell) == set(CELLS):
        _export(arguments.run, config)


if __name__ == "__main__":
    main()
