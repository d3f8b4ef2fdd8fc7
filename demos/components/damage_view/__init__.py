"""One damaged picture, the answers of two networks to it, where each looked, and both curves over the strength.

Value: what `demos.views.damage.draw_curve` returns, or None. Events: `strength`, with `{"strength": 0..1}` when the
slider rests; `painted`, with `{"mask": base64 of 56 x 56 bytes, 0 or 1}` after a stroke ("" when it was cleared).
"""

import base64
import binascii
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demos.components import from_folder
from models.errors import InputError

CELLS = 56


def damage_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """The component."""
    return from_folder(Path(__file__).parent, value, pieces=("line_chart",), **options)


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
