"""What the pages of the Diffusion tab open on is found in the pictures of their runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from demos.views.diffusion_found import find_departure
from models.diffusion.found import distance, halfway, largest_change

END = np.random.default_rng(0).normal(size=(2, 4, 8, 8))


def test_half_of_the_way_is_the_first_step_at_half_the_distance():
    away = np.random.default_rng(1).normal(size=END.shape)
    predictions = [END + share * away for share in (1, 0.8, 0.49, 0.6, 0.1, 0)]
    place, left, whole = halfway(predictions)
    assert place == 2
    assert left / whole == pytest.approx(0.49)


def test_a_run_of_one_step_is_there_at_once():
    assert halfway([END]) == (0, 0.0, 0.0)


def test_where_a_walk_changes_most():
    walk = np.stack([END[0], END[0] + 0.1, END[0] + 0.5, END[0] + 0.6])
    place, change = largest_change(walk)
    assert place == 1
    assert change == pytest.approx(0.4)


def test_how_far_sprites_went_from_the_picture():
    given = END[0]
    steps = [SimpleNamespace(x_0=np.stack([given + 0.3, given - 0.3]))] * 3
    place, said = find_departure(SimpleNamespace(steps=steps, plan=SimpleNamespace(steps=5)), given)
    assert place == 2
    assert said.startswith("3 of 5 steps were run: the sprites are 0.30 from your picture")
    assert "differ by 0.60" in said
    assert distance(given, given) == 0
