"""What was painted on a square picture, as the page sends it: base64 of 56 x 56 bytes, 0 or 1."""

import base64
import binascii
from typing import Any

import numpy as np

from models.errors import InputError

CELLS = 56


def read_mask(text: Any, side: int) -> np.ndarray | None:
    """The painted pixels `(side, side)` bool of a mask as the browser sends it; None where nothing is painted.

    Raises `InputError` for anything else.
    """
    if not text:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        data = b""
    if len(data) != CELLS**2:
        raise InputError("The painting did not arrive as the page sends it: paint again.")
    cells = np.frombuffer(data, np.uint8).reshape(CELLS, CELLS) > 0
    return cells.repeat(side // CELLS, 0).repeat(side // CELLS, 1) if cells.any() else None
