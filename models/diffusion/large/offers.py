"""The large models of the catalogue: of which family each is, which tiny decoder fits it, and what it wants."""

from dataclasses import dataclass
from typing import Literal

FORGETFUL_SAMPLERS = ("ddim", "ddpm", "euler", "euler-ancestral")  # those that do not look back


@dataclass(frozen=True)
class Offer:
    """`steps` and `guidance` are those its authors give; `wants` says so to the visitor.

    `tiny_decoder` is the catalogue's name of the decoder for its latents (TAESD, Bohan 2023); None: it has none.
    """

    family: Literal["sprites", "stable-diffusion", "stable-diffusion-xl", "prx"]
    tiny_decoder: str | None
    steps: int
    guidance: float
    wants: str


OFFERS = {
    "sprites-words": Offer(
        "sprites", None, 25, 5.0, "Small and here: draws a sprite of 32 x 32 pixels in a second or two, without a GPU."
    ),
    "sd-turbo": Offer("stable-diffusion", "taesd", 4, 1.0, "Distilled for 1 to 4 steps without guidance. 512 pixels."),
    "stable-diffusion-v1-5": Offer(
        "stable-diffusion", "taesd", 25, 7.5, "About 25 steps with guidance of 7 to 8. 512 pixels."
    ),
    "sdxl-turbo": Offer(
        "stable-diffusion-xl",
        "taesdxl",
        4,
        1.0,
        "Two text encoders. Distilled for 1 to 4 steps without guidance. 512 pixels.",
    ),
    "prx-512": Offer(
        "prx",
        "taef1",
        28,
        5.0,
        "Flow matching, a Transformer without U-Net. About 28 steps with guidance of 5. 512 pixels, 15 GB to fetch.",
    ),
}
