"""Make sprites from the command line, as PNG files.

python -m models.recipes.diffusion.sample --out FOLDER [--sprite-class monster] [--count 4] [--steps 25] [--seed 0]
    [--sheet]: side by side in one file
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from models import runtime
from models.diffusion.data import ANY_CLASS
from models.diffusion.network import load_network
from models.diffusion.schedule import GUIDANCE
from models.diffusion.trace import generate_sprites


def main(arguments: list[str] | None = None) -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sprite-class", default=ANY_CLASS)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--sheet", action="store_true")
    chosen = parser.parse_args(arguments)
    network = runtime.load("sprites-unet", load_network).network
    sprites = generate_sprites(
        network, chosen.sprite_class, chosen.count, chosen.steps, chosen.seed, guidance=chosen.guidance
    )
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.sheet:
        Image.fromarray(np.concatenate(list(sprites), axis=1)).save(chosen.out / f"{chosen.sprite_class}.png")
        return
    for number, sprite in enumerate(sprites):
        path = chosen.out / f"{chosen.sprite_class}-{chosen.seed}-{number}.png"
        Image.fromarray(sprite).save(path)
        print(path)


if __name__ == "__main__":
    main()
