"""Photos described by the project's own captioner: what was written, from which cells, and what ran."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models import runtime
from models.compute import Run, compute, run_of
from models.sequences.caption.choice import Choice

if TYPE_CHECKING:
    from models.sequences.caption.photo_trace import PhotoCaption

CAPTIONER = "photo-captioner"


@dataclass(frozen=True)
class DescribedPhoto:
    """A photo described.

    seen: (256, 256, 3) uint8, the square that was looked at; strange: how far the photo is from those it learned from,
    as a share of the distance from which on it says nothing of the photo
    """

    caption: "PhotoCaption"
    seen: np.ndarray
    strange: float
    run: Run


@compute
def describe_with_cells(pixels: np.ndarray, choice: Choice) -> DescribedPhoto:
    """A sentence for a photo `[height, width, 3]` uint8, word by word with the cells each has read. (One to many.)

    Raises `InputError` for a beginning that it cannot write.
    """
    from models.sequences.caption.photo_eyes import CNN, VIT, see, square
    from models.sequences.caption.photo_network import load
    from models.sequences.caption.photo_trace import describe_features
    from models.vision import cnn, library

    eyes = runtime.load(VIT, library.load).network, runtime.load(CNN, cnn.load).network
    loaded, started = runtime.load(CAPTIONER, load), time.perf_counter()
    features = see(*eyes, [pixels])[0]
    caption = describe_features(loaded.network, features, choice)
    run = run_of(loaded, time.perf_counter() - started)
    return DescribedPhoto(caption, square(pixels), loaded.network.strangeness(features), run)
