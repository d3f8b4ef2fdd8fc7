"""A canvas of 32 x 32 or 16 x 16 pixels with pen, eraser and, where asked for, a brush that marks a hole to be filled.

Value set by the server: None, or `{"token", "count", "side", "pixels": base64 of [count, side, side, 4] uint8}`:
pictures to paint over; with several, the visitor chooses one. Value set by the browser after every stroke, and read by
`read_canvas`: `{"token", "count", "side", "pixels", "sprite", "rgba", "painted", "hole"}`, base64 of the chosen picture
`[side, side, 4]` and of two masks `[side, side]` of 0 and 1. Event: `painted`.
"""

import base64
import binascii
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demos.components import from_folder
from models.errors import InputError
from models.inputs import check_integer

SIDE = 32
SIDES = (16, SIDE)
GARBLED = "The drawing did not arrive as the canvas sends it: draw again."


@dataclass(frozen=True)
class Canvas:
    """What is on picture `sprite`: `rgba [side, side, 4] uint8`, `painted` and `hole [side, side] bool`."""

    rgba: np.ndarray
    painted: np.ndarray
    hole: np.ndarray
    sprite: int


def pixel_canvas(value: dict[str, Any] | None = None, *, holes: bool = False, **options: Any) -> gr.HTML:
    """The component; `holes` offers the brush that marks a hole."""
    return from_folder(Path(__file__).parent, value, holes=holes, **options)


def canvas_value(rgba: np.ndarray) -> dict[str, Any]:
    """The value that puts pictures `[count, side, side, 4] uint8` under the pen, anew."""
    pixels = base64.b64encode(np.ascontiguousarray(rgba).tobytes()).decode()
    return {"token": str(time.time_ns()), "count": len(rgba), "side": rgba.shape[1], "pixels": pixels}


def read_canvas(value: Any) -> Canvas | None:
    """What the visitor left on the canvas; None where nothing was ever put or painted on it.

    Raises `InputError` for anything but what the canvas sends.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InputError(GARBLED)
    side = value.get("side")
    if side not in SIDES or not isinstance(side, int):
        raise InputError(GARBLED)
    if "rgba" not in value:
        first = _array(_bytes(value.get("pixels"))[: side * side * 4], (side, side, 4))
        nothing = np.zeros((side, side), bool)
        return Canvas(first, nothing, nothing, 0) if first.any() else None
    return Canvas(
        _array(_bytes(value["rgba"]), (side, side, 4)),
        _array(_bytes(value.get("painted")), (side, side)) > 0,
        _array(_bytes(value.get("hole")), (side, side)) > 0,
        check_integer(value.get("sprite"), name="The number of the sprite", low=0, high=15),
    )


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise InputError(GARBLED) from None


def _array(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    if len(data) != int(np.prod(shape)):
        raise InputError(GARBLED)
    return np.frombuffer(data, np.uint8).reshape(shape)
