"""The colours of a picture on a screen (sRGB), whatever its file says of them.

What counts of a PNG's own words is decided as by PNG, third edition, section 12.1: cICP before an ICC profile, that
before sRGB, that before gAMA with or without cHRM. What does not fit the picture is ignored; the rest become profiles.
"""

import io
import struct

import numpy as np
from PIL import Image, ImageCms

from models import avif
from models.errors import InputError

SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
"""Primaries and white, x and y of red, green, blue and white (CIE 1931)."""
P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
PRIMARIES = {
    1: SRGB,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    11: (*P3, 0.314, 0.351),
    12: (*P3, 0.3127, 0.3290),
}
"""ITU-T H.273, table 2."""
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""Light of a value v: (a v + b) to the power g from d on, below it c v; as (g, a, b, c, d)."""
VIDEO_CURVE = (2.4, 1, 0, 0, 0)
CURVES = {
    **dict.fromkeys((1, 6, 11, 14, 15), VIDEO_CURVE),
    4: (2.2, 1, 0, 0, 0),
    5: (2.8, 1, 0, 0, 0),
    8: (1, 1, 0, 0, 0),
    13: SRGB_CURVE,
}
"""ITU-T H.273, table 3, as screens show them (video: BT.1886); not the ones of high dynamic range."""
HIGH_RANGE = {16: "PQ", 18: "HLG"}
"""Of the same table: light beyond that of ordinary screens, which every browser dims in its own way."""
TOO_BRIGHT = (
    "This picture has a high dynamic range (HDR, {curve}), which every screen shows in its own way: "
    "save it for ordinary screens (sRGB) and take that."
)
UNSAID = 2
"""A number of the same tables that says nothing."""
USUAL_GAMMA = 1 / 2.2
GREY_TYPES = (0, 4)
"""Of PNG: grey, and grey with alpha."""
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D50 = np.array([0.9642, 1.0, 0.8249])
FITTING = {
    **dict.fromkeys(("1", "L", "LA", "I;16", "I;16B"), ("RGB ", "GRAY")),
    **dict.fromkeys(("RGB", "RGBA", "RGBX"), ("RGB ",)),
    "CMYK": ("CMYK",),
}
"""Colour spaces of profiles that a JPEG, TIFF, AVIF or HEIC of that mode may have."""


def profile_of(image: Image.Image, data: bytes) -> bytes | None:
    """The ICC profile by which the colours of the file `data` are meant; None: they are those of screens.

    `image` is the file as it was opened, before its pixels were loaded. Raises `InputError` for high dynamic range.
    """
    profile = image.info.get("icc_profile")
    if image.format == "PNG":
        used = _of_png(image, data, profile)
    elif image.format == "WEBP":
        still = not getattr(image, "is_animated", False)
        used = profile if profile and _space(profile) == "RGB " and still else None
    elif image.format in ("AVIF", "HEIF") and not profile:
        used = _of_numbers(*_numbers_of(image, data))
    else:
        used = profile if profile and _space(profile) in FITTING.get(image.mode, ()) else None
    _check_range(_tag(used or b"", b"cicp")[9:10])
    return used


def in_srgb(plain: Image.Image, profile: bytes | None) -> Image.Image:
    """L, RGB, RGBA or CMYK as RGB or RGBA in the colours of a screen; a profile that cannot be used is ignored."""
    shown = plain if plain.mode in ("RGB", "RGBA") else plain.convert("RGB")
    if profile is None:
        return shown
    mode = {"GRAY": "L", "CMYK": "CMYK"}.get(_space(profile), "RGB")
    colors = plain if plain.mode == mode else shown.convert(mode)
    try:
        converted = _greys(colors, profile) if mode == "L" else _converted(colors, profile)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return shown
    if shown.mode == "RGBA":
        converted.putalpha(shown.getchannel("A"))
    return converted


def _converted(colors: Image.Image, profile: bytes, *, exact: bool = False) -> Image.Image:
    """RGB in the colours of a screen. exact: every pixel by the profile itself, which takes ten times as long."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.ImageCmsProfile(io.BytesIO(written_profile(SRGB, SRGB_CURVE) or b""))
    flags = ImageCms.Flags.NOOPTIMIZE if exact else ImageCms.Flags.HIGHRESPRECALC
    converted = ImageCms.profileToProfile(colors, source, target, ImageCms.Intent.PERCEPTUAL, "RGB", flags=flags)
    assert converted is not None
    return converted


def _greys(grey: Image.Image, profile: bytes) -> Image.Image:
    """RGB of L: there are 256 greys only."""
    every = np.asarray(_converted(Image.fromarray(np.arange(256, dtype=np.uint8)[None]), profile, exact=True))[0]
    return Image.merge("RGB", [grey.point(channel.tolist()) for channel in every.T])


