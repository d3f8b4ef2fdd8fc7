"""What the pages of the Diffusion tab share: limits, options of their events, example pictures, the sprite network."""

from functools import cache, partial
from pathlib import Path

from models import runtime

NAME = "sprites-unet"
MAX_COUNT, MAX_STEPS, MAX_SEED = 16, 100, 2**31 - 1
MEDIA = Path(__file__).resolve().parents[2] / "assets" / "media"
NETWORK = {"concurrency_id": "diffusion", "concurrency_limit": 1}
LATEX = [{"left": "$$", "right": "$$", "display": True}, {"left": "$", "right": "$", "display": False}]

private = partial(dict, api_visibility="private", show_progress="hidden")


@cache
def example_sprites() -> dict[str, Path]:
    """Sprites made by the embedded model itself (`python -m models.recipes.diffusion.sample`), kept in assets/media."""
    return {path.stem.removeprefix("diffusion-"): path for path in sorted(MEDIA.glob("diffusion-*.png"))}


def load_sprite_network() -> runtime.Loaded:
    """The embedded sprite network, loaded once."""
    from models.diffusion.network import load_network

    return runtime.load(NAME, load_network)
