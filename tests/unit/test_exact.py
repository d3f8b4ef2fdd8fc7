"""Numbers that a visitor sets or gives are the numbers that are used."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.diffusion.data import to_rgba, to_signal
from models.diffusion.schedule import steps_of
from models.diffusion.trace import finished_sprites


@pytest.mark.parametrize(
    ("steps", "share", "run"),
    [
        *[(50, 0.58, 29), (100, 0.29, 29), (100, 0.57, 57), (25, 0, 0), (25, 1, 25), (10, 0.55, 5)],
        *[(100, 0.58, 58), (100, 0.07, 7), (50, 0.14, 7), (40, 0.35, 14), (20, 0.15, 3), (30, 0.3, 9), (1, 0.99, 0)],
    ],
)
def test_a_share_of_steps_is_that_share(steps, share, run):
    assert steps_of(steps, share) == run


@given(st.integers(1, 100), st.integers(0, 100))
def test_hundredths_of_steps_are_counted_as_fractions(steps, hundredths):
    assert steps_of(steps, hundredths / 100) == Fraction(steps * hundredths, 100).__floor__()


@given(arrays.arrays(np.uint8, (1, 5, 6, 4)))
def test_pixels_that_are_given_stay_as_they_are(rgba):
    finished = finished_sprites(to_signal(rgba), np.ones((5, 6), bool))
    np.testing.assert_array_equal(finished[..., 3], rgba[..., 3])
    seen = rgba[..., 3] > 0
    np.testing.assert_array_equal(finished[seen], rgba[seen])


@given(arrays.arrays(np.uint8, (2, 4, 4, 4)))
def test_sprites_come_back_from_signals_exactly_where_they_are_seen(rgba):
    back = to_rgba(to_signal(rgba))
    np.testing.assert_array_equal(back[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(back[rgba[..., 3] > 0], rgba[rgba[..., 3] > 0])


def test_only_what_was_predicted_is_snapped():
    rgba = np.full((1, 2, 2, 4), 100, np.uint8)
    rgba[0, :, :, 3] = [[20, 240], [20, 240]]
    given_rows = np.array([[True, True], [False, False]])
    assert finished_sprites(to_signal(rgba), given_rows)[0, :, :, 3].tolist() == [[20, 240], [0, 255]]
