"""What a camera says of a picture: only what is stored as the standard asks, whatever else lies there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exif import Exif
from tests.pictures import density, exif


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("entries", "orientation"),
    [
        ([(0x112, 3, 1, 6)], 6),
        ([(0x10F, 4, 1, 9), (0x112, 3, 1, 8), (0x131, 3, 1, 7)], 8),
        ([(0x112, 4, 1, 6)], 1),
        ([(0x112, 3, 2, 6)], 1),
        ([(0x112, 3, 1, 0)], 1),
        ([(0x112, 3, 1, 9)], 1),
        ([], 1),
    ],
)
def test_how_the_camera_was_held(order, entries, orientation):
    assert Exif(exif(*entries, order=order)).orientation == orientation
    assert Exif(exif(*entries, order=order).removeprefix(b"Exif\0\0")).orientation == orientation


@pytest.mark.parametrize(
    ("told", "shape"),
    [
        (density(144, 72, 16, 24), (0.5, 1)),
        (density(72, 144, 32, 12), (1, 0.5)),
        (density(144, 144, 16, 12), (1, 1)),
        (density(144, 72, 32, 24), (1, 1)),
        (density(0, 72, 16, 24), (1, 1)),
        (b"", (1, 1)),
    ],
)
def test_the_shape_of_pixels(told, shape):
    assert Exif(told).shape(32, 24) == shape


@given(st.binary(max_size=80), st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0II*\0\x08\0\0\0"]))
def test_what_is_damaged_says_nothing_wrong(data, start):
    said = Exif(start + data)
    assert 1 <= said.orientation <= 8
    across, down = said.shape(30, 20)
    assert 0 < min(across, down) <= max(across, down) == 1


@given(st.integers(0, 80), st.integers(0, 255))
def test_one_wrong_byte_does_no_harm(place, byte):
    data = bytearray(density(144, 72, 16, 24))
    data[place % len(data)] = byte
    across, down = Exif(bytes(data)).shape(32, 24)
    assert 0 < min(across, down) <= max(across, down) == 1
