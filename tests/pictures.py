"""Small pictures of every kind that browsers show, as bytes of files: for tests that compare what is read with them."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

HEIGHT, WIDTH = 24, 32
RANDOM = np.random.default_rng(0)
PHOTO = Image.fromarray(RANDOM.integers(0, 256, (HEIGHT // 2, WIDTH // 2, 3), np.uint8)).resize((WIDTH, HEIGHT), 0)
"""Random colours in blocks of 2 x 2, so that JPEG's halved colours stay what they are."""
XMP_TURN = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def encoded(image, kind="PNG", **options):
    """The bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_orientation(image, orientation, kind):
    """A file whose EXIF says how the camera was held."""
    exif = Image.Exif()
    exif[274] = orientation
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}, "PNG": {}}[kind]
    return encoded(image, kind, exif=exif, **lossless)


def chunk(kind, data):
    """One piece of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, depth, color_type, extra=b""):
    """A PNG of rows of packed samples, for depths and chunks that Pillow does not write."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, len(samples), depth, color_type, 0, 0, 0))
    rows = zlib.compress(b"".join(b"\0" + bytes(row) for row in samples))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def deep(channels):
    """Random 16-bit rows (height, width * channels * 2) of bytes."""
    return RANDOM.integers(0, 65536, (HEIGHT, WIDTH * channels)).astype(">u2").view(np.uint8)


def swapped_profile():
    """An ICC profile in which red and blue are exchanged, so that nobody can overlook it."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def gif_with_a_small_first_frame():
    """Eight red pixels square in the middle of an empty canvas."""
    small = Image.new("P", (8, 8), 1)
    small.putpalette([0, 0, 255, 255, 0, 0])
    data = bytearray(encoded(small, "GIF"))
    data[6:10] = struct.pack("<HH", WIDTH, HEIGHT)
    frame = data.index(b"\x2c", 13 + 3 * 2 ** ((data[10] & 7) + 1))
    data[frame + 1 : frame + 5] = struct.pack("<HH", 10, 6)
    return bytes(data)


def every_kind():
    """Name of a file to its bytes, one for each way in which a picture can be stored."""
    grey, paletted = PHOTO.convert("L"), PHOTO.quantize(16)
    soft = Image.fromarray(np.tile(np.arange(WIDTH, dtype=np.uint8) * 8, (HEIGHT, 1)))
    veiled = PHOTO.copy()
    veiled.putalpha(soft)
    moving = [Image.new("RGB", (WIDTH, HEIGHT), color) for color in ("red", "blue", "lime")]
    rows = np.asarray(PHOTO).reshape(HEIGHT, -1)
    color_16, grey_16 = deep(3), deep(1)
    profile = {"icc_profile": swapped_profile()}
    first = tuple(np.asarray(PHOTO)[0, 0].tolist())
    oriented = {
        f"orientation {number}.{kind.lower()}": with_orientation(PHOTO, number, kind)
        for number in range(1, 9)
        for kind in ("JPEG", "PNG", "WEBP")
    }
    return oriented | {
        "orientation only in XMP.jpeg": encoded(PHOTO, "JPEG", quality=95, xmp=XMP_TURN),
        "orientation only in XMP.webp": encoded(PHOTO, "WEBP", lossless=True, xmp=XMP_TURN),
        "grey.png": encoded(grey),
        "grey.jpeg": encoded(grey, "JPEG", quality=95),
        "black and white.png": encoded(PHOTO.convert("1")),
        "grey of 2 bits.png": png(RANDOM.integers(0, 256, (HEIGHT, WIDTH // 4), np.uint8), 2, 0),
        "grey of 4 bits, one transparent.png": png(
            RANDOM.integers(0, 256, (HEIGHT, WIDTH // 2), np.uint8), 4, 0, chunk(b"tRNS", b"\0\5")
        ),
        "dark grey of 16 bits.png": png(
            np.linspace(0, 20000, HEIGHT * WIDTH).astype(">u2").view(np.uint8).reshape(HEIGHT, -1), 16, 0
        ),
        "grey of 16 bits, one transparent.png": png(grey_16, 16, 0, chunk(b"tRNS", bytes(grey_16[0, :2]))),
        "grey and alpha of 16 bits.png": png(deep(2), 16, 4),
        "colours of 16 bits.png": png(color_16, 16, 2),
        "colours of 16 bits, one transparent.png": png(color_16, 16, 2, chunk(b"tRNS", bytes(color_16[0, :6]))),
        "colours and alpha of 16 bits.png": png(deep(4), 16, 6),
        "grey and alpha.png": encoded(Image.merge("LA", [grey, soft])),
        "colours and alpha.png": encoded(veiled),
        "colours and alpha.webp": encoded(veiled, "WEBP", lossless=True, exact=True),
        "one colour transparent.png": encoded(PHOTO, transparency=first),
        "one grey transparent.png": encoded(grey, transparency=int(np.asarray(grey)[0, 0])),
        "palette.png": encoded(paletted),
        "palette, one transparent.png": encoded(paletted, transparency=3),
        "palette of soft colours.png": encoded(paletted, transparency=bytes(range(0, 256, 16))),
        "palette, one transparent.gif": encoded(paletted, "GIF", transparency=3),
        "small first frame.gif": gif_with_a_small_first_frame(),
        "four inks.jpeg": encoded(PHOTO.convert("CMYK"), "JPEG", quality=95),
        "four inks with a profile.jpeg": encoded(PHOTO.convert("CMYK"), "JPEG", quality=95, **profile),
        "profile.png": encoded(PHOTO, **profile),
        "profile.jpeg": encoded(PHOTO, "JPEG", quality=95, **profile),
        "profile and alpha.png": encoded(veiled, **profile),
        "profile and palette.png": encoded(paletted, **profile),
        "no real profile.png": encoded(PHOTO, icc_profile=b"x" * 200),
        "linear light.png": png(rows, 8, 2, chunk(b"gAMA", struct.pack(">I", 100_000))),
        "gamma of screens.png": png(rows, 8, 2, chunk(b"gAMA", struct.pack(">I", 45_455))),
        "gamma overruled.png": png(rows, 8, 2, chunk(b"gAMA", struct.pack(">I", 100_000)) + chunk(b"sRGB", b"\0")),
        **{
            f"moving.{kind.lower()}": encoded(
                moving[0], kind, save_all=True, append_images=moving[1:], duration=60_000, **options
            )
            for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}))
        },
        "moving, with a picture beside.png": encoded(
            moving[0], save_all=True, append_images=moving[1:], duration=60_000, default_image=True
        ),
    }
