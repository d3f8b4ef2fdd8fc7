"""Attention weights, packed for the browser."""

import base64
import zlib

import numpy as np

STEPS = 65_535
"""Weights travel as whole numbers of this many steps between 0 and 1."""


def pack(weights: np.ndarray) -> str:
    """Weights in 0..1 as little-endian 16-bit steps, deflated (zlib), in base64."""
    steps = np.rint(np.clip(weights, 0.0, 1.0) * STEPS).astype("<u2")
    return base64.b64encode(zlib.compress(steps.tobytes(), level=1)).decode()
