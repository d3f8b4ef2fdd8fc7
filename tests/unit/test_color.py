"""Colours by profiles, primaries and curves, against their definitions in double precision."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from models.color import CURVES, HIGH_RANGE, PRIMARIES, SRGB, SRGB_CURVE, in_srgb, written_profile
from models.errors import InputError
from models.images import read_frame, read_image
from tests.pictures import HEIGHT, PHOTO, chunk, encoded, every_kind, gamma, icc, inks_profile, png

COLORS = arrays.arrays(np.uint8, (4, 5, 3))
TO_LMS = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def light(values, curve):
    """Of values 0..1."""
    power, a, b, c, d = curve
    return np.where(values >= d, np.maximum(a * values + b, 0) ** power, c * values)


def xyz_of(primaries):
    """Columns red, green, blue, and the white, of CIE 1931 coordinates."""
    points = np.array(primaries).reshape(4, 2)
    xyz = np.stack([points[:, 0] / points[:, 1], np.ones(4), (1 - points.sum(1)) / points[:, 1]])
    return xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3]), xyz[:, 3]


def by_definition(rgb, primaries, curve):
    """uint8 in sRGB of uint8 in other colours: through XYZ, its white adapted by Bradford's cones."""
    (source, white), (target, wanted) = xyz_of(primaries), xyz_of(SRGB)
    adapt = np.linalg.inv(TO_LMS) @ np.diag(TO_LMS @ wanted / (TO_LMS @ white)) @ TO_LMS
    linear = light(rgb / 255, curve) @ (np.linalg.inv(target) @ adapt @ source).T
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("primaries", PRIMARIES.values(), ids=PRIMARIES)
@given(rgb=COLORS, curve=st.sampled_from(sorted({*CURVES.values()})))
def test_named_colours_are_those_of_their_definition(primaries, rgb, curve):
    shown = np.asarray(in_srgb(Image.fromarray(rgb), written_profile(primaries, curve)))
    assert np.abs(shown - by_definition(rgb, primaries, curve)).max() <= 1.6


@given(COLORS)
def test_the_colours_of_screens_stay_what_they_are(rgb):
    np.testing.assert_array_equal(in_srgb(Image.fromarray(rgb), written_profile(SRGB, SRGB_CURVE)), rgb)


@pytest.mark.parametrize("primaries", PRIMARIES.values(), ids=PRIMARIES)
def test_white_stays_white_and_black_black(primaries):
    ends = np.array([[[255] * 3, [0] * 3]], np.uint8)
    np.testing.assert_allclose(in_srgb(Image.fromarray(ends), written_profile(primaries, SRGB_CURVE)), ends, atol=1)


@pytest.mark.parametrize("primaries", [(0,) * 8, (0.3,) * 8, (2, 0.3, 0.3, 0.6, 0.1, 0.1, 0.3, 0.3), (*SRGB[:7], 0)])
def test_primaries_that_span_no_colours_make_no_profile(primaries):
    assert written_profile(primaries, SRGB_CURVE) is None


@given(arrays.arrays(np.uint8, (4, 5)))
def test_opacity_is_no_colour(alpha):
    picture = Image.new("RGB", (5, 4), (200, 100, 50))
    picture.putalpha(Image.fromarray(alpha))
    shown = in_srgb(picture, written_profile(PRIMARIES[12], SRGB_CURVE))
    np.testing.assert_array_equal(shown.getchannel("A"), alpha)
    assert len({*shown.convert("RGB").getdata()}) == 1


def test_four_inks_are_what_their_profile_says():
    inks = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0], [0, 255, 0, 0]]], np.uint8)
    paper, black, first, second = np.asarray(in_srgb(Image.fromarray(inks, "CMYK"), inks_profile()))[0].astype(int)
    assert paper.min() > 250
    assert black.max() < 5
    assert first[0] > 250 and first[2] < 5, "L 67, a and b 80: orange where cyan would be"
    assert second.argmax() == 1, "L 67, a -80: green where magenta would be"


SAME = ["primaries alone", "gamma of nothing", "primaries that are none", "gamma of screens"]
SAME += [
    "named in a narrow range",
    "named by a number that is none",
    "a grey profile for colours",
    "named, over a gamma",
]


