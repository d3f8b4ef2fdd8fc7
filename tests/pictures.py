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


LIKE_IT = {"quality": 100, "subsampling": "4:4:4", "speed": 10}
"""An AVIF that differs from its picture by rounding only."""
NAMED = (1).to_bytes(2, "big") + (13).to_bytes(2, "big")
"""Primaries and curve that Pillow writes into an AVIF."""


def encoded(image, kind="PNG", **options):
    """The bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_orientation(image, orientation, kind):
    """A file whose EXIF says how the camera was held."""
    exif = Image.Exif()
    exif[274] = orientation
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}, "AVIF": LIKE_IT}.get(kind, {})
    return encoded(image, kind, exif=exif, **lossless)


def chunk(kind, data):
    """One piece of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, depth, color_type, extra=b""):
    """A PNG of rows of packed samples, for depths and chunks that Pillow does not write."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, len(samples), depth, color_type, 0, 0, 0))
    rows = zlib.compress(b"".join(b"\0" + bytes(row) for row in samples))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def tiff(samples, photometric, *, order="<", fields=()):
    """A TIFF of samples (height, width, channels) in one strip, for depths that Pillow does not write.

    fields: more of (tag, type, count, value or its place), or others in place of the usual ones.
    """
    height, width, channels = samples.shape
    bits = samples.dtype.itemsize * 8
    own = ((256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, bits), (259, 3, 1, 1), (262, 3, 1, photometric))
    own += ((273, 4, 1, 0), (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, samples.nbytes))
    rows = {row[0]: row for row in (*own, *fields)}
    behind = 8 + 2 + 12 * len(rows) + 4
    rows[273] = (273, 4, 1, behind + 2 * channels)
    if channels > 2:
        rows[258] = (258, 3, channels, behind)
    table = b""
    for tag, kind, count, value in sorted(rows.values()):
        stored = struct.pack(order + ("H" if kind == 3 and count == 1 else "I"), value)
        table += struct.pack(order + "HHI", tag, kind, count) + stored.ljust(4, b"\0")
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, len(rows))
    depths = struct.pack(f"{order}{channels}H", *[bits] * channels)
    return head + table + b"\0" * 4 + depths + samples.astype(samples.dtype.newbyteorder(order)).tobytes()


def deep(channels):
    """Random 16-bit rows (height, width * channels * 2) of bytes."""
    return RANDOM.integers(0, 65536, (HEIGHT, WIDTH * channels)).astype(">u2").view(np.uint8)


def swapped_profile():
    """An ICC profile in which red and blue are exchanged, so that nobody can overlook it."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def icc(space, tags, points=b"XYZ "):
    """An ICC profile for colours of `space` (4 bytes), of tags by their names."""
    place, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", place + len(body), len(content))
        body += content
    head = struct.pack(">I4sI4s4s4s", place + len(body), b"", 0x02400000, b"prtr", space, points).ljust(36, b"\0")
    return (head + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0") + table + body


def grey_profile(gamma=1.0):
    """Grey by a power: 1 is linear light."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    return icc(b"GRAY", {b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061), b"kTRC": curve})


def inks_profile(steps=9):
    """Four inks as they would be printed with green for magenta, so that nobody can overlook it (ICC.1, lut8Type)."""
    ink = np.stack(np.meshgrid(*[np.linspace(0, 1, steps)] * 4, indexing="ij"), -1).reshape(-1, 4)
    light = (1 - ink[:, :3]) * (1 - ink[:, 3:])
    lab = np.stack([100 * light.mean(1), 80 * (light[:, 1] - light[:, 0]), 80 * (light[:, 2] - light[:, 0])], -1)
    stored = np.rint(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], -1)).clip(0, 255).astype(np.uint8)
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, steps, 0]) + struct.pack(">9i", *np.eye(3, dtype=int).ravel() * 65536)
    return icc(b"CMYK", {b"A2B0": table + straight * 4 + stored.tobytes() + straight * 3}, b"Lab ")


def exif(*entries, order="<"):
    """An Exif block of (tag, type, count, value); SHORT 3, LONG 4, RATIONAL 5 (numerator, denominator)."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8)
    place, rows, behind = 8 + 2 + 12 * len(entries) + 4, b"", b""
    for tag, kind, count, value in sorted(entries):
        if kind == 5:
            rows += struct.pack(f"{order}HHII", tag, kind, count, place + len(behind))
            behind += struct.pack(f"{order}II", *value)
        else:
            stored = struct.pack(order + {3: "H", 4: "I"}[kind], value).ljust(4, b"\0")
            rows += struct.pack(f"{order}HHI", tag, kind, count) + stored
    count = struct.pack(f"{order}H", len(entries))
    return b"Exif\0\0" + head + count + rows + b"\0" * 4 + behind + b"\0" * 16


def density(across, down, width, height):
    """Exif of dots an inch, and of the size at 72 of them."""
    numbers = ((0xA002, 4, 1, width), (0xA003, 4, 1, height))
    return exif((0x11A, 5, 1, (across, 1)), (0x11B, 5, 1, (down, 1)), (0x128, 3, 1, 2), *numbers)


def gif_with_a_small_first_frame():
    """Eight red pixels square in the middle of an empty canvas."""
    small = Image.new("P", (8, 8), 1)
    small.putpalette([0, 0, 255, 255, 0, 0])
    data = bytearray(encoded(small, "GIF"))
    data[6:10] = struct.pack("<HH", WIDTH, HEIGHT)
    frame = data.index(b"\x2c", 13 + 3 * 2 ** ((data[10] & 7) + 1))
    data[frame + 1 : frame + 5] = struct.pack("<HH", 10, 6)
    return bytes(data)


P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
"""A PNG's cHRM: the primaries of wide screens."""


def gamma(value):
    """A PNG's gAMA chunk."""
    return chunk(b"gAMA", struct.pack(">I", round(100_000 * value)))


def meant():
    """Name to bytes: one PNG, the colours of which are meant in many ways."""
    rows = np.asarray(PHOTO).reshape(HEIGHT, -1)
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(swapped_profile()))
    ways = {
        "linear light": gamma(1),
        "gamma of screens": gamma(1 / 2.2),
        "gamma overruled": gamma(1) + chunk(b"sRGB", b"\0"),
        "gamma of nothing": gamma(0),
        "primaries and gamma": gamma(1 / 2.2) + chunk(b"cHRM", P3),
        "primaries and linear light": gamma(1) + chunk(b"cHRM", P3),
        "primaries alone": chunk(b"cHRM", P3),
        "primaries that are none": gamma(1 / 2.2) + chunk(b"cHRM", bytes(32)),
        "named P3": chunk(b"cICP", bytes([12, 13, 0, 1])),
        "named wide video": chunk(b"cICP", bytes([9, 14, 0, 1])),
        "named film": chunk(b"cICP", bytes([11, 5, 0, 1])),
        "named in a narrow range": chunk(b"cICP", bytes([12, 13, 0, 0])),
        "named by a number that is none": chunk(b"cICP", bytes([12, 99, 0, 1])),
        "named, over a profile": chunk(b"cICP", bytes([12, 8, 0, 1])) + profile,
        "named, over a gamma": chunk(b"cICP", bytes([1, 13, 0, 1])) + gamma(1),
        "a profile over a gamma": profile + gamma(1),
        "a profile that is none, and a gamma": chunk(b"iCCP", b"a\0\0" + zlib.compress(b"x" * 200)) + gamma(1),
        "a grey profile for colours": chunk(b"iCCP", b"a\0\0" + zlib.compress(grey_profile())),
    }
    return {f"{name}.png": png(rows, 8, 2, extra) for name, extra in ways.items()}


