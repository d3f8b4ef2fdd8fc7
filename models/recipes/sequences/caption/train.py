"""Teach a network to describe scenes that are drawn on the way: it never sees the same picture twice.

    python -m models.recipes.sequences.caption.train --run DIR [--steps N] [--cooldown M] [--resume]
    python -m models.recipes.sequences.caption.train --run DIR --export      write assets/weights/caption-gru/

Each step draws 64 scenes whose combinations may be trained on (`scenes.part_of`), makes an altered copy of each
(`copies.altered`) and asks for the same sentence for both, the true words fed (mean cross-entropy a word). Of the two
true sentences of a scene, the one that the network finds likelier over both copies counts: so it settles which group
to begin with, and keeps its sentence when pixels change. AdamW, warm-up, constant rate, linear cool-down.
`--fine-tune` begins with the embedded weights.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from models import training, weights
from models.recipes.sequences.caption.copies import altered
from models.recipes.sequences.caption.evaluate import exact_share, kept_shares
from models.sequences.caption.network import START_SYMBOL, CaptionNetwork, Config, describe, encode, load
from models.sequences.caption.scenes import draw_scene, random_description
from models.training import Trainer, Trapezoid

NAME = "caption-gru"
BATCH = 64
DROPOUT = 0.1
PEAK_LEARNING_RATE = 1.5e-3
WARMUP_STEPS = 100
IGNORED = -100
VALIDATION_SCENES = 200


def draw_batch(seed: int, step: int) -> tuple[Tensor, Tensor]:
    """Scenes of one step.

    Returns:
        Pictures [2 B, 3, 72, 96] float 0..1, the scenes as drawn and then their altered copies, and the two true
        sentences of each scene [T, 2, B] int64 filled up with `IGNORED` (a single group has one: it comes twice).
    """
    rng = np.random.default_rng((seed, step))
    descriptions = [random_description(rng, "train") for _ in range(BATCH)]
    drawn = [draw_scene(d, int(rng.integers(2**31))) for d in descriptions]
    pictures = np.stack(drawn + [altered(picture, rng) for picture in drawn])
    true = [(d, d.mirrored() if d.second else d) for d in descriptions]
    sentences = [torch.tensor(encode(str(pair[side]))) for side in (0, 1) for pair in true]
    return as_input(pictures), pad_sequence(sentences, padding_value=IGNORED).view(-1, 2, BATCH)


def as_input(pictures: np.ndarray) -> Tensor:
    """[B, 72, 96, 3] uint8 -> [B, 3, 72, 96] float 0..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def loss_of(network: CaptionNetwork, pictures: Tensor, sentences: Tensor) -> Tensor:
    """Nats a word of the likelier of the two true sentences of each scene, over both of its copies.

    Args:
        network: what learns.
        pictures: [2 B, 3, 72, 96] float 0..1, the B scenes in one copy and then in the other.
        sentences: [T, 2, B] int64, filled up with `IGNORED`.
    """
    length, _, count = sentences.shape
    asked = sentences[:, None].expand(length, 2, 2, count).flatten(1)  # copy, then sentence, then scene
    read = torch.cat([torch.full((1, 4 * count), START_SYMBOL), asked[:-1].clamp(min=0)])
    vectors = network.look(pictures).float().view(2, 1, count, -1).expand(2, 2, count, -1).flatten(0, 2)
    logits = network(vectors, read).float()
    words = F.cross_entropy(logits.flatten(0, 1), asked.flatten(), ignore_index=IGNORED, reduction="none")
    of_sentence = words.view(length, 2, 2, count).sum(dim=(0, 1))
    spoken = (sentences != IGNORED).sum(dim=0)
    likelier = of_sentence.argmin(dim=0)[None]
    return of_sentence.gather(0, likelier).sum() / (2 * spoken.gather(0, likelier).sum())


class Training(Trainer[CaptionNetwork]):
    """Scenes that follow from the seed and the step; losses are in nats a word."""

    def __init__(self, config: Config, schedule: Trapezoid, seed: int = 0) -> None:
        torch.manual_seed(seed)
        network = CaptionNetwork(config)
        network.dropout.p = DROPOUT
        optimizer = torch.optim.AdamW(network.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=0.02)
        super().__init__(network, {"adam": optimizer}, schedule, bfloat16=True)
        self.seed = seed

    def loss(self) -> tuple[Tensor, int]:
        """`loss_of` the scenes of this step."""
        return loss_of(self.network, *draw_batch(self.seed, self.steps_done)), BATCH


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the caption network.", steps=14_000, cooldown=4_000)
    parser.add_argument("--fine-tune", action="store_true", help="begin with the embedded weights")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    schedule = Trapezoid(PEAK_LEARNING_RATE, WARMUP_STEPS, arguments.steps, arguments.cooldown)
    job = Training(Config(), schedule)
    if arguments.fine_tune:
        job.network.load_state_dict(load(weights.folder(NAME)).state_dict())

    def figures(loss: float) -> dict[str, float]:
        network = job.network.eval()
        return {
            "loss": loss,
            "exact": exact_share(network, "held-out pair", count=VALIDATION_SCENES, seed=0),
            **kept_shares(network, count=VALIDATION_SCENES, seed=0),
        }

    def export() -> None:
        training.export(NAME, job.weights(), describe(job.network), half=True)

    training.run_recipe(job, arguments, figures, export)


if __name__ == "__main__":
    main()
