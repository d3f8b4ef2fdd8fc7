"""Untrusted pictures: what is read, what is refused, and in which words."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from models.errors import InputError
from models.images import MAX_FILE_BYTES, over_background, read_frame, read_image, read_rgba
from tests.pictures import HEIGHT, WIDTH, chunk, encoded, every_kind, png, with_orientation
from tests.pictures import PHOTO as BLOCKS


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
@pytest.mark.parametrize(("width", "height", "shrink"), [(4000, 3000, 2), (7700, 5200, 4)])
def test_a_phone_photo_is_read_at_half_or_a_quarter_and_upright(mode, width, height, shrink):
    exif = Image.Exif()
    exif[274] = 6
    picture = np.zeros((52, 77), np.uint8)
    picture[:26] = 200  # the upper half is bright: after the turn the right half
    photo = Image.fromarray(picture).convert("RGB").resize((width, height), Image.Resampling.NEAREST).convert(mode)
    read = read_image(encoded(photo, "JPEG", exif=exif, quality=50))
    assert read.shape == (width // shrink, height // shrink, 3)
    assert abs(int(read[len(read) // 2, round(0.75 * read.shape[1]), 0]) - 200) < 20
    assert read[len(read) // 2, round(0.25 * read.shape[1])].max() < 20


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory of one moment is told by Linux only")
@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_a_picture_that_is_refused_for_its_size_costs_no_memory(kind):
    """The limit is judged by the file's head: 36 megapixels, 108 MB if they were decoded."""
    data = encoded(Image.new("RGB", (6000, 6000)), kind, **({"method": 0, "lossless": True} if kind == "WEBP" else {}))
    Path("/proc/self/clear_refs").write_text("5")  # the highest value so far is forgotten
    before = most_megabytes()
    with pytest.raises(InputError, match="more than 8 megapixels"):
        read_image(data)
    assert most_megabytes() - before < 20


def most_megabytes():
    """The most that this process has held, in MB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


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
        (png_of_size(4000, 2001), "more than 8 megapixels"),
        (jpeg_of_size(9000, 6000), "may have 50"),
        (encoded(Image.new("L", (4000, 2001)), "GIF"), "more than 8 megapixels"),
        (encoded(Image.new("L", (4000, 2001)), "WEBP", method=0), "more than 8 megapixels"),
        (encoded(Image.new("L", (4000, 2001)), "JPEG", progressive=True), "more than 8 megapixels"),
        (png_of_size(50000, 1), "long and thin"),
        (b"x" * (MAX_FILE_BYTES + 1), "limit is 20 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_and_in_which_words(data, sentence):
    with pytest.raises(InputError, match=sentence):
        read_image(data)


ORIENTED = {  # EXIF 2.3, table 6: where the first row and the first column of the stored picture lie
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_exif_orientation_is_undone_mirrored_ones_too(orientation, kind):
    data, stored = (with_orientation(BLOCKS, number, kind) for number in (orientation, 1))
    np.testing.assert_array_equal(read_image(data), ORIENTED[orientation](read_image(stored)))
    if kind == "JPEG":
        np.testing.assert_array_equal(read_frame(data, max_side=100), read_image(data))


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))), st.sampled_from([*ORIENTED])
)
def test_whatever_way_the_camera_was_held_the_pixels_stand_upright(stored, orientation):
    data = with_orientation(Image.fromarray(stored), orientation, "PNG")
    np.testing.assert_array_equal(read_image(data), ORIENTED[orientation](stored))


@given(arrays.arrays(np.uint8, (6, 8)))
def test_a_grey_picture_of_16_bits_is_the_one_of_8_bits_times_257(grey):
    deep = read_image(encoded(Image.fromarray(grey.astype(np.uint16) * 257)))
    np.testing.assert_array_equal(deep, read_image(encoded(Image.fromarray(grey))))
    np.testing.assert_array_equal(deep[..., 0], grey)


@given(seed=st.integers(0, 2**32 - 1))
def test_colours_of_16_bits_are_cut_to_their_high_bytes(seed):
    deep = np.random.default_rng(seed).integers(0, 65536, (5, WIDTH, 3))
    read = read_image(png(deep.reshape(5, -1).astype(">u2").view(np.uint8), 16, 2))
    np.testing.assert_array_equal(read, deep >> 8)


def test_only_the_very_colour_of_16_bits_is_transparent():
    deep = np.array([[[256, 512, 768]] * WIDTH, [[256, 512, 769]] * WIDTH], ">u2")
    key = chunk(b"tRNS", deep[0, 0].tobytes())
    rgba = read_rgba(png(deep.reshape(2, -1).view(np.uint8), 16, 2, key))
    assert rgba[..., 3].tolist() == [[0] * WIDTH, [255] * WIDTH]


@given(arrays.arrays(np.uint8, (5, 7, 4)), st.sampled_from(["PNG", "WEBP"]))
def test_soft_alpha_arrives_as_it_is(rgba, kind):
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(read_rgba(encoded(Image.fromarray(rgba), kind, **options)), rgba)


def test_the_first_picture_of_an_animation_is_read():
    moving = {name: data for name, data in every_kind().items() if name.startswith("moving")}
    first = {name: tuple(read_image(data)[5, 5].tolist()) for name, data in moving.items()}
    assert first == {
        "moving.gif": (255, 0, 0),
        "moving.webp": (255, 0, 0),
        "moving.png": (255, 0, 0),
        "moving, with a picture beside.png": (0, 0, 255),
    }


def test_beside_the_small_first_frame_of_a_gif_nothing_is_painted():
    rgba = read_rgba(every_kind()["small first frame.gif"])
    assert rgba.shape == (HEIGHT, WIDTH, 4)
    assert (rgba[..., 3] > 0).sum() == 64
    assert tuple(rgba[6, 10]) == (255, 0, 0, 255)


def test_a_profile_that_swaps_red_and_blue_does_so():
    plain, swapped = np.asarray(BLOCKS).astype(int), read_image(every_kind()["profile.png"]).astype(int)
    assert np.abs(swapped - plain[..., ::-1]).mean() < np.abs(swapped - plain).mean() / 2


def test_a_one_pixel_picture_is_a_picture():
    assert read_image(encoded(Image.new("RGB", (1, 1), "white"))).shape == (1, 1, 3)
