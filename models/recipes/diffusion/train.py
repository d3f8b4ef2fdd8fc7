"""Train the sprite U-Net: a clean sprite, a random time, noise; the network says v; its error is the loss.

    python -m models.recipes.diffusion.train --data sprites.npz --run RUN [--start FOLDER] [--resume]
        [--steps 9000 --cooldown 1500]

Writes `assets/weights/sprites-unet/` at the end. Until the cool-down some sprites have their colours in another order
(red, green and blue change places), so that there is more to draw than there are sprites. `--start` begins with the
weights of a folder, at half the learning rate. To end a training early, stop it and start it with `--resume --steps
NOW+1000 --cooldown 1000`; the result is the same whether or how often it was interrupted in between.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.diffusion.data import CLASSES, to_signal
from models.diffusion.learning import Recipe, make_optimizers, sprite_loss
from models.diffusion.network import Config, SpriteUNet, channels_last, load_network
from models.diffusion.schedule import TRAINING_STEPS
from models.recipes.diffusion.data import held_out, read_sprites
from models.training import Trainer, Trapezoid, export, recipe_parser, run_recipe

NAME = "sprites-unet"
CONTINUED_PEAK = 0.5
RECOLOURED = 0.3


class Training(Trainer[SpriteUNet]):
    """Sprites with noise. What is drawn comes from one generator, which is part of a checkpoint."""

    def __init__(
        self, recipe: Recipe, config: Config, signal: Tensor, labels: Tensor, start: Path | None = None
    ) -> None:
        """`signal [N, 4, 32, 32]` clean sprites, `labels [N]`. Classes are drawn by the square root of their size.

        The weights are those of folder `start`, or new ones.
        """
        torch.manual_seed(recipe.seed)
        network = load_network(start) if start else channels_last(SpriteUNet(config))
        schedule = Trapezoid(CONTINUED_PEAK if start else 1.0, recipe.warmup, recipe.steps, recipe.cooldown)
        muon, adam = make_optimizers(network, recipe)
        super().__init__(network, {"muon": muon, "adam": adam}, schedule, clip=recipe.clip, ema_decay=recipe.ema_decay)
        self.recipe, self.signal, self.labels = recipe, signal, labels
        self.class_weights = torch.bincount(labels).float().rsqrt()[labels]
        self.random = torch.Generator().manual_seed(recipe.seed)

    def loss(self) -> tuple[Tensor, int]:
        """The weighted error of v for a batch of sprites, some of them mirrored, some shown without their class."""
        recipe, random = self.recipe, self.random
        chosen = torch.multinomial(self.class_weights, recipe.batch, replacement=True, generator=random)
        flipped = torch.rand(recipe.batch, generator=random) < 0.5
        classless = torch.rand(recipe.batch, generator=random) < recipe.class_dropout
        x_0 = self.signal[chosen]
        if not self.schedule.cooling(self.steps_done):
            x_0 = recoloured(x_0, RECOLOURED, random)
        x_0 = torch.where(flipped[:, None, None, None], x_0.flip(3), x_0)
        t = torch.randint(TRAINING_STEPS, (recipe.batch,), generator=random)
        epsilon = torch.randn(x_0.shape, generator=random)
        sprite_class = self.labels[chosen].masked_fill(classless, self.network.no_class)
        return sprite_loss(self.network, x_0, sprite_class, t, epsilon), recipe.batch

    def own_state(self) -> dict[str, Any]:
        """Where the generator stands."""
        return {"generator": self.random.get_state()}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Go back to where `own_state` was taken."""
        self.random.set_state(state["generator"])


def recoloured(signal: Tensor, share: float, random: torch.Generator) -> Tensor:
    """`[N, 4, 32, 32]`, with red, green and blue in another order for about that share of them; alpha stays."""
    places = torch.arange(3).expand(len(signal), 3)
    order = torch.rand(len(signal), 3, generator=random).argsort(1)
    order = torch.where(torch.rand(len(signal), 1, generator=random) < share, order, places)
    order = torch.cat([order, order.new_full((len(signal), 1), 3)], dim=1)
    return signal[torch.arange(len(signal))[:, None], order]


@torch.no_grad()
def held_out_loss(state: dict[str, Tensor], config: Config, signal: Tensor, labels: Tensor) -> float:
    """The loss of averaged weights on sprites never trained on, at fixed times and noise."""
    network = channels_last(SpriteUNet(config)).eval()
    network.load_state_dict(state)
    random = torch.Generator().manual_seed(1)
    t = torch.arange(len(signal)) * TRAINING_STEPS // len(signal)
    order = torch.randperm(len(signal), generator=random)
    epsilon = torch.randn(signal.shape, generator=random)
    return sprite_loss(network, signal[order], labels[order], t, epsilon).item()


def main() -> None:
    """The command line described at the top of this module."""
    parser = recipe_parser("Train the sprite U-Net.", steps=Recipe.steps, cooldown=Recipe.cooldown)
    parser.add_argument("--data", type=Path, required=True, help="npz of sprites")
    parser.add_argument("--start", type=Path, help="folder of a network of this shape to begin with")
    parser.set_defaults(threads=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sprites = read_sprites(options.data)
    kept = torch.from_numpy(held_out(sprites.names))
    signal, labels = torch.from_numpy(to_signal(sprites.rgba)), torch.from_numpy(sprites.labels)
    recipe, config = Recipe(steps=options.steps, cooldown=options.cooldown), Config(classes=CLASSES)
    job = Training(recipe, config, signal[~kept], labels[~kept], options.start)

    def figures(loss: float) -> dict[str, float]:
        return {"train_loss": loss, "held_out_loss": held_out_loss(job.weights(), config, signal[kept], labels[kept])}

    run_recipe(job, options, figures, lambda: export(NAME, job.weights(), asdict(config), half=True))


if __name__ == "__main__":
    main()
