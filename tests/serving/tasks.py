"""Computed functions with which a cluster is brought into trouble; replicas import them by name."""

import os
import time

import numpy as np

from models.compute import compute


@compute
def process_of(model):
    """Which process computes for a model."""
    return os.getpid()


@compute
def clock(model):
    """What time it is where a model is computed, in seconds."""
    return time.time()


@compute
def give(megabytes):
    """A result of that size."""
    return np.ones(megabytes << 20, np.uint8)


@compute
def take_memory(megabytes):
    """Fill memory, 64 MB after the other, and wait to be ended for it."""
    held = []
    for _ in range(megabytes // 64):
        held.append(np.ones(64 << 20, np.uint8))
        time.sleep(0.05)
    time.sleep(60)
    return len(held)


@compute
def count(model, steps):
    """So many steps, one each tenth of a second."""
    for step in range(steps):
        yield step
        time.sleep(0.1)
