"""Teach a small Transformer to draw digits and shapes in one stroke: Gaussian diffusion on 64 points.

    python -m models.recipes.diffusion.strokes --run DIR [--steps N] [--cooldown M] [--resume]
    python -m models.recipes.diffusion.strokes --run DIR --export      write assets/weights/one-stroke/

No data is needed: `drawings.py` makes it. v-prediction (Salimans and Ho 2022) on the cosine schedule, as for the
sprites; one class in ten is left out, so that it can draw without being told what. Muon (Jordan et al. 2024) for the
matrices of the layers and AdamW for the rest, bfloat16 autocast, an exponential moving average of the weights. Learning
rate: warm-up, constant, linear cool-down.
"""

import dataclasses

import torch
from torch import Tensor

from models import training
from models.diffusion.schedule import TRAINING_STEPS, add_noise, cosine_schedule, velocity
from models.diffusion.stroke_classes import STROKES
from models.diffusion.strokes import NAME
from models.diffusion.strokes_network import StrokesConfig, StrokesNetwork
from models.recipes.diffusion.drawings import drawings
from models.training import Trainer, Trapezoid

DRAWINGS, HELD_OUT = 20_000, 2_000
BATCH = 64
UNTOLD = 0.1
PEAK = {"muon": 3e-3, "adam": 2e-3}
WARMUP_STEPS = 100
EMA_DECAY = 0.998


class Training(Trainer[StrokesNetwork]):
    """Drawings, times and noise follow from the seed and the step; losses are mean squares of v."""

    def __init__(
        self, drawn: Tensor, labels: Tensor, config: StrokesConfig, schedule: Trapezoid, seed: int = 0
    ) -> None:
        torch.manual_seed(seed)
        network = StrokesNetwork(config)
        optimizers = training.muon_and_adam(network, PEAK, lambda name, p: p.ndim == 2 and name.startswith("layers"))
        super().__init__(network, optimizers, schedule, ema_decay=EMA_DECAY, bfloat16=True)
        self.drawn, self.labels, self.seed = drawn, labels, seed

    def loss(self) -> tuple[Tensor, int]:
        """How far v is missed on a batch."""
        generator = torch.Generator().manual_seed((self.seed << 32) + self.steps_done)
        chosen = torch.randint(len(self.drawn), (BATCH,), generator=generator)
        untold = torch.rand(BATCH, generator=generator) < UNTOLD
        labels = torch.where(untold, len(self.network.config.classes), self.labels[chosen])
        return missed(self.network, self.drawn[chosen], labels, generator), BATCH


def missed(network: StrokesNetwork, x_0: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Mean square error of v at random times, spread evenly: `x_0 [B, points, 2]`, `labels [B]` -> scalar."""
    even = (torch.arange(len(x_0)) + torch.rand((), generator=generator)) / len(x_0)
    t = (even * TRAINING_STEPS).long().clamp(max=TRAINING_STEPS - 1)
    epsilon, schedule = torch.randn(x_0.shape, generator=generator), cosine_schedule()
    v = network(add_noise(schedule, x_0, epsilon, t), t, labels)
    return (v.float() - velocity(schedule, x_0, epsilon, t)).square().mean()


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the network that draws in one stroke.", steps=1_800, cooldown=800)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = StrokesConfig(classes=STROKES)
    drawn, labels = (torch.from_numpy(one) for one in drawings(DRAWINGS, seed=0))
    kept, kept_labels = (torch.from_numpy(one) for one in drawings(HELD_OUT, seed=1))
    job = Training(drawn, labels, config, Trapezoid(1.0, WARMUP_STEPS, arguments.steps, arguments.cooldown))

    @torch.inference_mode()
    def figures(loss: float) -> dict[str, float]:
        error = missed(job.averaged_network(), kept, kept_labels, torch.Generator().manual_seed(0))
        return {"train_error": loss, "held_out_error": float(error)}

    training.run_recipe(
        job, arguments, figures, lambda: training.export(NAME, job.weights(), dataclasses.asdict(config), half=True)
    )


if __name__ == "__main__":
    main()
