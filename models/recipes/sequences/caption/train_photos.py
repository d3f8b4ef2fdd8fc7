"""Teach a small decoder to describe photos that a network trained for something else has looked at.

    python -m models.recipes.sequences.caption.photos --data PHOTOS.parquet --out FEATURES       what the eyes see, once
    python -m models.recipes.sequences.caption.train_photos --data PHOTOS.parquet --features FEATURES --run DIR
    python -m models.recipes.sequences.caption.train_photos ... --resume | --export

Each step takes 32 photos in a view of each, with two of their captions (mean cross-entropy a word, labels smoothed). So
few photos are learned by heart soon: hence dropout, cells and read words left out by chance, photos turned left to
right, a second loss (the mean of the cells alone must tell which words come), an average of the weights, and the
weights of the step at which the loss on the validation photos was least (`best.pt`); they are what is exported.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models import training, weights
from models.recipes.sequences.caption.photos import Photo, captions_of, read_photos
from models.sequences.caption.photo_eyes import GRID
from models.sequences.caption.photo_network import Config, PhotoCaptioner, describe
from models.sequences.caption.words import END, PAD, START, UNKNOWN, vocabulary
from models.training import Trainer, Trapezoid

NAME = "photo-captioner"
BATCH, CAPTIONS, CAPTIONS_A_STEP = 32, 5, 2
PEAK, WARMUP = 7e-4, 200
DROPOUT, UNREAD, UNSEEN, SMOOTHING = 0.3, 0.1, 0.15, 0.1
WORDS_LOSS = 0.3
LONGEST = 20


class Examples:
    """The photos of one part: what was seen of them, and their captions as numbers.

    features: (views, N, cells, features) float16; words: (2, N, CAPTIONS, T) int64, as they are and mirrored: START,
    the caption, END, then padding.
    """

    def __init__(self, photos: list[Photo], views: list[np.ndarray], known: tuple[str, ...]) -> None:
        self.features = [torch.from_numpy(view) for view in views]
        places = {word: number for number, word in enumerate(known)}
        self.words = torch.stack([_numbers(photos, side, places) for side in (0, 1)])

    def __len__(self) -> int:
        return len(self.features[0])

    def batch(self, chosen: Tensor, views: Tensor, turned: Tensor) -> tuple[Tensor, Tensor]:
        """Features `[B, P, F]` and words `[B, N, T]` of photos in views of them, without columns of padding.

        turned: `[B]` bool, whether the grid of cells is turned left to right, and what is said of sides with it.
        """
        places = zip(chosen, views.tolist(), strict=True)
        seen = torch.stack([self.features[view][photo].float() for photo, view in places])
        grid = seen.unflatten(1, (GRID, GRID))
        seen = torch.where(turned[:, None, None, None], grid.flip(2), grid).flatten(1, 2)
        words = self.words[(views + turned.long()) % 2, chosen]
        return seen, words[..., : int((words != PAD).sum(-1).max())]


def _numbers(photos: list[Photo], side: int, places: dict[str, int]) -> Tensor:
    table = torch.full((len(photos), CAPTIONS, LONGEST + 2), PAD)
    for row, photo in zip(table, photos, strict=True):
        captions = captions_of(photo, side)
        for line, caption in zip(row, (captions * CAPTIONS)[:CAPTIONS], strict=True):
            numbers = [START, *(places.get(word, UNKNOWN) for word in caption[:LONGEST]), END]
            line[: len(numbers)] = torch.tensor(numbers)
    return table


def losses(
    network: PhotoCaptioner, features: Tensor, words: Tensor, chosen: slice | Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """Nats a word of what comes next in the `chosen` captions, unknown words not asked for; and of which words come at
    all in any of them.
    """
    known = words[..., 1:].masked_fill(words[..., 1:] == UNKNOWN, PAD)
    asked, read = known[:, chosen], words[:, chosen, :-1]
    if network.training:
        unread = (torch.rand(read.shape) < UNREAD) & (read > UNKNOWN)
        read = read.masked_fill(unread, UNKNOWN)
    memory = network.look(features)
    scores = network(memory, read).float().flatten(0, 2)
    following = F.cross_entropy(scores, asked.flatten(), ignore_index=PAD, label_smoothing=smoothing)
    every = known.flatten(1)
    counts = torch.zeros(len(words), len(network.config.words)).scatter_add_(1, every, torch.ones(every.shape))
    counts[:, : UNKNOWN + 1] = 0
    at_all = F.linear(memory.mean(1), network.embedding.weight).float()
    return following, F.cross_entropy(at_all, counts / counts.sum(-1, keepdim=True))


class Training(Trainer[PhotoCaptioner]):
    """Photos and views follow from torch's random numbers; losses are in nats a word."""

    def __init__(self, examples: Examples, config: Config, schedule: Trapezoid) -> None:
        torch.manual_seed(0)
        network = PhotoCaptioner(config)
        decayed = [p for p in network.parameters() if p.ndim > 1]
        groups = [
            {"params": decayed, "weight_decay": 0.05},
            {"params": [p for p in network.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.98))
        super().__init__(network, {"adam": optimizer}, schedule, ema_decay=0.995, bfloat16=True)
        self.examples = examples

    def loss(self) -> tuple[Tensor, int]:
        """The loss of the photos of this step."""
        chosen = torch.randint(len(self.examples), (BATCH,))
        views = torch.randint(len(self.examples.features), (BATCH,))
        features, words = self.examples.batch(chosen, views, torch.rand(BATCH) < 0.5)
        unseen = torch.rand(features.shape[:2]) < UNSEEN
        some = torch.randperm(CAPTIONS)[:CAPTIONS_A_STEP]
        following, at_all = losses(self.network, features.masked_fill(unseen[..., None], 0), words, some, SMOOTHING)
        return following + WORDS_LOSS * at_all, BATCH


@torch.inference_mode()
def mean_loss(network: PhotoCaptioner, examples: Examples) -> float:
    """Nats a word on all photos of a part, as they are."""
    network.eval()
    found = []
    for chosen in torch.arange(len(examples)).split(BATCH):
        batch = examples.batch(chosen, torch.zeros_like(chosen), torch.zeros_like(chosen, dtype=torch.bool))
        found += [float(losses(network, *batch, slice(None), 0.0)[0])] * len(chosen)
    return float(np.mean(found))


@torch.inference_mode()
def usual(
    network: PhotoCaptioner, kept: dict[str, Tensor], examples: Examples, validation: Examples
) -> dict[str, Tensor]:
    """What `PhotoCaptioner.strangeness` compares with: mean and deviation of the photos learned from, and the limit."""
    means = examples.features[0].float().mean(1)
    network.load_state_dict(kept | {"usual": torch.stack([means.mean(0), means.std(0).clamp(min=1e-3)])})
    return {
        "usual": network.usual.clone(),
        "limit": network.distance(validation.features[0].float()).quantile(0.99),
    }


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the captioner of photos.", steps=3_000, cooldown=1_200)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    photos = read_photos(arguments.data)
    views = [np.load(path) for path in sorted(arguments.features.glob("view?.npy"))]
    parts = {part: [i for i, photo in enumerate(photos) if photo.part == part] for part in ("train", "validation")}
    learned = [photos[i] for i in parts["train"]]
    words = vocabulary(caption for photo in learned for caption in photo.captions)
    examples, validation = (
        Examples([photos[i] for i in chosen], [view[chosen] for view in used], words)
        for chosen, used in zip(parts.values(), (views, views[:1]), strict=True)
    )
    config = Config(words, features=views[0].shape[-1], cells=views[0].shape[1], dropout=DROPOUT)
    job = Training(examples, config, Trapezoid(PEAK, WARMUP, arguments.steps, arguments.cooldown))
    best = arguments.run / "best.pt"
    least = training.load_checkpoint(best)["loss"] if arguments.resume and best.exists() else float("inf")

    def figures(loss: float) -> dict[str, float]:
        nonlocal least
        found = mean_loss(job.averaged_network(), validation)
        if found < least:
            least = found
            training.save_checkpoint(best, {"loss": found, "steps": job.steps_done, "weights": job.weights()})
        return {"loss": loss, "validation": found}

    def export() -> None:
        kept = training.load_checkpoint(best)["weights"]
        kept |= usual(job.network, kept, examples, validation)
        used = [photo.name for photo in photos if photo.part in parts]
        folder = training.export(NAME, kept, describe(job.network), half=True)
        (folder / "training_photos.json").write_text(json.dumps(sorted(used)) + "\n")
        weights.record(NAME)

    training.run_recipe(job, arguments, figures, export)


if __name__ == "__main__":
    main()
