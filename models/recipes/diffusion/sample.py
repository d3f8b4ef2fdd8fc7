"""Make sprites from the command line, as PNG files.

python -m models.recipes.diffusion.sample --out FOLDER [--sprite-class monster | --prompt "a red potion"] [--count 4]
    [--steps 25] [--seed 0] [--guidance 1.5]
    [--sheet]: side by side in one file
python -m models.recipes.diffusion.sample --out FOLDER --all classes words: the sheets of the cards,
    `sprites_classes.png` (16 of each class) and `sprites_words.png` (8 for each of `PROMPTS`)
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from models.diffusion.data import ANY_CLASS, BACKGROUND, CLASSES
from models.diffusion.edits import begin
from models.diffusion.large.offers import OFFERS
from models.diffusion.reading import NAME as WORDS
from models.diffusion.schedule import GUIDANCE
from models.diffusion.sprites import denoise_entry
from models.diffusion.trace import Plan, finished_sprites
from models.images import over_background

SHADES = 256
PROMPTS = (
    *("red potion", "blue potion", "green tree", "red tree", "yellow book", "purple book", "blue person"),
    *("green dragon", "golden sword", "grey helmet", "white wand", "red ring", "brown statue", "a broken gateway"),
    *("orange potion", "black potion", "blue wand", "purple statue", "white tree", "blue food"),
)
"""What the sheet shows; the last six combine a colour and a kind that the training never had together."""


def draw(plan: Plan) -> np.ndarray:
    """The sprites of a plan, `[count, 32, 32, 4] uint8`."""
    *_, last = denoise_entry(begin(plan))
    return finished_sprites(last.step.x_0)


def save_sheets(folder: Path, sheets: list[str], steps: int, seed: int) -> None:
    """The sheets of the cards."""
    guidance = OFFERS[WORDS].guidance
    plans_of = {
        "classes": [Plan(name, 16, steps, seed) for name in CLASSES],
        "words": [Plan(ANY_CLASS, 8, steps, seed, guidance, prompt=prompt) for prompt in PROMPTS],
    }
    for name in sheets:
        plans = plans_of[name]
        rows = [np.concatenate(list(draw(plan)), axis=1) for plan in plans]
        sheet = Image.fromarray(over_background(np.concatenate(rows), BACKGROUND))
        sheet.quantize(SHADES).save(folder / f"sprites_{name}.png", optimize=True)


def main(arguments: list[str] | None = None) -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sprite-class", default=ANY_CLASS)
    parser.add_argument("--prompt", default="")
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--sheet", action="store_true")
    parser.add_argument("--all", choices=["classes", "words"], nargs="+")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.all:
        save_sheets(chosen.out, chosen.all, chosen.steps, chosen.seed)
        return
    name = chosen.prompt.replace(" ", "-") or chosen.sprite_class
    sprites = draw(
        Plan(chosen.sprite_class, chosen.count, chosen.steps, chosen.seed, chosen.guidance, prompt=chosen.prompt)
    )
    if chosen.sheet:
        Image.fromarray(np.concatenate(list(sprites), axis=1)).save(chosen.out / f"{name}.png")
        return
    for number, sprite in enumerate(sprites):
        path = chosen.out / f"{name}-{chosen.seed}-{number}.png"
        Image.fromarray(sprite).save(path)
        print(path)


if __name__ == "__main__":
    main()
