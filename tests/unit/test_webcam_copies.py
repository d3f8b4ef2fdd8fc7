"""Frames of a webcam that hardly moved are copies; frames in which something has changed are not."""

import numpy as np
import pytest
from PIL import Image

from models.recipes.vit.copies import SAME, camera, lit, moved
from models.vision.alike import kinds
from tests.unit.test_copies import landscape


@pytest.fixture(scope="module")
def scene():
    """A frame of 640 x 480."""
    return Image.fromarray(landscape(5, (480, 640)))


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_next_frame_of_a_webcam_is_a_copy(scene, change):
    random = np.random.default_rng(0)
    assert kinds([camera(scene, random), camera(change(scene, random), random)]).tolist() == [0, 0]


def test_a_thing_that_came_into_the_frame_makes_another_picture(scene):
    random = np.random.default_rng(0)
    with_thing = scene.copy()
    with_thing.paste((250, 240, 20), (250, 120, 400, 380))
    moved_on = scene.copy()
    moved_on.paste((250, 240, 20), (380, 120, 530, 380))
    frames = [camera(lit(0.9, 1.1)(frame, random), random) for frame in (scene, with_thing, moved_on)]
    assert kinds(frames).tolist() == [0, 1, 2]


def test_another_view_is_another_picture(scene):
    random = np.random.default_rng(0)
    turned = moved(0.25, 20, 0.3)(scene, random)
    assert kinds([camera(scene, random), camera(turned, random)]).tolist() == [0, 1]