@pytest.mark.parametrize("name", SAME)
def test_words_that_do_not_fit_change_nothing(name):
    np.testing.assert_array_equal(read_image(every_kind()[f"{name}.png"]), np.asarray(PHOTO))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("named, over a profile", "named P3"),
        ("a profile over a gamma", "linear light"),
        ("a profile that is none, and a gamma", "gamma overruled"),
        ("primaries and gamma", "primaries alone"),
    ],
)
def test_the_first_word_that_counts_is_the_one(one, other):
    kinds = every_kind()
    assert np.abs(read_image(kinds[f"{one}.png"]).astype(int) - read_image(kinds[f"{other}.png"])).mean() > 3


def test_a_profile_that_is_none_leaves_the_gamma():
    kinds = every_kind()
    one, other = (read_image(kinds[f"{name}.png"]) for name in ("a profile that is none, and a gamma", "linear light"))
    np.testing.assert_array_equal(one, other)


# High dynamic range


def named(*numbers):
    """The photo, its colours named by a cICP chunk."""
    return png(np.asarray(PHOTO).reshape(HEIGHT, -1), 8, 2, chunk(b"cICP", bytes(numbers)))


def bright_profile(curve):
    """sRGB's profile with a tag that says otherwise (ICC.1:2022, cicpType)."""
    plain = written_profile(SRGB, SRGB_CURVE)
    tags = {name: plain[plain.index(name) + 4 :] for name in (b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt", b"rTRC")}
    body = {name: plain[int.from_bytes(at[:4]) :][: int.from_bytes(at[4:8])] for name, at in tags.items()}
    curves = dict.fromkeys((b"gTRC", b"bTRC"), body[b"rTRC"])
    return icc(b"RGB ", body | curves | {b"cicp": b"cicp\0\0\0\0" + bytes([9, curve, 0, 1])})


BRIGHT = {
    "PQ": named(9, 16, 0, 1),
    "HLG": named(9, 18, 0, 1),
    "PQ of P3": named(12, 16, 0, 1),
    "HLG of sRGB": named(1, 18, 0, 1),
    "PQ over a gamma": png(np.asarray(PHOTO).reshape(HEIGHT, -1), 8, 2, chunk(b"cICP", b"\x09\x10\0\1") + gamma(1)),
    "a PNG's profile": encoded(PHOTO, icc_profile=bright_profile(16)),
    "a JPEG's profile": encoded(PHOTO, "JPEG", icc_profile=bright_profile(16)),
    "a WebP's profile": encoded(PHOTO, "WEBP", icc_profile=bright_profile(18)),
}


@pytest.mark.parametrize("data", BRIGHT.values(), ids=BRIGHT)
def test_high_dynamic_range_is_refused_in_one_sentence(data):
    with pytest.raises(InputError, match=r"^This picture has a high dynamic range \(HDR, (PQ|HLG)\)[^.]*\.$"):
        read_image(data)


def test_also_in_a_live_frame():
    with pytest.raises(InputError, match="high dynamic range"):
        read_frame(BRIGHT["a JPEG's profile"], max_side=100)


@given(st.sampled_from(sorted(PRIMARIES)), st.integers(0, 255), st.integers(0, 1), st.integers(0, 1))
def test_only_what_is_meant_so_is_refused(primaries, curve, matrix, full_range):
    data = named(primaries, curve, matrix, full_range)
    if curve in HIGH_RANGE and not matrix and full_range:
        with pytest.raises(InputError, match=HIGH_RANGE[curve]):
            read_image(data)
    else:
        assert read_image(data).shape == (HEIGHT, PHOTO.width, 3)


@pytest.mark.parametrize("curve", [1, 13, 14])
def test_a_profile_that_names_an_ordinary_curve_is_used(curve):
    np.testing.assert_allclose(
        read_image(encoded(PHOTO, icc_profile=bright_profile(curve))).astype(int), np.asarray(PHOTO), atol=1
    )


def test_what_overrules_a_bright_profile_is_shown():
    rows, profile = np.asarray(PHOTO).reshape(HEIGHT, -1), zlib.compress(bright_profile(16))
    data = png(rows, 8, 2, chunk(b"cICP", bytes([1, 13, 0, 1])) + chunk(b"iCCP", b"a\0\0" + profile))
    np.testing.assert_array_equal(read_image(data), np.asarray(PHOTO))
