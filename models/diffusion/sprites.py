"""Sprites step by step, computed by the embedded network or by one that its visitor has trained.

A network is told by its name: empty for the embedded one, else the name it is kept under (`models.diffusion.trained`).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models import runtime, weights
from models.compute import Run, compute, run_of
from models.diffusion.edits import Entry, between, inpaint, run_entry
from models.diffusion.network import load_network
from models.diffusion.reading import NAME as WORDS
from models.diffusion.reading import load_sprite_words
from models.diffusion.trace import DenoisingStep, Plan
from models.diffusion.trained import TRAINED

NAME = "sprites-unet"


@dataclass(frozen=True)
class Denoised:
    """A step of a run, and what ran; `run.seconds` are those of all its steps so far."""

    step: DenoisingStep
    run: Run


def load_sprites(network: str = "") -> runtime.Loaded:
    """The network of that name, ready to run. Raises `InputError` where it is no longer kept."""
    if not network:
        return runtime.load(NAME, load_network)
    trained = TRAINED.find(network)
    entry = weights.Weights("own", "diffusion", trained.title, "session", "trained in this tab", "yours")
    return runtime.Loaded("own", trained.network, entry, trained.parameters, 4 * trained.parameters, "cpu")


@compute(heavy=True)
def denoise_entry(entry: Entry, network: str = "") -> Iterator[Denoised]:
    """The steps of a run from where it begins. A plan with a prompt is for the network that reads words."""
    plan = entry.plan
    if plan.prompt:
        loaded = runtime.load(WORDS, load_sprite_words)
        told = loaded.network.told(plan.prompt, plan.negative, plan.count)
        yield from _timed(loaded, run_entry(loaded.network.unet, entry, told))
        return
    loaded = load_sprites(network)
    yield from _timed(loaded, run_entry(loaded.network, entry))


@compute(heavy=True)
def fill_hole(plan: Plan, rgba: np.ndarray, hole: np.ndarray, rounds: int, network: str = "") -> Iterator[Denoised]:
    """`hole [size, size] bool` in `rgba [size, size, 4] uint8` made anew, in `rounds` times the plan's steps."""
    loaded = load_sprites(network)
    yield from _timed(loaded, inpaint(loaded.network, plan, rgba, hole, rounds=rounds))


@compute(heavy=True)
def walk_between(plan: Plan, last_class: str, last_seed: int, network: str = "") -> Iterator[Denoised]:
    """`plan.count` sprites on the way from the plan's class and seed to another class and seed, ends included."""
    loaded = load_sprites(network)
    entry, vectors = between(loaded.network, plan, last_class, last_seed)
    yield from _timed(loaded, run_entry(loaded.network, entry, vectors))


def _timed(loaded: runtime.Loaded, steps: Iterator[DenoisingStep]) -> Iterator[Denoised]:
    seconds = 0.0
    while True:
        start = time.perf_counter()
        step = next(steps, None)
        if step is None:
            return
        seconds += time.perf_counter() - start
        yield Denoised(step, run_of(loaded, seconds))
