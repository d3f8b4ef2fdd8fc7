"""What a network already knows, before any fine-tuning: nearest neighbours and one linear layer on its features.

    python -m models.recipes.vit.probe --data FILE.parquet --weights FOLDER [--seed 0] [--size 224] [--untrained]
        [--sample 5 3]

prints one JSON line: mean per-class accuracy of 5-NN and of a linear layer on several readings of the backbone.
`--untrained` takes the architecture of FOLDER with random weights instead: what it is worth without having learned.
`--sample` takes that many training and test photos of each category instead of all: the first of each, in their order.
Protocol of the split as in `models.recipes.vit.data`; k-NN and linear evaluation as in DINO (Caron et al. 2021, section
4.1).
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from models import runtime
from models.recipes.vit import data
from models.vision import library
from models.vision.network import VisionTransformer
from models.vit.teachers import untrained

NEIGHBOURS = 5
LAST_LAYERS = 4


@torch.inference_mode()
def layer_features(
    network: VisionTransformer, pictures: Sequence[np.ndarray], *, size: int, batch_size: int = 32
) -> dict[str, torch.Tensor]:
    """Readings of the frozen network, each `(N, ...)` float32: `cls`, `mean`, `last_cls` (the last four layers')."""
    parts: dict[str, list[torch.Tensor]] = {"cls": [], "mean": [], "last_cls": []}
    for start in range(0, len(pictures), batch_size):
        squares = [network.preprocessing.square(p, size) for p in pictures[start : start + batch_size]]
        with runtime.autocast():
            tokens = network.tokens(network.preprocessing.to_tensor(np.stack(squares)))
            last = []
            for block in network.blocks:
                tokens = block(tokens)
                last.append(network.norm(tokens[:, 0]))
            encoded = network.norm(tokens)
        parts["cls"].append(encoded[:, 0].float())
        parts["mean"].append(encoded[:, 1:].float().mean(1))
        parts["last_cls"].append(torch.cat(last[-LAST_LAYERS:], dim=1).float())
    return {name: torch.cat(values) for name, values in parts.items()}


def nearest_neighbours(train: torch.Tensor, train_labels: torch.Tensor, test: torch.Tensor) -> torch.Tensor:
    """Labels `(N,)` by majority of the five training features of highest cosine; ties go to the most similar one."""
    similarity = functional.normalize(test, dim=1) @ functional.normalize(train, dim=1).T
    value, index = similarity.topk(NEIGHBOURS, dim=1)
    votes = torch.zeros(len(test), int(train_labels.max()) + 1)
    votes.scatter_add_(1, train_labels[index], 1 + value * 1e-3)
    return votes.argmax(1)


def fit_linear(features: torch.Tensor, labels: torch.Tensor, *, weight_decay: float = 1e-3) -> torch.nn.Linear:
    """Softmax regression on standardised features by L-BFGS; the scaling is folded into the layer returned."""
    mean, std = features.mean(0), features.std(0) + 1e-6
    scaled = (features - mean) / std
    layer = torch.nn.Linear(features.shape[1], int(labels.max()) + 1)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(layer(scaled), labels) + weight_decay * layer.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)  # pyright: ignore[reportArgumentType]  # LBFGS takes a tensor loss
    with torch.no_grad():
        layer.weight.div_(std)
        layer.bias.sub_(layer.weight @ mean)
    return layer.requires_grad_(False)


def mean_class_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of each class that occurs in `labels`, averaged over classes."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))


def probe(
    network: VisionTransformer, train: Sequence[data.Photo], test: Sequence[data.Photo], *, size: int
) -> dict[str, float]:
    """Mean per-class accuracy on `test` of k-NN and linear layers fitted on `train`."""
    names = sorted({photo.label for photo in train})
    labels = [torch.tensor([names.index(photo.label) for photo in part]) for part in (train, test)]
    features = [layer_features(network, [photo.pixels() for photo in part], size=size) for part in (train, test)]
    for part in features:
        part["cls+mean"] = torch.cat([part["cls"], part["mean"]], dim=1)
    figures = {
        "knn_cls": mean_class_accuracy(
            nearest_neighbours(features[0]["cls"], labels[0], features[1]["cls"]).numpy(), labels[1].numpy()
        )
    }
    for reading in ("cls", "cls+mean", "last_cls"):
        layer = fit_linear(features[0][reading], labels[0])
        predicted = layer(features[1][reading]).argmax(1)
        figures[f"linear_{reading}"] = mean_class_accuracy(predicted.numpy(), labels[1].numpy())
    return figures


def sampled(photos: Sequence[data.Photo], each: int) -> list[data.Photo]:
    """The first `each` photos of every label, in the order of their keys."""
    found: dict[str, list[data.Photo]] = {}
    for photo in sorted(photos, key=lambda photo: photo.key):
        found.setdefault(photo.label, []).append(photo)
    return [photo for several in found.values() for photo in several[:each]]


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--weights", type=Path, required=True, help="DINOv2 folder of the transformers library")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--untrained", action="store_true", help="random weights in place of those of FOLDER")
    parser.add_argument("--sample", type=int, nargs=2, metavar=("TRAIN", "TEST"), help="photos of each category")
    arguments = parser.parse_args()
    train, test = data.split(data.read_photos(arguments.data), seed=arguments.seed)
    if arguments.sample:
        train, test = (sampled(part, each) for part, each in zip((train, test), arguments.sample, strict=True))
    network = library.load(arguments.weights)
    network = untrained(network) if arguments.untrained else network
    figures = probe(network.eval(), train, test, size=arguments.size)
    about = {"weights": arguments.weights.name, "untrained": arguments.untrained, "size": arguments.size}
    print(json.dumps({**about, "train": len(train), "test": len(test), **figures}))


if __name__ == "__main__":
    main()
