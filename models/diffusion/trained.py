"""Networks that visitors have trained, kept under names that nobody can guess until they are no longer used."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import InputError
from models.store import Store

if TYPE_CHECKING:
    from models.diffusion.network import SpriteUNet

BUDGET_BYTES = 256 * 2**20
MAX_AGE_SECONDS = 1800
MAX_STEPS = 5000
TARGETS = ("v", "epsilon")


@dataclass(frozen=True)
class Settings:
    """What a training is asked for: pictures of `size`, from which weights, for how long, and which random numbers.

    It ends after `seconds` or `steps`, whichever comes first. target: what the network learns to say, one of `TARGETS`.
    """

    size: int = 16
    start: str = "noise"
    seconds: float = 120
    seed: int = 0
    target: str = "v"
    steps: int = MAX_STEPS

    def __post_init__(self) -> None:
        if self.start == "embedded" and self.target != "v":
            raise InputError("The embedded model predicts v: choose v, or start from noise.")
        if self.start == "embedded" and self.size != 32:
            raise InputError("The embedded model knows 32 x 32 only: choose 32 pixels, or start from noise.")


@dataclass(frozen=True)
class Trained:
    """What stays of a training: the averaged network, its settings, its pictures and how many steps it took.

    rgba: the pictures it was given, `[N, size, size, 4]` uint8.
    """

    network: "SpriteUNet"
    settings: Settings
    rgba: np.ndarray
    steps: int

    @property
    def title(self) -> str:
        """What it is called on the pages."""
        says = ", says the noise" if self.settings.target == "epsilon" else ""
        return f"the one I trained, {self.settings.size} x {self.settings.size}{says}"

    @property
    def parameters(self) -> int:
        """Number of scalars."""
        return sum(parameter.numel() for parameter in self.network.parameters())


TRAINED: Store[Trained] = Store(
    "trained sprite networks",
    BUDGET_BYTES,
    size=lambda trained: 4 * trained.parameters + trained.rgba.nbytes,
    gone="There is no network trained by you here (any more): train one first, on the page “Train one”.",
    max_age=MAX_AGE_SECONDS,
    travels=True,
)
