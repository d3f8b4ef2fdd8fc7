"""Frames with boxes that the visitor draws, as `demos/ui/components/frame_boxes.js` sends them."""

import base64
import io
import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from demos.inputs.jpeg import read_jpeg
from demos.ui import View, component
from models.errors import InputError

MAX_FRAMES, MAX_BOXES = 20, 12
MAX_JPEG_CHARS, MAX_SIDE = 400_000, 720
GARBLED = "The frames did not arrive as the page sends them: draw again."


def frame_boxes(**options: Any) -> View:
    """The component; its event `drawn` follows every change."""
    return component(
        "frame_boxes", taken=False, events=("drawn",), max_frames=MAX_FRAMES, max_boxes=MAX_BOXES, **options
    )


def frames_value(
    drawn: Sequence[tuple[np.ndarray, Sequence[tuple[Sequence[float], object]]]],
) -> dict[str, Any]:
    """The value that puts these frames `(height, width, 3)` uint8, with (box, name) pairs each, into the component."""
    frames = [
        {"jpeg": _jpeg(image), "boxes": [{"box": list(box), "name": name} for box, name in boxes]}
        for image, boxes in drawn
    ]
    return {"token": secrets.token_urlsafe(8), "frames": frames}


def _jpeg(image: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return base64.b64encode(buffer.getvalue()).decode()


def read_frames(value: object) -> list[tuple[np.ndarray, list[tuple[list[float], object]]]]:
    """Picture `(height, width, 3)` uint8 and (box, name) pairs of each frame; boxes and names are not judged here.

    Raises `InputError` for anything but what the component sends.
    """
    if value is None:
        return []
    frames = value.get("frames") if isinstance(value, dict) else None
    if not isinstance(frames, list) or len(frames) > MAX_FRAMES:
        raise InputError(GARBLED)
    return [_read_frame(frame) for frame in frames]


def _read_frame(frame: object) -> tuple[np.ndarray, list[tuple[list[float], object]]]:
    if not isinstance(frame, dict) or not isinstance(frame.get("boxes"), list):
        raise InputError(GARBLED)
    if len(frame["boxes"]) > MAX_BOXES:
        raise InputError(f"A frame has at most {MAX_BOXES} boxes.")
    image = read_jpeg(frame.get("jpeg"), max_chars=MAX_JPEG_CHARS, max_side=MAX_SIDE, garbled=GARBLED)
    return image, [_read_box(one) for one in frame["boxes"]]


def _read_box(one: object) -> tuple[list[float], object]:
    box, name = (one.get("box"), one.get("name")) if isinstance(one, dict) else (None, None)
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(side) for side in box):
        raise InputError(GARBLED)
    return [float(side) for side in box], name


def _is_number(side: object) -> bool:
    return isinstance(side, int | float) and not isinstance(side, bool) and -1 <= side <= 2
