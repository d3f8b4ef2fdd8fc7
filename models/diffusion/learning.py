"""What the recipe and the page "Train one" share: the choices made by hand, the optimisers, the loss."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models import runtime
from models.diffusion.network import SpriteUNet
from models.diffusion.schedule import add_noise, cosine_schedule, velocity
from models.muon import Muon

SNR_CAP = 5.0


@dataclass(frozen=True)
class Recipe:
    """What is chosen by hand. `class_dropout`: share of sprites shown without their class, for guidance."""

    steps: int = 9000
    cooldown: int = 1500
    warmup: int = 50
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    clip: float = 1.0
    ema_decay: float = 0.999
    class_dropout: float = 0.1
    seed: int = 0


def make_optimizers(network: SpriteUNet, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the network, AdamW for its two ends, class vectors, norms and biases."""
    ends = ("fold.", "unfold.", "sprite_class.")
    inner = {n: p for n, p in network.named_parameters() if p.ndim >= 2 and not n.startswith(ends)}
    others = [p for n, p in network.named_parameters() if n not in inner]
    decay = recipe.weight_decay
    return [
        Muon(inner.values(), recipe.learning_rate, weight_decay=decay),
        torch.optim.AdamW(others, recipe.learning_rate, betas=(0.9, 0.99), weight_decay=decay, fused=True),
    ]


def sprite_loss(network: SpriteUNet, x_0: Tensor, sprite_class: Tensor, t: Tensor, epsilon: Tensor) -> Tensor:
    """Squared error of what the network predicts; `x_0 [B, 4, 32, 32]`.

    Of v averaged with min-SNR weights (Hang et al. 2023, gamma 5), which take effort away from times at which next to
    nothing is hidden, or next to everything; of the noise as it is (Ho et al. 2020, equation 14).
    """
    schedule = cosine_schedule()
    snr = torch.from_numpy(schedule.signal_to_noise(t)).float()
    weight = snr.clamp(max=SNR_CAP) / (snr + 1)
    with runtime.autocast(x_0.device.type):
        said = network(add_noise(schedule, x_0, epsilon, t), t, sprite_class).float()
    if network.config.predicts == "epsilon":
        return (said - epsilon).square().mean()
    error = (said - velocity(schedule, x_0, epsilon, t)).square().mean(dim=(1, 2, 3))
    return (weight * error).sum() / weight.sum()
