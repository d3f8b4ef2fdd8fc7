"""Pictures sorted into classes by the visitor, as `class_collector` sends them.

Value set by the server: `{"token", "classes": [{"name", "pictures": [base64 JPEG, ...]}, ...]}`, which replaces what is
there. Value set by the browser after every change, and read by `read_classes`: `{"classes": [...]}` of the same form.
"""

import base64
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from demos.inputs.jpeg import read_jpeg
from models.errors import InputError

MAX_CLASSES, MAX_PICTURES = 10, 30
MAX_JPEG_CHARS, MAX_SIDE = 120_000, 512
GARBLED = "The classes did not arrive as the page sends them: collect them again."


def classes_value(named: Sequence[tuple[str, Sequence[bytes]]]) -> dict[str, Any]:
    """The value that puts these classes, given as (name, JPEG files), into the component."""
    classes = [{"name": name, "pictures": [base64.b64encode(jpeg).decode() for jpeg in jpegs]} for name, jpegs in named]
    return {"token": str(time.time_ns()), "classes": classes}


def read_classes(value: Any) -> list[tuple[str, list[np.ndarray]]]:
    """(name, pictures `(height, width, 3)` uint8) of each class; names are not judged here.

    Raises `InputError` for anything but what the component sends.
    """
    if value is None:
        return []
    classes = value.get("classes") if isinstance(value, dict) else None
    if not isinstance(classes, list) or len(classes) > MAX_CLASSES:
        raise InputError(GARBLED)
    return [_read_class(one) for one in classes]


def read_picture(text: Any) -> np.ndarray:
    """A picture `(height, width, 3)` uint8 as these components send it: a small JPEG in base64."""
    return read_jpeg(text, max_chars=MAX_JPEG_CHARS, max_side=MAX_SIDE, garbled=GARBLED)


def _read_class(one: Any) -> tuple[str, list[np.ndarray]]:
    if not isinstance(one, dict) or not isinstance(one.get("pictures"), list) or not isinstance(one.get("name"), str):
        raise InputError(GARBLED)
    if len(one["pictures"]) > MAX_PICTURES:
        raise InputError(f"A class has at most {MAX_PICTURES} pictures.")
    return one["name"], [read_picture(text) for text in one["pictures"]]
