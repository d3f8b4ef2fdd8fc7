"""From copying to inventing: the network of "Train one" trained on 1, 12, 200 and all sprites.

    python -m models.recipes.diffusion.copying --data sprites.npz [--steps 1500] [--counts 1 12 200 0] [--threads 1]

writes `assets/figures/diffusion_copying.json` and `assets/figures/diffusion_copying.png`, which
`models/diffusion/copying.py` reads. The sets are nested, of sprites under CC0 1.0 alone, as some of them are shown; 0
stands for all. Every training begins with the same weights, takes the same number of steps and draws from the same
noise. Held-out sprites (as for the other recipes) say what a distance means: a sample that is nearer to a training
sprite than 95 of 100 of them are is called a copy.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from models.diffusion.copying import FILE, PICTURES
from models.diffusion.live import LiveTraining, nearest_pictures, sample_pictures
from models.diffusion.pictures import shrink_square
from models.diffusion.trained import Settings
from models.recipes.diffusion.data import held_out, read_sprites

SIZE, SAMPLES, SAMPLE_STEPS, LAST = 16, 16, 25, 100
FOREVER = 1e9
COPY_PERCENT = 5


def read_free_sprites(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The sprites under CC0 1.0, to train on and held out, `[N, 16, 16, 4] uint8` each, in an order drawn once."""
    with np.load(path, allow_pickle=False) as file:
        free = {name for name, licence in zip(file["name"], file["licence"], strict=True) if licence == "cc0"}
    sprites = read_sprites(path)
    sprites = sprites.take(np.array([name in free for name in sprites.names]))
    sprites = sprites.take(np.random.default_rng(0).permutation(len(sprites)))
    small = np.stack([shrink_square(one, SIZE) for one in sprites.rgba])
    kept = held_out(sprites.names)
    return small[~kept], small[kept]


def train_on(rgba: np.ndarray, kept: np.ndarray, steps: int) -> tuple[np.ndarray, dict[str, Any]]:
    """A training on `rgba [N, 16, 16, 4]`: its row of tiles and what is said of it."""
    training = LiveTraining(Settings(SIZE, "noise", FOREVER, steps=steps), rgba)
    losses = [step.loss for step in training.fit()]
    samples = sample_pictures(training.network_for_sampling(), SIZE, count=SAMPLES, steps=SAMPLE_STEPS)
    nearest, distances = nearest_pictures(samples, rgba)
    _, of_held_out = nearest_pictures(kept, rgba)
    about = {
        "count": len(rgba),
        "distances": [round(float(distance), 1) for distance in distances],
        "copy_distance": round(float(np.percentile(of_held_out, COPY_PERCENT)), 1),
        "held_out": round(float(np.median(of_held_out)), 1),
        "loss": round(float(np.mean(losses[-LAST:])), 4),
    }
    return np.concatenate([*samples, *nearest], axis=1), about


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Train the small network on few and on many sprites.")
    parser.add_argument("--data", type=Path, required=True, help="npz of sprites")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 12, 200, 0])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rgba, kept = read_free_sprites(options.data)
    rows, networks = [], []
    for count in options.counts:
        row, about = train_on(rgba[: count or len(rgba)], kept, options.steps)
        rows.append(row)
        networks.append(about)
        print(json.dumps(about), flush=True)
    command = f"python -m models.recipes.diffusion.copying --data SPRITES.npz --steps {options.steps}"
    facts = {"command": command, "size": SIZE, "steps": options.steps, "networks": networks}
    Image.fromarray(np.concatenate(rows)).save(PICTURES, optimize=True)
    FILE.write_text(json.dumps(facts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
