"""Views as the browser reads them: array handles decoded."""

import base64
import io

import numpy as np
from PIL import Image

from demos import wire

DTYPES = {"steps8": "u1", "float32": "<f4", "float16": "<f2", "uint8": "u1", "int8": "i1", "int32": "<i4"}


def content_of(handle):
    """The bytes behind a handle or a picture's address, and how they arrive: inside the event or fetched."""
    if isinstance(handle, str):
        if handle.startswith("data:"):
            return base64.b64decode(handle.split(",")[1])
        return wire.ARRAYS.find(handle.removeprefix("arrays/")).content
    if "data" in handle:
        return base64.b64decode(handle["data"])
    return wire.ARRAYS.find(handle["array"]).content


def picture_at(address):
    """Pixels of a picture that travels inside its address, or is fetched from there."""
    return np.asarray(Image.open(io.BytesIO(content_of(address))))


def array_of(handle):
    """The array behind a handle, as `load` of `core/arrays.js` gives it."""
    values = np.frombuffer(content_of(handle), DTYPES[handle["dtype"]]).reshape(handle["shape"])
    return handle["low"] + handle["step"] * values if handle["dtype"] == "steps8" else values


def handles_in(sent):
    """Every handle and picture address in a view that was sent, once each."""
    if isinstance(sent, str):
        return {sent: sent} if sent.startswith("arrays/") else {}
    if isinstance(sent, list):
        return {key: value for item in sent for key, value in handles_in(item).items()}
    if not isinstance(sent, dict):
        return {}
    if "array" in sent and "dtype" in sent:
        return {sent["array"]: sent}
    return handles_in(list(sent.values()))