def held():
    """Name to bytes: what a camera says of how it was held, and of its pixels."""

    def photo(data):
        return encoded(PHOTO, "JPEG", quality=95, exif=data)

    behind = chunk(b"eXIf", exif((0x112, 3, 1, 6))[6:])
    plain = encoded(PHOTO)
    return {
        "held, in the other byte order.jpeg": photo(exif((0x112, 3, 1, 6), order=">")),
        "held, as a long number.jpeg": photo(exif((0x112, 4, 1, 6))),
        "held, as two numbers.jpeg": photo(exif((0x112, 3, 2, 6))),
        "held in no known way.jpeg": photo(exif((0x112, 3, 1, 9))),
        "held, as a long number.png": encoded(PHOTO, exif=exif((0x112, 4, 1, 6))),
        "held, told behind the pixels.png": plain[:-12] + behind + plain[-12:],
        "pixels twice as high.jpeg": photo(density(144, 72, WIDTH // 2, HEIGHT)),
        "pixels twice as wide.jpeg": photo(density(72, 144, WIDTH, HEIGHT // 2)),
        "pixels of a size that is not explained.jpeg": photo(density(144, 72, WIDTH, HEIGHT)),
        "pixels without a size.jpeg": photo(exif((0x11A, 5, 1, (144, 1)), (0x11B, 5, 1, (72, 1)), (0x128, 3, 1, 2))),
    }


def every_kind():
    """Name of a file to its bytes, one for each way in which a picture can be stored."""
    grey, paletted = PHOTO.convert("L"), PHOTO.quantize(16)
    soft = Image.fromarray(np.tile(np.arange(WIDTH, dtype=np.uint8) * 8, (HEIGHT, 1)))
    veiled = PHOTO.copy()
    veiled.putalpha(soft)
    moving = [Image.new("RGB", (WIDTH, HEIGHT), color) for color in ("red", "blue", "lime")]
    color_16, grey_16 = deep(3), deep(1)
    profile = {"icc_profile": swapped_profile()}
    first = tuple(np.asarray(PHOTO)[0, 0].tolist())
    oriented = {
        f"orientation {number}.{kind.lower()}": with_orientation(PHOTO, number, kind)
        for number in range(1, 9)
        for kind in ("JPEG", "PNG", "WEBP", "AVIF")
    }
    return (
        oriented
        | meant()
        | held()
        | {
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
            "colours.avif": encoded(PHOTO, "AVIF", **LIKE_IT),
            "profile.avif": encoded(PHOTO, "AVIF", **LIKE_IT, **profile),
            **{
                f"named {name}.avif": encoded(PHOTO, "AVIF", **LIKE_IT).replace(NAMED, bytes([0, primaries, 0, curve]))
                for name, primaries, curve in (
                    ("P3", 12, 13),
                    ("nothing", 2, 2),
                    ("unknown", 99, 99),
                    ("wide video", 9, 14),
                    ("linear light", 1, 8),
                    ("film", 1, 5),
                )
            },
            "colours.bmp": encoded(PHOTO, "BMP"),
            "grey.bmp": encoded(grey, "BMP"),
            "palette.bmp": encoded(paletted, "BMP"),
            "black and white.bmp": encoded(PHOTO.convert("1"), "BMP"),
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
            "profile.webp": encoded(PHOTO, "WEBP", lossless=True, **profile),
            "profile, moving.webp": encoded(
                moving[0], "WEBP", save_all=True, append_images=moving[1:], duration=60_000, lossless=True, **profile
            ),
            "profile, moving.png": encoded(
                moving[0], save_all=True, append_images=moving[1:], duration=60_000, **profile
            ),
            "profile of inks.jpeg": encoded(PHOTO.convert("CMYK"), "JPEG", quality=95, icc_profile=inks_profile()),
            "profile of inks for colours.jpeg": encoded(PHOTO, "JPEG", quality=95, icc_profile=inks_profile()),
            **{
                f"grey with a profile of {of}.{kind.lower()}": encoded(grey, kind, icc_profile=used, **options)
                for of, used in (("colours", swapped_profile()), ("grey", grey_profile()))
                for kind, options in (("PNG", {}), ("JPEG", {"quality": 95}))
            },
            "colours with a profile of grey.jpeg": encoded(PHOTO, "JPEG", quality=95, icc_profile=grey_profile()),
            "palette with a profile of grey.png": encoded(paletted, icc_profile=grey_profile()),
            "halved colours.jpeg": encoded(PHOTO, "JPEG", quality=95, subsampling=2),
            "in several scans.jpeg": encoded(PHOTO, "JPEG", quality=95, progressive=True),
            "two pictures in one.jpeg": encoded(PHOTO, "MPO", save_all=True, append_images=moving[:1], quality=95),
            "lossy.webp": encoded(PHOTO, "WEBP", quality=90),
            "lossy with alpha.webp": encoded(veiled, "WEBP", quality=90),
            "every other row.gif": encoded(paletted, "GIF", interlace=1),
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
    )
