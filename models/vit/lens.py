"""What a layer knows of the answer: a linear layer fitted for each layer, beside the last head that was not.

Alain & Bengio 2017, "Understanding intermediate layers using linear classifier probes". The logit lens applies the last
head to all layers; it was trained on the last one only and misreads the others. The probes were fitted by
`models.recipes.vit.lens`, one for each layer, on the photos that the network was trained on.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from models import runtime
from models.vision.network import VisionTransformer

NAME = "vit-s14-probes"
OF = "vit-s14-caltech101"


class Probes(nn.Module):
    """weight: `[L + 1, C, 2 D]`; bias: `[L + 1, C]`; they read CLS beside the mean of the patches, normalised."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.weight, self.bias = (nn.Parameter(tensor, requires_grad=False) for tensor in (weight, bias))

    def forward(self, read: torch.Tensor) -> torch.Tensor:
        """Logits `[L + 1, C]` of the readings `[L + 1, 2 D]` of one picture."""
        return torch.einsum("lcd,ld->lc", self.weight, read) + self.bias


def load(folder: Path) -> Probes:
    """The probes in a verified folder, in float32."""
    stored = load_file(folder / "model.safetensors")
    return Probes(stored["weight"].float(), stored["bias"].float())


@torch.inference_mode()
def probed(model: str, network: VisionTransformer, stream: np.ndarray) -> np.ndarray:
    """Probabilities `[L + 1, C]` by the probe of each layer; `[0, C]` for a model that has none.

    stream: the tokens `[L + 1, T, D]` before the first and after every layer.
    """
    if model != OF:
        return np.zeros((0, len(network.labels)), np.float32)
    probes: Probes = runtime.load(NAME, load).network
    read = network.pool(network.norm(torch.from_numpy(stream).to(probes.bias.device)))
    return probes(read).softmax(-1).float().cpu().numpy()