def written_profile(primaries: tuple[float, ...], curve: tuple[float, ...]) -> bytes | None:
    """An ICC profile of the second version with these primaries and this curve; None where they are no colours.

    The second version: between profiles of the fourth one, black would be moved, which browsers do not do.
    """
    columns = _to_d50(primaries)
    if columns is None:
        return None
    points = [b"XYZ \0\0\0\0" + b"".join(map(_fixed, column)) for column in (*columns.T, D50)]
    curve_tag = b"para\0\0\0\0\0\3\0\0" + b"".join(map(_fixed, curve))
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"), points, strict=True))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve_tag)
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", place + len(body), len(content))
        body += content
    head = struct.pack(">I4sI4s4s4s", place + len(body), b"\0" * 4, 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head = head.ljust(36, b"\0") + b"acsp" + b"\0" * 28 + b"".join(map(_fixed, D50))
    return head.ljust(128, b"\0") + table + body


def _of_png(image: Image.Image, data: bytes, profile: bytes | None) -> bytes | None:
    named = _cicp(data)
    if named is not None:
        return named
    info = image.info
    if profile and _readable(profile):
        grey = data[25] in GREY_TYPES
        return profile if _space(profile) in (("RGB ", "GRAY") if grey else ("RGB ",)) else None
    gamma, primaries = info.get("gamma", 0), info.get("chromaticity")
    if "srgb" in info or gamma <= 0:
        return None
    if primaries is None and abs(gamma / USUAL_GAMMA - 1) < 0.05:
        return None
    primaries = (*primaries[2:], *primaries[:2]) if primaries else SRGB  # a file begins with the white
    return written_profile(primaries, (1 / gamma, 1, 0, 0, 0))


def _cicp(data: bytes) -> bytes | None:
    """The profile that a PNG's cICP chunk names; None where it has none, or one that is not known."""
    place = 8
    while place + 16 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IDAT":
            break
        if kind == b"cICP" and length == 4:
            primaries, curve, matrix, full_range = data[place + 8 : place + 12]
            if matrix == 0 and full_range == 1 and primaries in PRIMARIES:
                _check_range(bytes([curve]))
            if matrix == 0 and full_range == 1 and primaries in PRIMARIES and curve in CURVES:
                return written_profile(PRIMARIES[primaries], CURVES[curve])
            break
        place += 12 + length
    return None


def _numbers_of(image: Image.Image, data: bytes) -> tuple[int, int]:
    """Primaries and curve of an AVIF or HEIC by their numbers (ITU-T H.273)."""
    if image.format == "AVIF":
        head = avif.head_of(data)
        return head.primaries, head.curve
    named = image.info.get("nclx_profile") or {}
    return named.get("color_primaries", UNSAID), named.get("transfer_characteristics", UNSAID)


def _of_numbers(primaries: int, curve: int) -> bytes | None:
    """The profile of such colours; None where they are those of screens, or not said.

    The curves of video are read as that of screens: so does Chromium here, though not for PNG.
    """
    _check_range(bytes([curve % 256]))
    if primaries not in PRIMARIES or curve not in CURVES:
        return None
    shown = SRGB_CURVE if CURVES[curve] is VIDEO_CURVE else CURVES[curve]
    return None if (PRIMARIES[primaries], shown) == (SRGB, SRGB_CURVE) else written_profile(PRIMARIES[primaries], shown)


def _check_range(curve: bytes) -> None:
    """Refuse a curve (one byte, or none) of high dynamic range."""
    if curve and curve[0] in HIGH_RANGE:
        raise InputError(TOO_BRIGHT.format(curve=HIGH_RANGE[curve[0]]))


def _tag(profile: bytes, name: bytes) -> bytes:
    """What an ICC profile says under a name (ICC.1, 7.3); nothing where it does not."""
    (count,) = struct.unpack(">I", profile[128:132].rjust(4, b"\0"))
    for place in range(132, min(132 + 12 * count, len(profile) - 11), 12):
        found, start, length = struct.unpack_from(">4sII", profile, place)
        if found == name:
            return profile[start : start + length]
    return b""


def _readable(profile: bytes) -> bool:
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (ImageCms.PyCMSError, OSError):
        return False
    return True


def _space(profile: bytes) -> str:
    """Of which colours a profile tells: "RGB ", "GRAY", "CMYK" (ICC.1, 7.2.6)."""
    return profile[16:20].decode("latin-1")


def _to_d50(primaries: tuple[float, ...]) -> np.ndarray | None:
    """`(3, 3)`: columns XYZ of red, green and blue under D50 (Bradford), or None where they span no colours."""
    x, y = np.array(primaries[::2]), np.array(primaries[1::2])
    if min(primaries) < 0 or max(primaries) > 1 or not y[3]:
        return None
    points = np.stack([x, y, 1 - x - y])
    white = points[:, 3] / y[3]
    try:
        columns = points[:, :3] * np.linalg.solve(points[:, :3], white)
    except np.linalg.LinAlgError:
        return None
    adapted = np.linalg.solve(BRADFORD, (BRADFORD @ D50 / (BRADFORD @ white))[:, None] * (BRADFORD @ columns))
    return adapted if np.isfinite(adapted).all() else None


def _fixed(value: float) -> bytes:
    """ICC's s15Fixed16Number; what is too large becomes the largest."""
    return struct.pack(">i", round(min(max(float(value), -32768), 32767) * 65536))
