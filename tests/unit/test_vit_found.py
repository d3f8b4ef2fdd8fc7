"""What pages of the ViT tab open on is found in the numbers of the run."""

import numpy as np
import pytest

from models.vit import found


@pytest.mark.parametrize(("firsts", "expected"), [([1, 1, 1], 0), ([0, 2, 1], 2), ([1, 0, 1], 2), ([0, 1, 1], 1)])
def test_an_answer_is_settled_after_the_last_layer_that_says_something_else(firsts, expected):
    lens = np.full((3, 3), 0.1)
    lens[np.arange(3), firsts] = 0.8
    assert found.settled_after(lens) == expected


def test_the_thing_is_what_stands_apart_from_the_border():
    grid, rng = (6, 6), np.random.default_rng(0)
    inside = np.zeros(grid, bool)
    inside[2:4, 2:5] = True
    direction = rng.normal(size=8)
    for sign in (1, -1):  # whichever way the direction happens to point
        features = np.where(inside.ravel()[:, None], sign * direction, -sign * direction) + rng.normal(0, 0.05, (36, 8))
        np.testing.assert_array_equal(found.thing_of(features, grid) > 0, inside.ravel())


def test_the_head_that_looks_at_the_thing_is_found_among_others():
    rng = np.random.default_rng(1)
    thing = np.where(np.arange(16) < 4, 1.0, -1.0)
    attention = rng.dirichlet(np.ones(17), size=(3, 4, 17))
    attention[1, 2, 0] = [0.2, *([0.15] * 4), *([0.2 / 12] * 12)]  # CLS first
    look = found.look_at_thing(attention, thing)
    assert (look.layer, look.head) == (1, 2)
    assert look.share == pytest.approx(0.6 / 0.8)
    assert look.part == 0.25


def test_the_pair_that_stands_out_most_is_found_in_its_layer():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 4, 9, 32))
    second[2, 5] = first[2, 7] * 3  # the same direction, another length
    pair = found.best_likeness(first, second)
    assert (pair.layer, pair.first, pair.second) == (2, 7, 5)
    assert pair.cosine == pytest.approx(1)
    others = first[2, 7] @ second[2].T / np.linalg.norm(first[2, 7]) / np.linalg.norm(second[2], axis=1)
    assert pair.mean == pytest.approx(others.mean())


def test_alike_inputs_do_not_count():
    features = np.random.default_rng(3).normal(size=(2, 4, 8))
    other = np.random.default_rng(4).normal(size=(2, 4, 8))
    other[0] = features[0]
    assert found.best_likeness(features, other).layer == 1


@pytest.mark.parametrize(
    ("firsts", "expected"), [([3, 3, 3], None), ([3, 1, 1], 0.5), ([3, 1, 3], None), ([1, 3, 2], 1.0), ([1, 1, 1], 0.0)]
)
def test_an_answer_is_lost_where_it_does_not_come_back(firsts, expected):
    assert found.lost_at([0.0, 0.5, 1.0], firsts, 3) == expected


def test_curves_part_where_they_lie_farthest_from_each_other():
    assert found.parting([1, 0.9, 0.2], [1, 0.1, 0.1]) == 1
