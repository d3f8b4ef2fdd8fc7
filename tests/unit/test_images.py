"""Untrusted pictures: what is read, what is refused, and in which words."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from models.errors import InputError
from models.images import MAX_FILE_BYTES, over_background, read_image, read_rgba


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of_size(width, height):
    """A valid PNG header announcing any size, with hardly any data behind it."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    idat = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + idat + chunk(b"IEND", b"")


def jpeg_of_size(width, height):
    """A JPEG whose header announces any size, with hardly any data behind it."""
    data = encoded(Image.new("RGB", (16, 16)), "JPEG")
    size = data.index(b"\xff\xc0") + 5
    return data[:size] + struct.pack(">HH", height, width) + data[size + 4 :]


PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_lossless_pictures_arrive_exactly(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(read_image(encoded(PHOTO, kind, **options)), np.asarray(PHOTO))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "CMYK", "RGBA", "I;16"])
def test_every_mode_becomes_rgb(mode):
    image = Image.fromarray((np.arange(2400).reshape(40, 60) * 20).astype(np.uint16)) if mode == "I;16" else PHOTO
    image = image if mode == "I;16" else image.convert(mode)
    picture = read_image(encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert picture.shape == (40, 60, 3)
    assert picture.dtype == np.uint8
    assert picture.max() > 150, "16-bit values must be scaled, not clipped"
    assert picture.min() < 100


def test_first_frame_of_an_animated_gif():
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    picture = read_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert picture.shape == (20, 20, 3)
    assert tuple(picture[5, 5]) == (255, 0, 0)


def test_exif_rotation_is_applied():
    exif = Image.Exif()
    exif[274] = 6  # the camera was held upright: turn by 90 degrees
    assert read_image(encoded(PHOTO, "JPEG", exif=exif)).shape == (60, 40, 3)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_phone_photo_of_40_megapixels_is_read_at_a_quarter_and_upright(mode):
    exif = Image.Exif()
    exif[274] = 6
    picture = np.zeros((52, 77), np.uint8)
    picture[:26] = 200  # the upper half is bright: after the turn the right half
    photo = Image.fromarray(picture).convert("RGB").resize((7700, 5200), Image.Resampling.NEAREST).convert(mode)
    read = read_image(encoded(photo, "JPEG", exif=exif, quality=50))
    assert read.shape == (1925, 1300, 3)
    assert abs(int(read[900, 1000, 0]) - 200) < 20
    assert read[900, 300].max() < 20


def test_transparency_is_laid_over_white_and_kept_in_rgba():
    image = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert (read_image(encoded(image)) == 255).all()
    assert (read_rgba(encoded(image))[..., 3] == 0).all()
    assert tuple(over_background(np.array([0, 0, 0, 128], np.uint8))) == (127, 127, 127)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "There is no picture yet"),
        (b"", "empty"),
        (b"not a picture at all", "not a picture"),
        (encoded(PHOTO)[:200], "damaged or cut short"),
        (encoded(PHOTO, "JPEG")[:300], "damaged or cut short"),
        (encoded(PHOTO, "BMP"), "not a picture"),
        (encoded(PHOTO.convert("RGB"), "TIFF"), "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not a picture"),
        (png_of_size(20000, 20000), "megapixels"),
        (png_of_size(13300, 13300), "megapixels"),
        (png_of_size(5000, 3900), "more than 16 megapixels"),
        (jpeg_of_size(9000, 6000), "more than 50 megapixels"),
        (encoded(Image.new("L", (5000, 3900)), "JPEG", progressive=True), "more than 16 megapixels"),
        (png_of_size(50000, 1), "long and thin"),
        (b"x" * (MAX_FILE_BYTES + 1), "limit is 20 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_and_in_which_words(data, sentence):
    with pytest.raises(InputError, match=sentence):
        read_image(data)


def test_a_one_pixel_picture_is_a_picture():
    assert read_image(encoded(Image.new("RGB", (1, 1), "white"))).shape == (1, 1, 3)
