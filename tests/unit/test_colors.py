"""The two colour maps: ends, middle, and that light grows with the value on the sequential one."""

import numpy as np

from demos.views.colors import DIVERGING, SEQUENTIAL, diverging, sequential


def test_ends_and_zero():
    assert sequential(np.array([0.0, 1.0])).tolist() == [[0, 34, 78], [254, 232, 56]]
    assert diverging(np.array([0.0]), limit=3.0).tolist() == [[250, 250, 250]]
    assert len(SEQUENTIAL) == 10
    assert len(DIVERGING) % 2 == 1


def test_sequential_grows_lighter_and_diverging_is_lightest_at_zero():
    weights = np.array([0.2126, 0.7152, 0.0722])
    light = sequential(np.linspace(0, 1, 50)) @ weights
    assert (np.diff(light) > 0).all()
    assert np.argmax(diverging(np.linspace(-1, 1, 51), 1.0) @ weights) == 25


def test_out_of_range_and_nan_are_clipped():
    values = np.array([-5.0, 5.0, np.nan])
    assert sequential(values).tolist()[:2] == [[0, 34, 78], [254, 232, 56]]
    assert diverging(values, 1.0).shape == (3, 3)
