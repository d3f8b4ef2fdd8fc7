"""Small JPEGs in base64, as scripts of the page send them (`demos/ui/pieces/webcam.js`)."""

import base64
import binascii
from typing import Any

import numpy as np

from models.errors import InputError
from models.images import read_frame


def read_jpeg(text: Any, *, max_chars: int, max_side: int, garbled: str) -> np.ndarray:
    """A picture `(height, width, 3)` uint8 out of a small JPEG in base64; its size is judged before it is decoded.

    Raises `InputError`, with the sentence `garbled` for anything that the page does not send.
    """
    if not isinstance(text, str) or len(text) > max_chars:
        raise InputError(garbled)
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise InputError(garbled) from None
    return read_frame(data, max_side=max_side)
