"""How much data does each need? A small CNN and a small Vision Transformer, from scratch on 1 to 100 % of CIFAR-10.

    python -m models.recipes.vit.from_scratch --data cifar10.parquet --run RUN [--network cnn|vit|pretrained]
        [--seeds 3]
    python -m models.recipes.vit.from_scratch --run RUN --export

One recipe for both: the same pictures in the same order, crops, mirroring, optimiser, rates and number of pictures
seen. Both have 308 thousand parameters (`tests/unit/test_vit_compare_page.py` compares them). `pretrained` fits one
linear layer on the frozen features of the embedded Vision Transformer instead. A run that is stopped goes on where it
was. `--export` writes what has been measured to `assets/figures/cifar10_by_share.json` and the networks of the first
seed to `assets/weights/cifar10-pairs/`.

The file has the columns `split` (train, test), `label` and `jpeg` (Krizhevsky 2009, "Learning Multiple Layers of
Features from Tiny Images").
"""

import argparse
import io
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from models import runtime, training
from models.recipes.vit.probe import fit_linear
from models.vision import library
from models.vision.network import image_features
from models.vit.from_scratch import FIGURES, LABELS, NAME, NETWORKS, PREPARE, SHARES, SIDE, build

PRETRAINED = "vit-s14-caltech101"
PADDING = 4
FEATURE_SIDE = 112


@dataclass(frozen=True)
class Recipe:
    """The same for both networks. `pictures_seen(share)` grows with the cube root of the share of the data."""

    batch: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    pictures_at_one_percent: int = 60_000

    def steps(self, share: int) -> int:
        """Optimiser steps on `share` percent of the pictures."""
        return round(self.pictures_at_one_percent * share ** (1 / 3) / self.batch)


