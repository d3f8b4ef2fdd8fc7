"""Large models, the small one beside them, and their tiny decoders, loaded once and kept like every other network.

Libraries are imported with the family that needs them: the pipelines of diffusers take seconds.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import runtime
from models.diffusion.large.offers import OFFERS
from models.diffusion.large.sprites import Sprites
from models.diffusion.reading import load_sprite_words

if TYPE_CHECKING:
    from models.diffusion.large.network import LargeNetwork


def load_large(name: str) -> runtime.Loaded:
    """The model called `name`; its `network` is a `LargeNetwork`."""
    kind = OFFERS[name].family
    if kind == "sprites":
        loaded = runtime.load(name, load_sprite_words)
        return replace(loaded, network=Sprites(loaded.network))
    dtype = runtime.large_model_dtype(float16_will_do=kind != "prx")
    return runtime.load(name, _family(kind).load, itemsize=dtype.itemsize)


def _family(kind: str) -> "type[LargeNetwork]":
    if kind == "prx":
        from models.diffusion.large.prx import Prx

        return Prx
    from models.diffusion.large.stable_diffusion import StableDiffusion, StableDiffusionXL

    return StableDiffusionXL if kind == "stable-diffusion-xl" else StableDiffusion


def load_tiny_decoder(name: str) -> runtime.Loaded:
    """The tiny decoder called `name`."""
    return runtime.load(name, _read_decoder)


def _read_decoder(folder: Path) -> Any:
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    dtype = runtime.large_model_dtype()
    return AutoencoderTiny.from_pretrained(folder, use_safetensors=True, local_files_only=True, dtype=dtype)
