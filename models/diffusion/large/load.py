"""Large models and their tiny decoders, loaded once and kept in memory like every other network."""

from pathlib import Path
from typing import TYPE_CHECKING

from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

from models import runtime
from models.diffusion.large.offers import OFFERS
from models.diffusion.large.prx import Prx
from models.diffusion.large.stable_diffusion import StableDiffusion, StableDiffusionXL

if TYPE_CHECKING:
    from models.diffusion.large.network import LargeNetwork

FAMILIES: "dict[str, type[LargeNetwork]]" = {
    "stable-diffusion": StableDiffusion,
    "stable-diffusion-xl": StableDiffusionXL,
    "prx": Prx,
}


def load_large(name: str) -> runtime.Loaded:
    """The large model called `name`; its `network` is a `LargeNetwork`."""
    family = FAMILIES[OFFERS[name].family]
    dtype = runtime.large_model_dtype(float16_will_do=family is not Prx)
    return runtime.load(name, family.load, itemsize=dtype.itemsize)


def load_tiny_decoder(name: str) -> runtime.Loaded:
    """The tiny decoder called `name`."""
    return runtime.load(name, _read_decoder)


def _read_decoder(folder: Path) -> AutoencoderTiny:
    dtype = runtime.large_model_dtype()
    return AutoencoderTiny.from_pretrained(folder, use_safetensors=True, local_files_only=True, dtype=dtype)
