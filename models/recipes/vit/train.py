"""Fine-tuning: a pretrained Vision Transformer learns new categories from thirty pictures of each.

    python -m models.recipes.vit.train --data FILE.parquet --weights FOLDER --run RUN [--steps N --cooldown M]
        [--resume]

FOLDER holds DINOv2 ViT-S/14 in the transformers library's format (`facebook/dinov2-small`, or the backbone that
`assets/weights/vit-s14-caltech101/README.md` names). The head starts from a linear probe (Kumar et al. 2022,
"Fine-Tuning can Distort Pretrained Features"); lower layers learn more slowly (layer-wise decay, Bao et al. 2022);
part of the patches is left out of every picture (PatchDropout, Liu et al. 2023), which regularises and saves time;
pictures and labels are mixed (Zhang et al. 2018). An average of the weights is what is exported.
A run stopped at any step continues from its last checkpoint with `--resume`, to the same result.
"""

import argparse
import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from models import training, weights
from models.recipes.vit import data
from models.recipes.vit.probe import fit_linear, layer_features
from models.vision import library
from models.vision.network import VisionTransformer
from models.vision.preprocessing import Preprocessing

NAME = "vit-s14-caltech101"
PATCH_SIZE = 14
TRAINING_PHOTOS = "training_photos.json"


@dataclass(frozen=True)
class Recipe:
    """What is trained how.

    `size` in pixels; `keep`: share of patches a picture keeps; `learning_rate`: peak, of the head; the embeddings and
    the first `frozen` blocks stay as they are (at their decayed rates they would hardly move).
    """

    steps: int = 1420
    cooldown: int = 350
    warmup: int = 100
    batch: int = 32
    size: int = 168
    keep: float = 0.6
    frozen: int = 4
    learning_rate: float = 2e-4
    layer_decay: float = 0.75
    weight_decay: float = 0.05
    smoothing: float = 0.1
    mixup: float = 0.2
    average_decay: float = 0.998
    clip: float = 1.0
    crop_area: tuple[float, float] = (0.3, 1.0)
    seed: int = 0


def augment(image: np.ndarray, size: int, area: tuple[float, float], generator: np.random.Generator) -> np.ndarray:
    """A random part of `image`, mirrored half of the time, a little lighter or darker: `(size, size, 3)` uint8.

    Random resized crop of Szegedy et al. 2015: `area` is the range of the share kept, sides from 3:4 to 4:3.
    """
    height, width = image.shape[:2]
    share = generator.uniform(*area) * height * width
    ratio = float(np.exp(generator.uniform(np.log(3 / 4), np.log(4 / 3))))
    crop_width, crop_height = min(width, (share * ratio) ** 0.5), min(height, (share / ratio) ** 0.5)
    left, top = generator.uniform(0, width - crop_width), generator.uniform(0, height - crop_height)
    box = (left, top, left + crop_width, top + crop_height)
    pixels = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC, box=box), np.float32)
    if generator.random() < 0.5:
        pixels = pixels[:, ::-1]
    contrast, light = generator.uniform(0.7, 1.3), generator.uniform(-30, 30)
    return np.clip((pixels - pixels.mean()) * contrast + pixels.mean() + light, 0, 255).astype(np.uint8)


