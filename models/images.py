"""Untrusted bytes to pixel arrays: what is opened, what is refused, and in which words."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from models.errors import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 16_000_000
MAX_ASPECT = 20

Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns above it and raises above twice its value
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def read_rgba(source: str | Path | bytes | None) -> np.ndarray:
    """Decode the first frame of a picture, upright by its EXIF orientation.

    Returns `(height, width, 4)` uint8, straight alpha.
    Raises `InputError` where there is no picture, or it is too large, too long and thin, or not one of `FORMATS`.
    """
    if source is None:
        raise InputError("There is no picture yet: upload one, take one with the webcam or pick an example.")
    data = _bytes_of(source)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_shape(*image.size)
            image.load()
            return np.asarray(_to_8_bit(ImageOps.exif_transpose(image)).convert("RGBA"))
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels: shrink it first.") from None
    except UnidentifiedImageError:
        raise InputError("This file is not a picture that can be opened: use PNG, JPEG, WebP or GIF.") from None
    except Exception:  # decoders raise a dozen unrelated types on damaged files
        raise InputError("The picture is damaged or cut short: save it again as PNG or JPEG.") from None


def read_image(source: str | Path | bytes | None) -> np.ndarray:
    """As `read_rgba`, with transparency laid over white. Returns `(height, width, 3)` uint8 RGB."""
    return over_background(read_rgba(source))


def over_background(rgba: np.ndarray, color: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """Lay `(..., 4)` uint8 straight-alpha pixels over one colour. Returns `(..., 3)` uint8."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(rgba[..., :3] * alpha + np.asarray(color, np.float32) * (1 - alpha)).astype(np.uint8)


def _bytes_of(source: str | Path | bytes) -> bytes:
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    if size == 0:
        raise InputError("The picture file is empty.")
    if size > MAX_FILE_BYTES:
        raise InputError(f"The picture file has {size / 2**20:.0f} MB; the limit is {MAX_FILE_BYTES // 2**20} MB.")
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def _check_shape(width: int, height: int) -> None:
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(f"The picture is {width} x {height}: too long and thin, at most {MAX_ASPECT} to 1.")


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit greyscale would be clipped at 255 by Pillow's own conversion."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        return Image.fromarray((values / max(float(values.max()), 1.0) * 255).astype(np.uint8))
    return image
