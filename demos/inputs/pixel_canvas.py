"""A canvas of 32 x 32 or 16 x 16 pixels with pen, eraser and, where asked for, a brush that marks a hole to be filled.

The server puts pictures under the pen (`view_of_canvas`). After every stroke the browser sends back what is on the
chosen one (`read_canvas`): `{"side", "sprite", "rgba", "painted", "hole"}`, base64 of `[side, side, 4]` and of two
masks `[side, side]` of 0 and 1, beside what the server had put there.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass

import numpy as np

from demos.ui import View, component
from demos.views.canvas import CanvasView
from demos.wire import content_of
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


def pixel_canvas(elem_id: str, *, holes: bool = False) -> View:
    """The component; `holes` offers the brush that marks a hole. It tells the event `painted` after every stroke."""
    return component("pixel_canvas", taken=False, events=("painted",), elem_id=elem_id, holes=holes)


def view_of_canvas(rgba: np.ndarray) -> CanvasView:
    """Pictures `[count, side, side, 4] uint8` under the pen, anew."""
    return CanvasView(secrets.token_hex(8), len(rgba), rgba.shape[1], rgba)


def read_canvas(value: object) -> Canvas | None:
    """What the visitor left on the canvas; None where nothing was ever put or painted on it.

    Raises `InputError` for anything but what the canvas sends, and where the pictures it was given are no longer kept.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InputError(GARBLED)
    side = value.get("side")
    if side not in SIDES or not isinstance(side, int):
        raise InputError(GARBLED)
    if "rgba" not in value:
        first = _array(content_of(value.get("pixels"))[: side * side * 4], (side, side, 4))
        nothing = np.zeros((side, side), bool)
        return Canvas(first, nothing, nothing, 0) if first.any() else None
    return Canvas(
        _array(_bytes(value["rgba"]), (side, side, 4)),
        _array(_bytes(value.get("painted")), (side, side)) > 0,
        _array(_bytes(value.get("hole")), (side, side)) > 0,
        check_integer(value.get("sprite"), name="The number of the sprite", low=0, high=15),
    )


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True)  # pyright: ignore[reportArgumentType]  # anything a visitor sends
    except (TypeError, ValueError, binascii.Error):
        raise InputError(GARBLED) from None


def _array(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    if len(data) != int(np.prod(shape)):
        raise InputError(GARBLED)
    return np.frombuffer(data, np.uint8).reshape(shape)
