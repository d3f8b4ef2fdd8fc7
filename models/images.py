"""Untrusted bytes to pixel arrays: what is opened, what is refused, and in which words.

Every picture and frame comes in here, and its pixels are those that a browser paints for the same file (compared with
Chromium in tests/browser/test_pictures.py): turned and mirrored as the camera was held (`models.exif`), pixels square,
colours by its profile or gamma (`models.color`), 16 bits a channel cut to their high bytes, of an animation the first
frame. What screens show each in its own way, high dynamic range, is refused. HEIC is read where `pi-heif` is
installed.
"""

import importlib
import importlib.util
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from models import avif, tiff
from models.color import in_srgb, profile_of
from models.errors import InputError
from models.exif import Exif

NAMES = {
    "PNG": "PNG",
    "JPEG": "JPEG",
    "WEBP": "WebP",
    "GIF": "GIF",
    "AVIF": "AVIF",
    "BMP": "BMP",
    "TIFF": "TIFF",
    "HEIF": "HEIC",
}
"""What is read, by its name in Pillow: as it is called."""
HEIC_READER = "pi_heif"
FORMATS = tuple(NAMES if importlib.util.find_spec(HEIC_READER) else [name for name in NAMES if name != "HEIF"])
MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 8_000_000
MAX_PHOTO_PIXELS = 50_000_000
MAX_HEIC_PIXELS = 16_000_000
MAX_AVIF_PIXELS = 8 * MAX_PIXELS
"""Of all pictures in an AVIF, as many as their sizes can be written to have: up to four times what they have, twice
where there is transparency.
"""
MAX_ASPECT = 20
JPEG_START = b"\xff\xd8\xff"
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation."""
HELD_UPRIGHT = ("WEBP", "TIFF", "HEIF")
"""Formats of which Exif is not asked how the camera was held: browsers do not, or their readers have done so."""
GREY_STEPS = {"1": 255, "L;2": 85, "L;4": 17}
"""What one step of a PNG's shallow greys is worth; its transparent grey is told in steps."""

