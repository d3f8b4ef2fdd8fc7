"""Nested values as named arrays."""

from dataclasses import dataclass

import numpy as np
import pytest

from models.flat import arrays_of


@dataclass(frozen=True)
class Step:
    loss: float
    weights: np.ndarray
    note: str = ""


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"a": 1.5}, {"a": np.array(1.5)}),
        ({"a": {"b": [1, 2, 3]}}, {"a.b": np.array([1, 2, 3])}),
        ({"a": ["x", "yz"]}, {"a": np.array(["x", "yz"])}),
        ({"a": [[1.0, None], [2.0, 3.0]]}, {"a": np.array([[1.0, np.nan], [2.0, 3.0]])}),
        ({"a": None, "b": []}, {}),
        ({"a": [[1, 2], [3]]}, {"a": np.array("[[1, 2], [3]]")}),
        ({"a": [(0.5, "noise"), (0.2, "x_t")]}, {"a": np.array('[[0.5, "noise"], [0.2, "x_t"]]')}),
        ({"a": [{"x": 1, "y": "p"}, {"x": 2, "y": "q"}]}, {"a.x": np.array([1, 2]), "a.y": np.array(["p", "q"])}),
        ({"a": [{"x": 1}, {"y": 2}]}, {"a.0.x": np.array(1), "a.1.y": np.array(2)}),
        ({"a": [np.zeros(2), np.ones(2)]}, {"a": np.array([[0, 0], [1, 1]])}),
        ({"a": [np.zeros(2), np.ones(3)]}, {"a.0": np.zeros(2), "a.1": np.ones(3)}),
        ([Step(0.5, np.zeros(2)), Step(0.25, np.ones(2))], {"s.loss": np.array([0.5, 0.25])}),
        (Step(0.5, np.arange(3), "end"), {"s.weights": np.arange(3), "s.note": np.array("end")}),
    ],
)
def test_values_become_named_arrays(value, names):
    found = arrays_of(value, "" if isinstance(value, dict) else "s")
    assert isinstance(value, (list, Step)) or found.keys() == names.keys()
    for name, array in names.items():
        np.testing.assert_array_equal(found[name], array)
