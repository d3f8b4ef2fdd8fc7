"""Pictures of views, read back as the browser would."""

import base64
import io

import numpy as np
from PIL import Image

from demos import wire


def picture_at(address):
    """Pixels of a picture that travels inside its address, or is fetched from there."""
    return np.asarray(Image.open(io.BytesIO(content_at(address))))


def content_at(address):
    """Its file."""
    if address.startswith("data:"):
        return base64.b64decode(address.split(",")[1])
    return wire.ARRAYS.find(address.removeprefix("arrays/")).content
