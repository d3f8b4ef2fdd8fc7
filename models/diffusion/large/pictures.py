"""Pictures from words, one step at a time: what the page of large models computes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models import hub
from models.compute import Run, compute, run_of
from models.diffusion.large.load import load_large, load_tiny_decoder
from models.diffusion.large.offers import OFFERS
from models.diffusion.large.trace import LargeStep, Request, Start, from_picture, trace_prompt


@dataclass(frozen=True)
class LargeDenoised:
    """A step of a run, and what ran; `run.seconds` are those of all its steps so far.

    tiny: whether pictures on the way are decoded as intended, by the tiny decoder; else the model's own VAE does it.
    """

    step: LargeStep
    run: Run
    tiny: bool


@compute(heavy=True, gpu_seconds=120)
def denoise_large(model: str, request: Request, begin: np.ndarray | Start | None = None) -> Iterator[LargeDenoised]:
    """The steps of a request to a model that has arrived.

    begin: a picture `[height, width, 3] uint8`, the step of another run, or None for noise.
    """
    name = OFFERS[model].tiny_decoder
    tiny = load_tiny_decoder(name) if name and hub.is_here(name) else None
    loaded = load_large(model)  # last, so that it is the last to make room for others
    start = from_picture(loaded.network, request, begin) if isinstance(begin, np.ndarray) else begin
    steps, seconds = trace_prompt(loaded.network, request, start, tiny.network if tiny else None), 0.0
    while True:
        began = time.perf_counter()
        step = next(steps, None)
        if step is None:
            return
        seconds += time.perf_counter() - began
        yield LargeDenoised(step, run_of(loaded, seconds), tiny is not None or name is None)