@dataclass(frozen=True)
class Pictures:
    """`images` `(N, 32, 32, 3)` uint8 and `labels` `(N,)` int64."""

    images: torch.Tensor
    labels: torch.Tensor

    def share(self, percent: int, seed: int) -> "Pictures":
        """`percent` % of every class, drawn by `seed`; a smaller share is part of every larger one."""
        order = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(seed))
        chosen = []
        for label in range(len(LABELS)):
            members = order[self.labels[order] == label]
            chosen.append(members[: max(1, len(members) * percent // 100)])
        index = torch.cat(chosen)
        return Pictures(self.images[index], self.labels[index])


def read_pictures(path: Path) -> dict[str, Pictures]:
    """The `train` and `test` pictures of a parquet file with the columns `split`, `label`, `jpeg`."""
    table = pyarrow.parquet.read_table(path, columns=["split", "label", "jpeg"])
    parts = {}
    for split in ("train", "test"):
        rows = [row for row in table.to_pylist() if row["split"] == split]
        images = [np.asarray(Image.open(io.BytesIO(row["jpeg"])).convert("RGB")) for row in rows]
        labels = [LABELS.index(str(row["label"])) for row in rows]
        parts[split] = Pictures(torch.from_numpy(np.stack(images)), torch.tensor(labels))
    return parts


def augmented(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each of `(N, 32, 32, 3)` shifted by up to 4 pixels over a black border and mirrored half of the time."""
    count = len(images)
    padded = functional.pad(images, (0, 0, PADDING, PADDING, PADDING, PADDING))
    top, left = torch.randint(0, 2 * PADDING + 1, (2, count, 1), generator=generator)
    columns = torch.arange(SIDE)[None]
    columns = torch.where(torch.rand(count, 1, generator=generator) < 0.5, columns, SIDE - 1 - columns) + left
    rows = torch.arange(SIDE)[None] + top
    return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


class Fit(training.Trainer[nn.Module]):
    """One of the networks on a share of the pictures; losses are in nats a picture."""

    def __init__(self, kind: str, pictures: Pictures, share: int, seed: int, recipe: Recipe | None = None) -> None:
        self.recipe = recipe = recipe or Recipe()
        self.kind, self.share, self.seed = kind, share, seed
        self.pictures = pictures.share(share, seed)
        torch.manual_seed(seed)
        network = build(kind)
        if kind == "cnn":
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        decayed = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0}]
        steps = recipe.steps(share)
        schedule = training.Trapezoid(recipe.learning_rate, steps // 20, steps, steps // 2)
        # On CPUs bfloat16 makes the convolutions faster and the small matrix products slower.
        super().__init__(network, {"adam": torch.optim.AdamW(groups, lr=1.0)}, schedule, bfloat16=kind == "cnn")

    def loss(self) -> tuple[torch.Tensor, int]:
        """Cross-entropy of augmented pictures, which follow from the seed and the step."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.steps_done)
        chosen = torch.randint(0, len(self.pictures.labels), (self.recipe.batch,), generator=generator)
        logits = self.network(PREPARE.to_tensor(augmented(self.pictures.images[chosen], generator)))
        return functional.cross_entropy(logits.float(), self.pictures.labels[chosen]), len(chosen)


@torch.inference_mode()
def accuracy(network: nn.Module, pictures: Pictures, *, batch: int = 500) -> float:
    """Share of `pictures` whose most probable label is right."""
    network.eval()
    right = 0
    for start in range(0, len(pictures.labels), batch):
        logits = network(PREPARE.to_tensor(pictures.images[start : start + batch]))
        right += int((logits.argmax(1) == pictures.labels[start : start + batch]).sum())
    return right / len(pictures.labels)


def train_one(fit: Fit, test: Pictures, folder: Path) -> dict[str, Any]:
    """Train or go on training, measure on the test pictures, keep network and result in `folder`."""
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        fit.resume(checkpoint)
    training.follow(fit, checkpoint, lambda loss: {"loss": loss})
    training.save_checkpoint(checkpoint, fit.state_dict())
    return {
        "network": fit.kind,
        "share": fit.share,
        "seed": fit.seed,
        "train_pictures": len(fit.pictures.labels),
        "steps": fit.steps_done,
        "train_accuracy": round(accuracy(fit.network, fit.pictures), 4),
        "accuracy": round(accuracy(fit.network, test), 4),
    }


def probe_pretrained(parts: dict[str, Pictures], run: Path, share: int, seed: int) -> dict[str, Any]:
    """One linear layer on the frozen embedded Vision Transformer, fitted on `share` percent."""
    features = {split: _features(pictures, run / f"features-{split}.npy") for split, pictures in parts.items()}
    chosen = Pictures(features["train"], parts["train"].labels).share(share, seed)
    layer = fit_linear(chosen.images, chosen.labels)
    right = layer(features["test"]).argmax(1) == parts["test"].labels
    return {
        "network": "pretrained",
        "share": share,
        "seed": seed,
        "train_pictures": len(chosen.labels),
        "accuracy": round(float(right.float().mean()), 4),
    }


def _features(pictures: Pictures, path: Path) -> torch.Tensor:
    if not path.exists():
        network = runtime.load(PRETRAINED, library.load).network
        with runtime.autocast():
            np.save(path, image_features(network, pictures.images.numpy(), size=FEATURE_SIDE))
    return torch.from_numpy(np.load(path))


def export(run: Path) -> None:
    """Write the results found in `run` to the project, and the networks of seed 0."""
    results = [json.loads(path.read_text()) for path in sorted(run.glob("*/result.json"))]
    results.sort(key=lambda r: (r["network"], r["share"], r["seed"]))
    content = {
        "command": "python -m models.recipes.vit.from_scratch --data cifar10.parquet --run RUN",
        "results": results,
    }
    FIGURES.write_text(json.dumps(content, indent=0) + "\n")
    state = {}
    for kind in NETWORKS:
        for share in SHARES:
            stored = training.load_checkpoint(run / f"{kind}-{share}-0" / "checkpoint.pt")["network"]
            state |= {f"{kind}.{share}.{name}": tensor for name, tensor in stored.items()}
    training.export(NAME, state, {"networks": NETWORKS, "shares": SHARES, "labels": LABELS}, half=True)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="parquet with split, label, jpeg")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and results")
    parser.add_argument("--network", choices=(*NETWORKS, "pretrained"), help="only this one")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.export:
        export(arguments.run)
        return
    parts = read_pictures(arguments.data)
    for seed in range(arguments.seeds):
        for share in SHARES:
            for kind in [arguments.network] if arguments.network else (*NETWORKS, "pretrained"):
                measure(kind, share, seed, parts, arguments.run)


def measure(kind: str, share: int, seed: int, parts: dict[str, Pictures], run: Path) -> None:
    """Train and test one network unless its result is there already; print it."""
    folder = run / f"{kind}-{share}-{seed}"
    path = folder / "result.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        start = time.process_time()
        if kind == "pretrained":
            result = probe_pretrained(parts, run, share, seed)
        else:
            result = train_one(Fit(kind, parts["train"], share, seed), parts["test"], folder)
        path.write_text(json.dumps(result | {"cpu_seconds": round(time.process_time() - start)}) + "\n")
    print(path.read_text(), end="", flush=True)


if __name__ == "__main__":
    main()