TIFF_COMPRESSIONS = frozenset(
    ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg", "tiff_ccitt", "group3", "group4")
)
TIFF_MODES = frozenset(("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "I;16B", "I;16L", "I;16N"))
HIGH_BYTES, LOW_BYTES = "RGB;16B", "RGB;16L"
"""How Pillow reads a PNG of 16 bits a colour, by its high bytes as browsers do, and what makes it read the low ones."""

TOO_MANY_PIXELS = (
    f"The picture has more than {MAX_PIXELS // 10**6} megapixels (JPEG photos as cameras write them may have "
    f"{MAX_PHOTO_PIXELS // 10**6}, HEIC {MAX_HEIC_PIXELS // 10**6}): shrink it first."
)

Image.MAX_IMAGE_PIXELS = MAX_PHOTO_PIXELS // 2  # Pillow warns above it and raises above twice its value
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def read_rgba(source: str | Path | bytes | None) -> np.ndarray:
    """Decode the first frame of a picture, as a browser shows it.

    Returns `(height, width, 4)` uint8, straight alpha. A JPEG of more than `MAX_PIXELS` is decoded at half or a quarter
    of its width and height, so that a phone's photo takes little memory, a HEIC is shrunk to half of them; sizes are
    judged before pixels are read. Raises `InputError` where there is no picture, or it is too large, too long and thin,
    or not one of `FORMATS`.
    """
    return np.asarray(_read(source).convert("RGBA"))


def read_image(source: str | Path | bytes | None) -> np.ndarray:
    """As `read_rgba`, with transparency laid over white. Returns `(height, width, 3)` uint8 RGB."""
    image = _read(source)
    return np.asarray(image) if image.mode == "RGB" else over_background(np.asarray(image))


def read_frame(jpeg: bytes, *, max_side: int) -> np.ndarray:
    """Decode one frame of live video: a JPEG as browsers and cameras write it, row by row.

    Returns `(height, width, 3)` uint8 RGB, as `read_image` would. Raises `InputError` for anything else, so that no
    frame costs much: a JPEG of many scans can take seconds.
    """
    if not jpeg.startswith(JPEG_START):
        raise InputError("A frame must be a JPEG picture.")
    if not _decoded_row_by_row(jpeg):
        raise InputError("A frame must be a baseline JPEG picture, all colours in one scan.")
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            if max(image.size) > max_side:
                raise InputError(f"A frame may have at most {max_side:,} pixels a side.")
            return np.asarray(_as_shown(image, jpeg))
    except InputError:
        raise
    except Exception:  # decoders raise a dozen unrelated types on damaged files
        raise InputError("The frame is damaged or cut short.") from None


def _read(source: str | Path | bytes | None) -> Image.Image:
    """RGB, or RGBA where something is transparent."""
    if source is None:
        raise InputError("There is no picture yet: upload one, take one with the webcam or pick an example.")
    data = _bytes_of(source)
    try:
        _check_head(data)
        with Image.open(io.BytesIO(data), formats=_readable()) as image:
            _check_shape(*image.size)
            return _as_shown(image, data, _shrink(image, data))
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise InputError(f"This file is not a picture that can be opened: use {formats_in_words()}.") from None
    except Exception:  # decoders raise a dozen unrelated types on damaged files
        raise InputError("The picture is damaged or cut short: save it again as PNG or JPEG.") from None


def few_browsers_show(path: Path) -> bool:
    """Whether a file begins as a TIFF or HEIC, which most browsers cannot paint."""
    with path.open("rb") as file:
        start = file.read(64)
    return tiff.is_tiff(start) or (start[4:8] == b"ftyp" and not avif.is_avif(start))


def formats_in_words() -> str:
    """What is read here, for sentences."""
    *others, last = (NAMES[name] for name in FORMATS)
    return f"{', '.join(others)} or {last}"


def _readable() -> list[str]:
    """The formats whose readers are there: that of HEIC comes with the first file that may be one."""
    return [name for name in FORMATS if name != "HEIF" or name in Image.OPEN]


def _check_head(data: bytes) -> None:
    """Refuse what a decoder would make more of than the picture's own size tells; readers of HEIC do so themselves."""
    if tiff.is_tiff(data):
        if tiff.head_of(data).tile_pixels > MAX_PIXELS:
            raise InputError(TOO_MANY_PIXELS)
    elif avif.is_avif(data):
        head = avif.head_of(data)
        if head.moving:
            raise InputError("An AVIF that moves is not read here: save one of its pictures.")
        if head.most_pixels > MAX_AVIF_PIXELS:
            raise InputError(TOO_MANY_PIXELS)
    elif data[4:8] == b"ftyp" and "HEIF" in FORMATS:
        importlib.import_module(HEIC_READER).register_heif_opener(thumbnails=False)


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


def _check_shape(width: float, height: float) -> None:
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(f"The picture is {width:.0f} x {height:.0f}: too long and thin, at most {MAX_ASPECT} to 1.")


def _shrink(image: Image.Image, data: bytes) -> int:
    """By how much a large JPEG or HEIC is shrunk; another picture, and a JPEG decoded whole, is refused."""
    if image.width * image.height <= MAX_PIXELS:
        return 1
    if image.format == "HEIF" and image.width * image.height <= MAX_HEIC_PIXELS:
        return 2
    if not isinstance(image, JpegImageFile) or not _decoded_row_by_row(data):
        raise InputError(TOO_MANY_PIXELS)
    return 2 if image.width * image.height <= 4 * MAX_PIXELS else 4


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


def _as_shown(image: Image.Image, data: bytes, shrink: int = 1) -> Image.Image:
    """The pixels that a browser paints of the file `data`, RGB or RGBA; a JPEG decoded at one part in `shrink`."""
    exif = Exif(b"" if image.format in HELD_UPRIGHT else image.info.get("exif") or b"")
    across, down = exif.shape(*image.size) if isinstance(image, JpegImageFile) else (1, 1)
    _check_shape(image.width * across, image.height * down)
    if shrink > 1 and isinstance(image, JpegImageFile):
        image.draft(image.mode, (image.width // shrink, image.height // shrink))
    if image.info.get("default_image"):  # an animated PNG may hold one more picture, for those that do not animate
        image.seek(1)
    tiles: Any = getattr(image, "tile", None)  # where a file's pixels lie, before they are loaded
    painted = tiles[0].extents if image.format == "GIF" and tiles else None
    stored = str(tiles[0].args) if image.format == "PNG" and tiles else ""
    _check_coding(image, tiles)
    profile = profile_of(image, data)
    image.load()
    if shrink > 1 and image.format == "HEIF":
        image = image.reduce(shrink)
    keyed = stored == HIGH_BYTES and isinstance(image.info.get("transparency"), tuple)
    keyed = keyed and not getattr(image, "is_animated", False)
    shown = in_srgb(_without_key(image, data) if keyed else _eight_bits(image, stored), profile)
    if image.format == "TIFF" and image.mode.startswith("I") and tiff.head_of(data).inverted:
        shown = ImageChops.invert(shown)
    if painted not in (None, (0, 0, *image.size)):
        shown = _transparent_around(shown, painted)
    if min(across, down) < 1:
        size = (max(1, round(image.width * across)), max(1, round(image.height * down)))
        shown = shown.resize(size, Image.Resampling.BOX)
    return shown.transpose(ORIENTATIONS[exif.orientation]) if exif.orientation > 1 else shown


def _check_coding(image: Image.Image, tiles: Any) -> None:
    """Refuse ways to store pixels that take long to read, and pixels that are no colours of a screen."""
    if image.format == "TIFF" and image.info.get("compression") not in TIFF_COMPRESSIONS:
        raise InputError("This TIFF is packed in a way that is not read here: save it with LZW, or as PNG.")
    if image.format == "TIFF" and image.mode not in TIFF_MODES:
        raise InputError("This TIFF holds no colours of a screen: save it with 8 or 16 bits a colour.")
    if image.format == "BMP" and tiles[0].codec_name == "bmp_rle":
        raise InputError("This BMP is packed in runs, which is not read here: save it as PNG.")


def _without_key(image: Image.Image, data: bytes) -> Image.Image:
    """RGBA of a PNG of 16 bits a colour, of which `image` has the high bytes: clear where all bits are the key's."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as again:
        tiles: Any = again
        tiles.tile = [tiles.tile[0]._replace(args=LOW_BYTES)]
        again.load()
        high, low = np.asarray(image), np.asarray(again)
    key = np.array(image.info["transparency"])
    seen = (high != key >> 8) | (low != key & 255)
    rgba = Image.fromarray(high)
    rgba.putalpha(Image.fromarray(255 * seen.any(-1).astype(np.uint8)))
    return rgba


def _eight_bits(image: Image.Image, stored: str) -> Image.Image:
    """L, CMYK, RGB or RGBA with 8 bits a channel; what PNG calls transparent made so."""
    shallow = GREY_STEPS.get(stored, 1)
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        grey = Image.fromarray((values >> 8).astype(np.uint8))
        if key is None:
            return grey
        rgba = grey.convert("RGBA")
        rgba.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
        return rgba
    if image.mode in ("1", "L") and isinstance(key, int):
        image.info["transparency"] = key * shallow
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:
        image.info["transparency"] = tuple(value >> 8 for value in key)
    if image.mode in ("L", "CMYK", "RGB") and key is None:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _transparent_around(shown: Image.Image, painted: tuple[int, int, int, int]) -> Image.Image:
    """A GIF's first frame may be smaller than its canvas; the rest of it is transparent."""
    inside = Image.new("L", shown.size)
    inside.paste(255, painted)
    rgba = shown.convert("RGBA")
    rgba.putalpha(ImageChops.multiply(rgba.getchannel("A"), inside))
    return rgba