class Batches:
    """Augmented batches that depend on the step number alone, so that a resumed run sees what it would have seen."""

    def __init__(
        self, pictures: Sequence[np.ndarray], labels: np.ndarray, recipe: Recipe, prepare: Preprocessing
    ) -> None:
        self.pictures, self.labels, self.recipe, self.prepare = pictures, labels, recipe, prepare

    def __call__(self, step: int, classes: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Images `(batch, size, size, 3)`, target probabilities `(batch, classes)`, patches kept `(batch, K)`."""
        recipe = self.recipe
        generator = np.random.default_rng([recipe.seed, step])
        chosen = self._indices(step)
        squares = [augment(self.pictures[i], recipe.size, recipe.crop_area, generator) for i in chosen]
        images = self.prepare.to_tensor(np.stack(squares))
        targets = functional.one_hot(torch.from_numpy(self.labels[chosen]), classes).float()
        share = float(generator.beta(recipe.mixup, recipe.mixup))
        images = images * share + images.flip(0) * (1 - share)
        targets = targets * share + targets.flip(0) * (1 - share)
        patches = (recipe.size // PATCH_SIZE) ** 2
        order = generator.random((len(chosen), patches)).argsort(1)[:, : round(patches * recipe.keep)]
        return images, targets, torch.from_numpy(order)

    def _indices(self, step: int) -> np.ndarray:
        per_epoch = len(self.pictures) // self.recipe.batch
        order = np.random.default_rng([self.recipe.seed, step // per_epoch, 1]).permutation(len(self.pictures))
        start = step % per_epoch * self.recipe.batch
        return order[start : start + self.recipe.batch]


def keep_patches(tokens: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """CLS and the patches numbered `kept` `(N, K)`: `(N, T, D)` to `(N, 1 + K, D)`."""
    index = torch.cat([torch.zeros_like(kept[:, :1]), kept + 1], dim=1)
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))


def parameter_groups(network: VisionTransformer, recipe: Recipe) -> list[dict[str, object]]:
    """One optimiser group a trained parameter: share of the learning rate by depth, weight decay for matrices.

    Switches the gradients of frozen parameters off.
    """
    depth = network.shape.layers + 1
    groups = []
    for name, parameter in network.named_parameters():
        level = depth if name.startswith(("head", "norm")) else 0
        level = int(name.split(".")[1]) + 1 if name.startswith("blocks.") else level
        if level <= recipe.frozen:
            parameter.requires_grad_(False)
            continue
        decay = recipe.weight_decay if parameter.ndim == 2 else 0.0
        groups.append({"params": [parameter], "lr": recipe.layer_decay ** (depth - level), "weight_decay": decay})
    return groups


class PhotoTraining(training.Trainer[training.Network]):
    """A network learns from augmented photos that follow from the step; losses are in nats a photo."""

    def __init__(
        self,
        network: training.Network,
        groups: list[dict[str, object]],
        batches: Batches,
        recipe: Recipe,
        labels: Sequence[str],
    ) -> None:
        """`groups` of parameters: their `lr` is a share of the recipe's learning rate."""
        optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999))
        schedule = training.Trapezoid(recipe.learning_rate, recipe.warmup, recipe.steps, recipe.cooldown)
        super().__init__(
            network, {"adam": optimizer}, schedule, clip=recipe.clip, ema_decay=recipe.average_decay, bfloat16=True
        )
        self.batches, self.recipe, self.labels = batches, recipe, tuple(labels)

    def loss(self) -> tuple[torch.Tensor, int]:
        """Cross-entropy of the mixed labels, smoothed."""
        images, targets, kept = self.batches(self.steps_done, len(self.labels))
        logits = self.logits(images, kept).float()
        return functional.cross_entropy(logits, targets, label_smoothing=self.recipe.smoothing), len(images)

    @abstractmethod
    def logits(self, images: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Scores `(N, classes)` of `images` `(N, size, size, 3)` of which the patches `kept` `(N, K)` are shown."""


class Fit(PhotoTraining[VisionTransformer]):
    """The Vision Transformer learns from part of the patches of every photo."""

    def __init__(self, network: VisionTransformer, batches: Batches, recipe: Recipe) -> None:
        super().__init__(network, parameter_groups(network, recipe), batches, recipe, network.labels)

    def logits(self, images: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Scores from the patches kept."""
        return self.network.classify(self.network.encode(keep_patches(self.network.tokens(images), kept)))


def with_probed_head(
    backbone: VisionTransformer, pictures: Sequence[np.ndarray], labels: np.ndarray, names: Sequence[str], size: int
) -> VisionTransformer:
    """The backbone with a head fitted on its frozen features."""
    features = layer_features(backbone, pictures, size=size)
    network = VisionTransformer(backbone.shape, names, backbone.preprocessing)
    network.head = fit_linear(torch.cat([features["cls"], features["mean"]], 1), torch.from_numpy(labels))
    network.load_state_dict(backbone.state_dict(), strict=False)
    return network.requires_grad_(True)


def export(fit: Fit, photos: Sequence[data.Photo]) -> None:
    """Write the averaged network, its labels and the list of photos it has seen to `assets/weights/`."""
    network = VisionTransformer(fit.network.shape, fit.network.labels, fit.network.preprocessing)
    network.load_state_dict(fit.weights())
    folder = weights.EMBEDDED / NAME
    folder.mkdir(parents=True, exist_ok=True)
    network.preprocessing.save(folder)
    known = {"seed": fit.recipe.seed, "photos": data.fingerprints(photos)}
    (folder / TRAINING_PHOTOS).write_text(json.dumps(known, indent=0) + "\n")
    training.export(NAME, library.to_library_state(network), library.library_config(network), half=True)


def prepare(arguments: argparse.Namespace, recipe: Recipe) -> tuple[Fit, list[data.Photo]]:
    """Read the photos, split them, fit or restore the network."""
    photos, _ = data.split(data.read_photos(arguments.data), seed=recipe.seed)
    names = sorted({photo.label for photo in photos})
    labels = np.array([names.index(photo.label) for photo in photos])
    pictures = [photo.pixels() for photo in photos]
    backbone = library.load(arguments.weights)
    path = arguments.run / "checkpoint.pt"
    if (arguments.resume or arguments.export) and path.exists():
        network = VisionTransformer(backbone.shape, names, backbone.preprocessing)
        fit = Fit(network, Batches(pictures, labels, recipe, network.preprocessing), recipe)
        fit.resume(path)
        return fit, photos
    network = with_probed_head(backbone, pictures, labels, names, recipe.size)
    return Fit(network, Batches(pictures, labels, recipe, network.preprocessing), recipe), photos


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser(__doc__ or "", steps=Recipe.steps, cooldown=Recipe.cooldown)
    parser.add_argument("--data", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--weights", type=Path, required=True, help="DINOv2 folder of the transformers library")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    fit, photos = prepare(arguments, Recipe(steps=arguments.steps, cooldown=arguments.cooldown))
    if not arguments.export:
        training.follow(fit, arguments.run / "checkpoint.pt", lambda loss: {"loss": loss})
    export(fit, photos)


if __name__ == "__main__":
    main()
