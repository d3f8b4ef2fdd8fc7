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

from models import images
from models.errors import InputError
from models.images import MAX_FILE_BYTES, formats_in_words, over_background, read_frame, read_image, read_rgba
from tests.pictures import (
    HEIGHT,
    LIKE_IT,
    NAMED,
    WIDTH,
    chunk,
    encoded,
    every_kind,
    png,
    swapped_profile,
    tiff,
    with_orientation,
)
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


def runs():
    """A BMP of 2 x 2 pixels, stored as two runs."""
    plain = bytearray(encoded(Image.new("P", (2, 2)), "BMP"))
    plain[30:34] = struct.pack("<I", 1)
    return bytes(plain[: struct.unpack_from("<I", plain, 10)[0]]) + b"\2\0\0\0\2\0\0\1"


SMALL = np.arange(100, dtype=np.uint8).reshape(10, 10, 1)
RUNS = runs()
ABOVE = encoded(Image.new("L", (6000, 6000)), "AVIF", speed=10)
PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
AVIF = encoded(BLOCKS, "AVIF", **LIKE_IT)
ROUNDING = 3
"""Of 255: what an AVIF that differs by rounding only may differ."""


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
@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "an AVIF that lies"])
def test_a_picture_that_is_refused_for_its_size_costs_no_memory(kind):
    """The limit is judged by the file's head: 36 megapixels, 108 MB if they were decoded."""
    options = {"WEBP": {"method": 0, "lossless": True}, "TIFF": {"compression": "tiff_lzw"}}.get(kind, {})
    image = Image.new("1" if kind == "BMP" else "RGB", (6000, 6000))
    data = ABOVE if "AVIF" in kind else encoded(image, kind, **options)
    if kind == "an AVIF that lies":
        data = data.replace((6000).to_bytes(4, "big") * 2, (60).to_bytes(4, "big") * 2)
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
        (encoded(PHOTO, "PPM"), "not a picture"),
        (encoded(PHOTO, "TIFF", compression="zstd"), "packed in a way that is not read"),
        (encoded(Image.new("F", (4, 4)), "TIFF"), "no colours of a screen"),
        (encoded(Image.new("I", (4, 4)), "TIFF"), "no colours of a screen"),
        (tiff(SMALL, 1, fields=((322, 3, 1, 20_000), (323, 3, 1, 20_000))), "more than 8 megapixels"),
        (tiff(SMALL, 1, fields=((700, 1, 150, 8), (701, 1, 150, 8))), "damaged"),
        (tiff(SMALL, 1, fields=((34665, 4, 1, 8), (700, 1, 150, 8))), "damaged"),
        (b"II+\0\x08\0\0\0" + bytes(60), "not a picture"),
        (RUNS, "packed in runs"),
        (ABOVE, "more than 8 megapixels"),
        (encoded(PHOTO, "AVIF", save_all=True, append_images=[PHOTO]), "An AVIF that moves"),
        (AVIF.replace(NAMED, bytes([0, 9, 0, 16])), "high dynamic range"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not a picture"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "not a picture"),
        (png_of_size(20000, 20000), "megapixels"),
        (png_of_size(13300, 13300), "megapixels"),
        (png_of_size(4000, 2001), "more than 8 megapixels"),
        (jpeg_of_size(9000, 6000), "may have 50"),
        (encoded(Image.new("L", (4000, 2001)), "GIF"), "more than 8 megapixels"),
        (encoded(Image.new("L", (4000, 2001)), "WEBP", method=0), "more than 8 megapixels"),
        (encoded(Image.new("1", (4000, 2001)), "BMP"), "more than 8 megapixels"),
        (encoded(Image.new("1", (4000, 2001)), "TIFF", compression="group4"), "more than 8 megapixels"),
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


# Kinds that not every browser shows


def test_what_is_read_is_said_in_one_place():
    assert formats_in_words().startswith("PNG, JPEG, WebP, GIF, AVIF, BMP")
    document = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text(encoding="utf-8")
    assert "PNG, JPEG, WebP, GIF, AVIF, BMP, TIFF and HEIC" in document
    with pytest.raises(InputError, match=formats_in_words()):
        read_image(b"no picture")


@pytest.mark.parametrize("packed", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_a_tiff_arrives_exactly(mode, packed):
    image = PHOTO.convert(mode)
    np.testing.assert_array_equal(
        read_rgba(encoded(image, "TIFF", compression=packed)), np.asarray(image.convert("RGBA"))
    )


@pytest.mark.parametrize(
    ("photometric", "channels", "order"), [(1, 1, "<"), (1, 1, ">"), (0, 1, "<"), (2, 3, "<"), (2, 3, ">"), (5, 4, "<")]
)
def test_a_tiff_of_16_bits_is_cut_to_its_high_bytes(photometric, channels, order):
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, channels), dtype=np.uint16)
    high = (deep >> 8).astype(np.uint8)
    shown = read_image(tiff(deep, photometric, order=order))
    if photometric == 5:
        np.testing.assert_array_equal(shown, np.asarray(Image.fromarray(high, "CMYK").convert("RGB")))
    else:
        np.testing.assert_array_equal(shown, np.broadcast_to(255 - high if photometric == 0 else high, (5, 7, 3)))


