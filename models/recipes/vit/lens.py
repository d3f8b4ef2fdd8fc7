"""Fit a linear layer on every layer of the ViT, so that each says what it knows, and measure it beside the last head.

    python -m models.recipes.vit.readings --data caltech101.parquet --out caltech.npy
    python -m models.recipes.vit.lens --data caltech101.parquet --readings caltech.npy

Softmax regression on CLS beside the mean of the patches, as `models.recipes.vit.probe`, on the photos that the network
was trained on; measured on the others, mean per-class accuracy after each layer by the probe and by the last head.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from models import runtime, weights
from models.recipes.vit import data
from models.recipes.vit.evaluate import known_photos
from models.recipes.vit.probe import fit_linear, mean_class_accuracy
from models.vision import library
from models.vision.network import VisionTransformer
from models.vit.lens import NAME, OF


def fit(readings: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights `[L + 1, C, 2 D]` and biases `[L + 1, C]` of the probes of readings `[N, L + 1, 2 D]`."""
    fitted = [fit_linear(readings[:, layer], labels) for layer in range(readings.shape[1])]
    return torch.stack([one.weight for one in fitted]), torch.stack([one.bias for one in fitted])


def accuracies(weight: torch.Tensor, bias: torch.Tensor, readings: torch.Tensor, labels: np.ndarray) -> list[float]:
    """Mean per-class accuracy in percent after each layer."""
    said = torch.einsum("nld,lcd->nlc", readings, weight) + bias
    return [round(100 * mean_class_accuracy(said[:, layer].argmax(1).numpy(), labels), 1) for layer in range(len(bias))]


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--readings", type=Path, required=True, help="what was read of it, .npy")
    arguments = parser.parse_args()
    network: VisionTransformer = runtime.load(OF, library.load).network
    assert network.head is not None
    photos, known = data.read_photos(arguments.data), known_photos(OF)
    rows = np.load(arguments.readings, mmap_mode="r")
    kept = [n for n in range(len(photos)) if rows[n, -1].any()]
    readings = torch.from_numpy(rows[kept].astype(np.float32))
    labels = torch.tensor([network.labels.index(photos[n].label) for n in kept])
    seen = torch.tensor([photos[n] in known for n in kept])
    weight, bias = fit(readings[seen], labels[seen])
    truth, layers = labels[~seen].numpy(), len(bias)
    head = network.head.weight.expand(layers, -1, -1), network.head.bias.expand(layers, -1)
    facts = {
        "fitted_on": int(seen.sum()),
        "photos": len(truth),
        "probe": accuracies(weight, bias, readings[~seen], truth),
        "last_head": accuracies(*head, readings[~seen], truth),
    }
    folder = weights.EMBEDDED / NAME
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"weight": weight.half().contiguous(), "bias": bias.half().contiguous()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"of": OF, **facts}) + "\n")
    weights.record(NAME)
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
