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
from models.diffusion.restoring import MEASUREMENTS, restore
from models.diffusion.trace import DenoisingStep, Network, Plan, Told
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
    loaded, unet, told = _network_for(entry.plan, network)
    yield from _timed(loaded, run_entry(unet, entry, told))


def _network_for(plan: Plan, network: str) -> tuple[runtime.Loaded, Network, Told | None]:
    """The network that a plan is for, and what it is told where that is a prompt."""
    if not plan.prompt:
        loaded = load_sprites(network)
        return loaded, loaded.network, None
    loaded = runtime.load(WORDS, load_sprite_words)
    return loaded, loaded.network.unet, loaded.network.told(plan.prompt, plan.negative, plan.count)


@compute(heavy=True)
def fill_hole(plan: Plan, rgba: np.ndarray, hole: np.ndarray, rounds: int, network: str = "") -> Iterator[Denoised]:
    """`hole [size, size] bool` in `rgba [size, size, 4] uint8` made anew, in `rounds` times the plan's steps.

    A plan with a prompt is for the network that reads words.
    """
    loaded, unet, told = _network_for(plan, network)
    yield from _timed(loaded, inpaint(unet, plan, rgba, hole, rounds=rounds, told=told))


@compute(heavy=True)
def restore_sprite(plan: Plan, rgba: np.ndarray, measured: str) -> Iterator[Denoised]:
    """Sprites of which the measurement called `measured` (`MEASUREMENTS`) is that of `rgba [size, size, 4] uint8`."""
    loaded = load_sprites()
    yield from _timed(loaded, restore(loaded.network, plan, rgba, MEASUREMENTS[measured]))


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