def test_of_several_pages_the_first_is_read():
    pages = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert read_image(data).reshape(-1, 3).tolist() == [[255, 0, 0]] * 400


@pytest.mark.parametrize("packed", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("orientation", ORIENTED)
def test_a_tiff_and_an_avif_stand_upright(orientation, packed):
    data = encoded(BLOCKS, "TIFF", compression=packed, tiffinfo={274: orientation})
    np.testing.assert_array_equal(read_image(data), ORIENTED[orientation](np.asarray(BLOCKS)))
    turned = read_image(with_orientation(BLOCKS, orientation, "AVIF")).astype(int)
    assert np.abs(turned - ORIENTED[orientation](read_image(AVIF).astype(int))).max() <= ROUNDING


@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
def test_profiles_are_followed_in_other_kinds_too(kind):
    options = LIKE_IT if kind == "AVIF" else {}
    shown = read_image(encoded(BLOCKS, kind, icc_profile=swapped_profile(), **options)).astype(int)
    expected = read_image(encoded(BLOCKS, "PNG", icc_profile=swapped_profile()))
    assert np.abs(shown - expected).max() <= (ROUNDING + 2 if kind == "AVIF" else 0)
    veiled = BLOCKS.copy()
    veiled.putalpha(100)
    rgba = read_rgba(encoded(veiled, kind, icc_profile=swapped_profile(), **options))
    assert np.abs(rgba[..., :3] - expected.astype(int)).max() <= (ROUNDING + 2 if kind == "AVIF" else 0)
    assert (rgba[..., 3] == 100).all()


def damaged():
    """Name to bytes of the kinds that are read by younger code."""
    veiled = PHOTO.copy()
    veiled.putalpha(100)
    kinds = {
        "TIFF": encoded(PHOTO, "TIFF"),
        "packed TIFF": encoded(PHOTO, "TIFF", compression="tiff_adobe_deflate"),
        "AVIF": encoded(veiled, "AVIF", speed=10),
        "BMP": encoded(PHOTO, "BMP"),
    }
    return kinds | ({"HEIC": heic(PHOTO)} if "HEIF" in images.FORMATS else {})


def heic(image, **options):
    """The bytes of a HEIC, for which `pillow-heif` must be installed."""
    pytest.importorskip("pillow_heif").register_heif_opener(thumbnails=False)
    return encoded(image, "HEIF", quality=-1, chroma=444, **options)


@pytest.mark.parametrize("kind", ["TIFF", "packed TIFF", "AVIF", "BMP", "HEIC"])
def test_a_damaged_file_is_a_picture_or_one_sentence(kind, capfd):
    data = damaged().get(kind) or pytest.skip("pillow-heif is not installed")
    random = np.random.default_rng(0)
    for _ in range(120):
        hurt = bytearray(data[: random.integers(1, len(data) + 1)])
        for place in random.integers(0, min(len(hurt), 600), random.integers(0, 4)):
            hurt[place] = random.integers(0, 256)
        try:
            assert read_image(bytes(hurt)).dtype == np.uint8
        except InputError as problem:
            assert len(str(problem)) < 200
    capfd.readouterr()


def test_a_heic_is_read_with_all_a_phone_writes():
    shown = read_image(heic(BLOCKS)).astype(int)
    assert np.abs(shown - np.asarray(BLOCKS)).max() <= ROUNDING
    exif = Image.Exif()
    exif[274] = 6
    assert np.abs(read_image(heic(BLOCKS, exif=exif.tobytes())) - ORIENTED[6](shown)).max() <= ROUNDING
    profiled = read_image(heic(BLOCKS, icc_profile=swapped_profile())).astype(int)
    assert np.abs(profiled - read_image(encoded(BLOCKS, icc_profile=swapped_profile()))).max() <= ROUNDING + 2


@pytest.mark.slow
def test_a_phones_heic_is_shrunk_and_a_larger_one_refused():
    assert read_image(heic(Image.new("RGB", (4032, 3024), "red"))).shape == (1512, 2016, 3)
    with pytest.raises(InputError, match="HEIC 16"):
        read_image(heic(Image.new("RGB", (4800, 3600))))


def test_without_its_reader_a_heic_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setattr(images, "FORMATS", images.FORMATS[:7])
    with pytest.raises(InputError, match=r"not a picture that can be opened: use PNG, .*, BMP or TIFF\.$"):
        read_image(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
