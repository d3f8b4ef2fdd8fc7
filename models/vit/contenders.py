"""One face for the two networks that are compared: the Vision Transformer and the CNN, both given the same pixels.

What "the same pixels" means: the picture is cut to one square of 224 x 224 (`square`), damaged, and then normalised by
each network as it was trained.

The comparison is one of two trained networks. They differ in more than architecture: the ViT has 22 million parameters
and learned first from 142 million pictures without labels (Oquab et al. 2023), the CNN has 3.5 million and learned
first from the 1.3 million labelled pictures of ImageNet. Both were then fine-tuned on the same photos.
"""

import json
from pathlib import Path

import numpy as np
import torch

from models import runtime
from models.vision import cnn, library
from models.vision.cnn import EfficientNetLite
from models.vision.network import Block, VisionTransformer
from models.vision.preprocessing import Preprocessing
from models.vit.calibration import calibration_of
from models.vit.gradcam import grad_cam

VIT = "vit-s14-caltech101"
CNN = "efficientnet-lite0-caltech101"
SIDE = 224
BATCH = 16
Network = VisionTransformer | EfficientNetLite


def load_network(folder: Path) -> Network:
    """A Vision Transformer or an EfficientNet-Lite0, by the `model_type` in the folder's config.json."""
    kind = json.loads((folder / "config.json").read_text()).get("model_type")
    return cnn.load(folder) if kind == cnn.MODEL_TYPE else library.load(folder)


def load(name: str) -> runtime.Loaded:
    """The network of that name, loaded once."""
    return runtime.load(name, load_network)


def square(image: np.ndarray) -> np.ndarray:
    """The part of a picture that both networks see, `(224, 224, 3)` uint8: the middle square, shrunk."""
    return Preprocessing().square(image, SIDE)


def prepare(network: Network, squares: np.ndarray) -> torch.Tensor:
    """Pixels `(N, side, side, 3)` uint8 normalised as `network` was trained, on its device."""
    return network.preprocessing.to_tensor(squares).to(next(network.parameters()).device)


@torch.inference_mode()
def logits(network: Network, squares: np.ndarray, *, positions: float = 1.0) -> np.ndarray:
    """Logits `(N, C)` of pixels `(N, side, side, 3)` uint8.

    `positions`: factor of a Vision Transformer's position embeddings of the patches (0: removed); a CNN has none.
    """
    parts = []
    for start in range(0, len(squares), BATCH):
        images = prepare(network, squares[start : start + BATCH])
        if isinstance(network, EfficientNetLite):
            output = network(images)
        else:
            output = network.classify(network.encode(tokens(network, images, positions)))
        parts.append(output.float().cpu().numpy())
    return np.concatenate(parts)


def tokens(network: VisionTransformer, images: torch.Tensor, positions: float = 1.0) -> torch.Tensor:
    """What the first block reads, the position embeddings of the patches multiplied by `positions`."""
    rows, columns = (side // network.shape.patch_size for side in images.shape[1:3])
    table = network.position_embeddings(rows, columns)
    return network.tokens(images, torch.cat([table[:, :1], table[:, 1:] * positions], dim=1))


def softmax(values: np.ndarray) -> np.ndarray:
    """Probabilities of logits `(..., C)`."""
    shifted = np.exp(values - values.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def probabilities(network: Network, values: np.ndarray) -> np.ndarray:
    """Calibrated probabilities of logits `(..., C)`: the softmax over the temperature of that network."""
    name = CNN if isinstance(network, EfficientNetLite) else VIT
    return softmax(values / calibration_of(name).temperature)


def answer_and_map(
    network: Network, pixels: np.ndarray, category: int, *, positions: float = 1.0, by_gradient: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Logits `(C,)` for one square of pixels, and the map of where they come from, `(rows, columns)`, at least 0.

    CNN: Grad-CAM of `category` at the last stage. Vision Transformer: attention rollout from CLS, the same for every
    category (Abnar & Zuidema 2020, section 3); or, `by_gradient`, attention weighted by what raises the logit of
    `category` (Chefer, Gur & Wolf 2021, "Generic Attention-model Explainability", equations 5 and 6).
    """
    images = prepare(network, pixels[None])
    if isinstance(network, EfficientNetLite):
        return grad_cam(network, images, category, cnn.LAST_STAGE)
    with torch.set_grad_enabled(by_gradient):
        values, attention = _run(network, images.requires_grad_(by_gradient), positions)
    if by_gradient:
        gradients = torch.autograd.grad(values[category], attention)
        steps = [(g * a).detach()[0].relu().mean(0) for g, a in zip(gradients, attention, strict=True)]
        keep, take = 1.0, 1.0
    else:
        steps = [weights[0].mean(0) for weights in attention]
        keep, take = 0.5, 0.5
    share = torch.zeros_like(steps[0][0])
    share[0] = 1
    for step in reversed(steps):  # only the row of CLS is needed: from the last layer down
        share = keep * share + take * share @ step
    rows = images.shape[1] // network.shape.patch_size
    return values.detach().float().cpu().numpy(), share[1:].reshape(rows, -1).float().cpu().numpy()


def _run(network: VisionTransformer, images: torch.Tensor, positions: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits `(C,)` and the attention `(1, heads, T, T)` of every layer."""
    stream, attention = tokens(network, images, positions), []
    for block in network.blocks:
        assert isinstance(block, Block)
        stream, weights = block.forward_with_weights(stream)
        attention.append(weights)
    return network.classify(network.norm(stream))[0], attention
