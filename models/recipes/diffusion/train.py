"""Train the sprite U-Net: a clean sprite, a random time, noise; the network says v; its error is the loss.

    python -m models.recipes.diffusion.train --data sprites.npz --run runs/diffusion [--resume]
        [--steps 9000 --cooldown 1500]

Writes `assets/weights/sprites-unet/` at the end. To end a training early, stop it and start it with `--resume
--steps NOW+1000 --cooldown 1000`; the result is the same whether or how often it was interrupted in between.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.diffusion.data import CLASSES, to_signal
from models.diffusion.learning import Recipe, make_optimizers, sprite_loss
from models.diffusion.network import Config, SpriteUNet, channels_last
from models.diffusion.schedule import TRAINING_STEPS
from models.recipes.diffusion.data import held_out, read_sprites
from models.training import Ema, TrainStep, Trapezoid, export, gradient_norm, load_checkpoint, save_checkpoint

NAME = "sprites-unet"


class Training:
    """Network, optimisers, average and random numbers: all that a checkpoint must hold."""

    def __init__(self, recipe: Recipe, config: Config) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.network = channels_last(SpriteUNet(config))
        self.optimizers = make_optimizers(self.network, recipe)
        self.ema = Ema(self.network, recipe.ema_decay)
        self.random = torch.Generator().manual_seed(recipe.seed)
        self.step = 0

    def save(self, path: Path) -> None:
        """Write the whole state to one file."""
        save_checkpoint(
            path,
            {
                "step": self.step,
                "network": self.network.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "ema": self.ema.state,
                "ema_updates": self.ema.updates,
                "random": self.random.get_state(),
            },
        )

    def restore(self, path: Path) -> None:
        """Continue exactly where `save` was called."""
        state = load_checkpoint(path)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.ema.state, self.ema.updates = state["ema"], state["ema_updates"]
        self.random.set_state(state["random"])


def fit(training: Training, signal: Tensor, labels: Tensor) -> Iterator[TrainStep]:
    """Run the recipe from where `training` stands, one `TrainStep` a step.

    `signal [N, 4, 32, 32]` clean sprites, `labels [N]`. Classes are drawn by the square root of their size.
    """
    recipe, network, random = training.recipe, training.network.train(), training.random
    rate = Trapezoid(recipe.learning_rate, recipe.warmup, recipe.steps, recipe.cooldown)
    weights = torch.bincount(labels).float().rsqrt()[labels]
    while training.step < recipe.steps:
        start = time.perf_counter()
        chosen = torch.multinomial(weights, recipe.batch, replacement=True, generator=random)
        flipped = torch.rand(recipe.batch, generator=random) < 0.5
        classless = torch.rand(recipe.batch, generator=random) < recipe.class_dropout
        x_0 = torch.where(flipped[:, None, None, None], signal[chosen].flip(3), signal[chosen])
        t = torch.randint(TRAINING_STEPS, (recipe.batch,), generator=random)
        epsilon = torch.randn(x_0.shape, generator=random)
        sprite_class = labels[chosen].masked_fill(classless, network.no_class)

        learning_rate = rate(training.step)
        loss = sprite_loss(network, x_0, sprite_class, t, epsilon)
        network.zero_grad()
        loss.backward()
        norm = gradient_norm(network.parameters(), clip=recipe.clip)
        for optimizer in training.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
        training.ema.update(network)
        training.step += 1
        seconds = time.perf_counter() - start
        yield TrainStep(training.step, loss.item(), norm, learning_rate, recipe.batch / seconds)


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


def main(arguments: list[str] | None = None) -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="npz of sprites")
    parser.add_argument("--run", type=Path, default=Path("runs/diffusion"), help="folder for checkpoints")
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="stop at this step")
    parser.add_argument("--cooldown", type=int, default=Recipe.cooldown, help="last steps with falling learning rate")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --run")
    parser.add_argument("--checkpoint-seconds", type=float, default=120)
    chosen = parser.parse_args(arguments)

    sprites = read_sprites(chosen.data)
    kept = held_out(sprites.names)
    signal, labels = torch.from_numpy(to_signal(sprites.rgba)), torch.from_numpy(sprites.labels)
    training = Training(Recipe(steps=chosen.steps, cooldown=chosen.cooldown), Config(classes=CLASSES))
    checkpoint = chosen.run / "checkpoint.pt"
    if chosen.resume:
        training.restore(checkpoint)
    print(f"{(~kept).sum()} sprites to train on, {kept.sum()} held out, from step {training.step}", flush=True)

    def report() -> None:
        loss = held_out_loss(training.ema.state, training.network.config, signal[kept], labels[kept])
        print(f"held-out loss {loss:.4f}, average of the last 100 {np.mean(losses[-100:] or [0]):.4f}", flush=True)

    losses: list[float] = []
    saved = time.monotonic()
    for step in fit(training, signal[~kept], labels[~kept]):
        losses.append(step.loss)
        if step.step % 50 == 0:
            print(f"{step} mean50={np.mean(losses[-50:]):.4f}", flush=True)
        if time.monotonic() - saved > chosen.checkpoint_seconds:
            training.save(checkpoint)
            report()
            saved = time.monotonic()
    training.save(checkpoint)
    report()
    print(export(NAME, training.ema.state, asdict(training.network.config), half=True))


if __name__ == "__main__":
    main()
