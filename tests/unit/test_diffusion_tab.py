"""The Diffusion tab's figures and checks, without a browser."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from demos.diffusion.forward import view_forward
from demos.diffusion.reverse import check_request
from demos.figures.diffusion import as_picture, draw_forward, draw_step, shrink_to_sprite
from models.diffusion.schedule import cosine_schedule
from models.errors import InputError

SPRITE = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)
EPSILON = np.random.default_rng(1).standard_normal((4, 32, 32)).astype(np.float32)


def decoded(address):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))


def test_forward_starts_as_the_picture_and_ends_as_the_noise():
    schedule = cosine_schedule()
    first, last = (draw_forward(SPRITE, EPSILON, t, schedule) for t in (0, 999))
    assert first["signal"] > 0.999
    assert last["signal"] < 0.01
    difference = decoded(last["noisy"]).astype(int) - as_picture(EPSILON[None], 1.0)[0].astype(int)
    assert np.abs(difference).max() <= 2
    assert first["signal"] ** 2 + first["noiseShare"] ** 2 == pytest.approx(1)
    assert sum(last["histogram"]) > 0


def test_any_picture_becomes_a_sprite():
    for shape in ((32, 32, 4), (1, 1, 4), (300, 70, 4), (7, 900, 4)):
        assert shrink_to_sprite(np.zeros(shape, np.uint8)).shape == (32, 32, 4)
    assert np.array_equal(shrink_to_sprite(SPRITE), SPRITE)


def test_a_step_is_drawn_with_the_coefficients_that_lead_to_the_next():
    from models.diffusion.trace import DenoisingStep

    arrays = np.random.default_rng(2).standard_normal((3, 2, 4, 32, 32)).astype(np.float32)
    schedule = cosine_schedule()
    x_0, epsilon = arrays[0].clip(-1, 1), arrays[1]
    x_next = schedule.signal(399) * x_0 + schedule.noise(399) * epsilon
    drawn = draw_step(DenoisingStep(0, 10, 499, 399, arrays[2], epsilon, x_0, x_next.astype(np.float32)), schedule)
    again = drawn["signalNext"] * x_0 + drawn["noiseNext"] * epsilon
    np.testing.assert_allclose(again, x_next, atol=1e-5)
    assert decoded(drawn["xt"]).shape == (32, 64, 3)
    assert decoded(drawn["x0"]).shape == (32, 64, 4)


@pytest.mark.parametrize(
    "wrong",
    [
        ("dragon", 1, 5, 0),
        (None, 1, 5, 0),
        ("potion", 0, 5, 0),
        ("potion", 17, 5, 0),
        ("potion", True, 5, 0),
        ("potion", 1, 0, 0),
        ("potion", 1, 10_000, 0),
        ("potion", 1, float("nan"), 0),
        ("potion", 1, "5", 0),
        ("potion", 1, 5, -1),
        ("potion", 1, 5, float("inf")),
        ("potion", 1, 5, 2**31),
    ],
)
def test_requests_that_are_refused(wrong):
    with pytest.raises(InputError):
        check_request(*wrong)


@pytest.mark.parametrize("wrong", [(1000, "cosine", 0), (-1, "cosine", 0), (5, "quadratic", 0), (5, "cosine", None)])
def test_forward_requests_that_are_refused(wrong):
    with pytest.raises(InputError):
        view_forward(None, *wrong)


def test_no_picture_is_no_error():
    assert view_forward(None, 5, "cosine", 0) is None
