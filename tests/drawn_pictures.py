"""Pictures drawn at random from all that files can say, for properties (hypothesis)."""

import struct
import zlib

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from tests.pictures import P3, chunk, encoded, exif, gamma, grey_profile, inks_profile, swapped_profile

PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Adam7: first row and column, and steps down and across (PNG, 8.1)."""
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def profile_chunk(profile):
    """A PNG's iCCP chunk."""
    return chunk(b"iCCP", b"a\0\0" + zlib.compress(profile))


COLORS = {
    "nothing said": b"",
    "linear light": gamma(1),
    "a dark gamma": gamma(0.3),
    "the usual gamma": gamma(0.45455),
    "P3 and a gamma": gamma(0.45455) + chunk(b"cHRM", P3),
    "sRGB over a gamma": chunk(b"sRGB", b"\0") + gamma(1),
    "named P3": chunk(b"cICP", bytes([12, 13, 0, 1])),
    "a profile": profile_chunk(swapped_profile()),
    "a profile of grey": profile_chunk(grey_profile()),
}
HELD = st.builds(
    lambda way, number, kind, count, order: way and exif((0x112, kind, count, number), order=order),
    st.booleans(),
    st.integers(0, 9),
    st.sampled_from([3, 3, 3, 4]),
    st.sampled_from([1, 1, 1, 2]),
    st.sampled_from("<>"),
)
SIZES = st.integers(1, 20)


def packed(samples, depth):
    """Rows of samples (height, width, channels) as bytes, each row behind the byte of its filter: none."""
    rows = samples.reshape(len(samples), -1)
    if depth == 16:
        rows = rows.astype(">u2").view(np.uint8)
    elif depth < 8:
        bits = (rows[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        rows = np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + row.astype(np.uint8).tobytes() for row in rows)


@st.composite
def pngs(draw):
    """Every kind of PNG: types, depths, interlaced, transparent, colours and orientation in many words."""
    kind = draw(st.sampled_from(sorted(CHANNELS)))
    depth = draw(st.sampled_from(DEPTHS[kind]))
    height, width, random = draw(SIZES), draw(SIZES), np.random.default_rng(draw(st.integers(0, 2**32)))
    samples = random.integers(0, 2**depth, (height, width, CHANNELS[kind]))
    extra = COLORS[draw(st.sampled_from(sorted(COLORS)))]
    if kind == 3:
        extra += chunk(b"PLTE", random.integers(0, 256, 3 * 2**depth, np.uint8).tobytes())
    if draw(st.booleans()) and kind in (0, 2, 3):
        soft = random.integers(0, 256, draw(st.integers(1, 2**depth)), np.uint8).tobytes()
        extra += chunk(b"tRNS", soft if kind == 3 else samples[0, 0].astype(">u2").tobytes())
    turn, behind, interlaced = draw(HELD), draw(st.booleans()), draw(st.booleans())
    held = chunk(b"eXIf", turn[6:]) if turn else b""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    parts = [samples[y::down, x::across] for y, x, down, across in PASSES] if interlaced else [samples]
    data = chunk(b"IDAT", zlib.compress(b"".join(packed(part, depth) for part in parts if part.size)))
    before, after = (extra, held) if behind else (extra + held, b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + data + after + chunk(b"IEND", b""), "png"


@st.composite
def photos(draw):
    """A picture of soft shapes, in three colours."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    small = Image.fromarray(random.integers(0, 256, (3, 4, 3), np.uint8))
    return small.resize((draw(SIZES), draw(SIZES)), Image.Resampling.BICUBIC)


@st.composite
def jpegs(draw):
    """JPEG of grey, colours and inks, in one scan or several, colours halved or not, with profiles and orientations."""
    mode = draw(st.sampled_from(["L", "RGB", "RGB", "CMYK"]))
    profile = draw(st.sampled_from([None, swapped_profile(), grey_profile(), inks_profile()]))
    turn = draw(HELD)
    options = {"icc_profile": profile} if profile else {}
    options |= {"exif": turn} if turn else {}
    options |= {"subsampling": draw(st.integers(0, 2)), "progressive": draw(st.booleans())}
    return encoded(draw(photos()).convert(mode), "JPEG", quality=draw(st.integers(50, 98)), **options), "jpeg"


@st.composite
def webps(draw):
    """WebP, lossless or not, with alpha or not, with profiles and orientations."""
    photo, turn = draw(photos()), draw(HELD)
    if draw(st.booleans()):
        photo.putalpha(photo.convert("L"))
    profile = draw(st.sampled_from([None, swapped_profile(), grey_profile()]))
    options = {"icc_profile": profile} if profile else {}
    options |= {"exif": turn} if turn else {}
    return encoded(photo, "WEBP", lossless=draw(st.booleans()), exact=True, quality=90, **options), "webp"


@st.composite
def gifs(draw):
    """GIF of 2 to 256 colours, one of them transparent or none, its rows in order or not."""
    paletted = draw(photos()).quantize(draw(st.integers(2, 256)))
    options = {"transparency": draw(st.integers(0, 3))} if draw(st.booleans()) else {}
    return encoded(paletted, "GIF", interlace=draw(st.integers(0, 1)), **options), "gif"


ANY = st.one_of(pngs(), jpegs(), webps(), gifs())
"""(bytes of a file, its kind)."""
