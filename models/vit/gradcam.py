"""Looking into a CNN: Grad-CAM, feature maps, and how far a unit really sees (also for a Vision Transformer).

No hooks: the network is run in two parts, so that other threads may run it at the same time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from models.vision.cnn import STAGES, EfficientNetLite
from models.vision.network import VisionTransformer

PROBES = 4


def grad_cam(
    network: EfficientNetLite, images: torch.Tensor, category: int, stage: int
) -> tuple[np.ndarray, np.ndarray]:
    """Logits `(C,)` of one prepared picture `(1, height, width, 3)` and its Grad-CAM at `stage`, `(rows, columns)`.

    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2: every map of the stage counts as much as the logit of
    `category` grows with the mean of that map; what is negative in the sum is cut off. `stage`: 0 the stem, 1 to 7.
    """
    with torch.no_grad():
        maps = network.maps(images, stages=stage)[-1]
    with torch.enable_grad():
        maps = maps.detach().requires_grad_()
        logits = network.logits_from(maps, stage)
        (gradient,) = torch.autograd.grad(logits[0, category], maps)
    importance = gradient[0].mean((1, 2))
    cam = (importance[:, None, None] * maps.detach()[0]).sum(0).relu()
    return logits[0].detach().float().cpu().numpy(), cam.float().cpu().numpy()


@dataclass(frozen=True)
class FeatureMaps:
    """The strongest maps of one stage: `stage` (0 the stem), its number of `channels`, which were chosen, and

    maps: `(chosen, rows, columns)` float32.
    """

    stage: int
    channels: int
    chosen: tuple[int, ...]
    maps: np.ndarray


@torch.inference_mode()
def feature_maps(network: EfficientNetLite, images: torch.Tensor, *, count: int = 6) -> list[FeatureMaps]:
    """For the stem and every stage, the `count` channels of the largest standard deviation over places."""
    found = []
    for stage, maps in enumerate(network.maps(images)):
        chosen = maps[0].std((1, 2)).topk(min(count, maps.shape[1])).indices
        values = maps[0, chosen].float().cpu().numpy()
        found.append(FeatureMaps(stage, maps.shape[1], tuple(chosen.tolist()), values))
    return found


@dataclass(frozen=True)
class ReceptiveField:
    """How strongly each pixel moves the unit in the middle of one layer.

    influence: `(height, width)` float32, largest value 1. distance: mean distance in pixels between the unit and what
    moves it, weighted by influence. possible: side in pixels of what can move it at all, by architecture.
    """

    layer: str
    influence: np.ndarray
    distance: float
    possible: int


def receptive_fields(network: VisionTransformer | EfficientNetLite, images: torch.Tensor) -> Iterator[ReceptiveField]:
    """The effective receptive field after every stage or block, on prepared pictures `(N, side, side, 3)`, one by one.

    Luo et al. 2016, "Understanding the Effective Receptive Field in Deep CNNs", section 3: the gradient of one unit by
    the pixels. Here it is the size of the gradient of all channels at the middle place, estimated by `PROBES` random
    signs for the channels, root mean square over signs, colours and pictures.
    """
    side = images.shape[1]
    images = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        if isinstance(network, EfficientNetLite):
            names = ["stem", *(f"stage {n}" for n in range(1, len(STAGES) + 1))]
            layers = network.maps(images)
            possible = [min(size, side) for size in theoretical_fields()]
        else:
            layers = _token_maps(network, images)
            names = ["patches", *(f"layer {n}" for n in range(1, len(layers)))]
            possible = [network.shape.patch_size] + [side] * network.shape.layers
    for name, maps, size in zip(names, layers, possible, strict=True):
        influence = influence_of_middle(maps, images)
        yield ReceptiveField(name, influence, mean_distance(influence, _middle(maps, side)), size)


def theoretical_fields() -> list[int]:
    """Side in pixels of what one unit can see, for the stem and every stage of EfficientNet-Lite0.

    Grows by (kernel - 1) x stride so far with every convolution (Araujo et al. 2019, equation 2).
    """
    size, jump = 3, 2
    sizes = [size]
    for stage in STAGES:
        for block in range(stage.blocks):
            size += (stage.kernel - 1) * jump
            jump *= stage.stride if block == 0 else 1
        sizes.append(size)
    return sizes


def influence_of_middle(maps: torch.Tensor, images: torch.Tensor) -> np.ndarray:
    """`(height, width)`: size of the gradient of the middle place of `maps` `(N, C, rows, columns)` by `images`."""
    unit = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(images.shape[1:3], device=images.device)
    for _ in range(PROBES):
        signs = torch.randint(0, 2, unit.shape, generator=generator).to(unit) * 2 - 1
        (gradient,) = torch.autograd.grad((unit * signs).sum(), images, retain_graph=True)
        total += gradient.square().sum((0, 3))
    influence = total.sqrt().float().cpu().numpy()
    return influence / max(float(influence.max()), 1e-12)


def mean_distance(influence: np.ndarray, middle: tuple[float, float]) -> float:
    """Mean distance in pixels from `middle` (row, column), weighted by `influence` `(height, width)`."""
    rows, columns = np.indices(influence.shape)
    distance = np.hypot(rows - middle[0], columns - middle[1])
    return float((influence * distance).sum() / max(float(influence.sum()), 1e-12))


def _middle(maps: torch.Tensor, side: int) -> tuple[float, float]:
    places = maps.shape[2]
    middle = (places // 2 + 0.5) * side / places - 0.5
    return middle, middle


def _token_maps(network: VisionTransformer, images: torch.Tensor) -> list[torch.Tensor]:
    side = images.shape[1] // network.shape.patch_size
    tokens = network.tokens(images)
    layers = [tokens]
    for block in network.blocks:
        layers.append(block(layers[-1]))
    return [tokens[:, 1:].transpose(1, 2).unflatten(2, (side, side)) for tokens in layers]
