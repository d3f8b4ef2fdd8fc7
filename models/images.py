"""Untrusted bytes to pixel arrays: what is opened, what is refused, and in which words."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from models.errors import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 16_000_000
MAX_PHOTO_PIXELS = 50_000_000
PHOTO_SHRINK = 4
MAX_ASPECT = 20
JPEG_START = b"\xff\xd8\xff"

Image.MAX_IMAGE_PIXELS = MAX_PHOTO_PIXELS // 2  # Pillow warns above it and raises above twice its value
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def read_rgba(source: str | Path | bytes | None) -> np.ndarray:
    """Decode the first frame of a picture, upright by its EXIF orientation.

    Returns `(height, width, 4)` uint8, straight alpha. A JPEG of more than `MAX_PIXELS` is decoded at a quarter of its
    width and height, so that a phone's photo takes little memory.
    Raises `InputError` where there is no picture, or it is too large, too long and thin, or not one of `FORMATS`.
    """
    if source is None:
        raise InputError("There is no picture yet: upload one, take one with the webcam or pick an example.")
    data = _bytes_of(source)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_shape(*image.size)
            if image.width * image.height > MAX_PIXELS:
                _shrink(image, data)
            image.load()
            return np.asarray(_to_8_bit(ImageOps.exif_transpose(image)).convert("RGBA"))
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(_too_many(MAX_PHOTO_PIXELS)) from None
    except UnidentifiedImageError:
        raise InputError("This file is not a picture that can be opened: use PNG, JPEG, WebP or GIF.") from None
    except Exception:  # decoders raise a dozen unrelated types on damaged files
        raise InputError("The picture is damaged or cut short: save it again as PNG or JPEG.") from None


def read_image(source: str | Path | bytes | None) -> np.ndarray:
    """As `read_rgba`, with transparency laid over white. Returns `(height, width, 3)` uint8 RGB."""
    return over_background(read_rgba(source))


def read_frame(jpeg: bytes, *, max_side: int) -> np.ndarray:
    """Decode one frame of live video: a JPEG as browsers and cameras write it, row by row.

    Returns `(height, width, 3)` uint8 RGB. Raises `InputError` for anything else, so that no frame costs much: a JPEG
    of many scans can take seconds.
    """
    if not jpeg.startswith(JPEG_START):
        raise InputError("A frame must be a JPEG picture.")
    if not _decoded_row_by_row(jpeg):
        raise InputError("A frame must be a baseline JPEG picture, all colours in one scan.")
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            if max(image.size) > max_side:
                raise InputError(f"A frame may have at most {max_side:,} pixels a side.")
            _check_shape(*image.size)
            return np.asarray(image.convert("RGB"))
    except InputError:
        raise
    except Exception:  # decoders raise a dozen unrelated types on damaged files
        raise InputError("The frame is damaged or cut short.") from None


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


def _shrink(image: Image.Image, data: bytes) -> None:
    """Have a JPEG decoded at a quarter of its size; any other picture, and a JPEG that is decoded whole, is refused."""
    if not isinstance(image, JpegImageFile) or not _decoded_row_by_row(data):
        raise InputError(_too_many(MAX_PIXELS) + " Only JPEG photos as cameras write them may have more.")
    image.draft(image.mode, (image.width // PHOTO_SHRINK, image.height // PHOTO_SHRINK))


def _too_many(limit: int) -> str:
    return f"The picture has more than {limit // 1_000_000} megapixels: shrink it first."


def _decoded_row_by_row(jpeg: bytes) -> bool:
    """Whether all colours of a JPEG lie in its first scan (ITU T.81, annex B); if not, decoders keep it whole."""
    place, components = 2, 0
    while place + 5 < len(jpeg) and jpeg[place] == 0xFF:
        marker, length = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4])
        if marker in (0xC0, 0xC1):
            components = jpeg[place + 9]
        elif marker == 0xDA:
            return jpeg[place + 4] == components
        place += 2 + length
    return False


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit greyscale would be clipped at 255 by Pillow's own conversion."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        return Image.fromarray((values / max(float(values.max()), 1.0) * 255).astype(np.uint8))
    return image
