"""The Diffusion tab's figures and checks, without a browser."""

import numpy as np
import pytest

from demos.address import read_value
from demos.diffusion.plans import ALL_CLASSES, CLASS_CHOICES, READABLE, ClassMenu, check_plan
from demos.page import create_app
from demos.views.diffusion import NOISE_SHADES, view_of_pixel, view_of_step
from models.diffusion.data import ANY_CLASS, CLASSES
from models.diffusion.schedule import cosine_schedule
from models.errors import InputError
from tests.handles import picture_at


def test_a_step_is_drawn_with_the_factors_that_lead_to_the_next():
    from models.diffusion.samplers import Term, Update
    from models.diffusion.trace import DenoisingStep

    arrays = np.random.default_rng(2).standard_normal((3, 2, 4, 32, 32)).astype(np.float32)
    x_0, epsilon = arrays[0].clip(-1, 1), arrays[1]
    update = Update((Term(0.8, "x_0"), Term(0.6, "epsilon")))
    pictures = {"x_0": x_0, "epsilon": epsilon}
    step = DenoisingStep(0, 10, 499, 399, arrays[2], epsilon, x_0, 0.8 * x_0 + 0.6 * epsilon, update, pictures)
    drawn = view_of_step(step, cosine_schedule())
    assert drawn.terms == [(0.8, "x_0"), (0.6, "epsilon")]
    assert drawn.difference is None
    assert picture_at(drawn.x_t).shape == (32, 64, 3)
    assert picture_at(drawn.x_0).shape == (32, 64, 4)
    noise = picture_at(drawn.noise)
    assert len(np.unique(noise)) == NOISE_SHADES
    assert np.abs(noise[:, :32] - 255 * (epsilon[0, :3].clip(-3, 3).transpose(1, 2, 0) + 3) / 6).max() <= 4.5
    other = DenoisingStep(0, 10, 499, 399, arrays[2], epsilon, np.zeros_like(x_0), x_0, update, pictures)
    expected = np.sqrt(np.square(x_0).mean())
    assert view_of_step(other, cosine_schedule(), step).difference == pytest.approx(expected, rel=1e-5)


def test_the_arithmetic_of_a_pixel_has_its_numbers():
    from models.diffusion.samplers import Term, Update
    from models.diffusion.trace import DenoisingStep

    x_0, epsilon = (np.full((1, 4, 32, 32), value, np.float32) for value in (0.25, -1.0))
    x_0[0, 2, 5, 7] = 0.75
    step = DenoisingStep(
        *(3, 10, 499, 399, x_0, epsilon, x_0, x_0),
        Update((Term(0.8, "x_0"), Term(0.6, "epsilon")), (Term(0.5, "x_0"), Term(0.5, "x_0"))),
        {"x_0": x_0, "epsilon": epsilon},
    )
    pixel = view_of_pixel(step, 0, 5, 7)
    assert pixel.caption == "Step 4, sprite 1, row 6, column 8"
    assert [(row.factor, row.of) for row in pixel.rows] == [
        *((0.5, "x_0"), (0.5, "x_0"), (None, "corrected"), (0.8, "x_0"), (0.6, "epsilon"), (None, "next")),
    ]
    assert pixel.rows[0].values == [0.25, 0.25, 0.75, 0.25]
    assert pixel.rows[-1].values == pytest.approx([0.8 * value - 0.6 for value in pixel.rows[0].values])


def test_a_pixel_shows_both_conversions_of_v_as_the_step_made_them():
    from models.diffusion.network import Config, SpriteUNet
    from models.diffusion.trace import Plan, class_vectors, denoise_once, first_noise

    network = SpriteUNet(Config(("a", "b"), widths=(16, 32), embedding=16)).eval()
    plan = Plan("a", 1, 4, 0, guidance=2)
    step = denoise_once(network, plan, class_vectors(network, ["a"]), 2, first_noise(1, 0))
    rows = view_of_pixel(step, 0, 3, 4).rows[:6]
    assert [row.of for row in rows] == ["x_t", "v", "x_0_of_v", "x_t", "v", "epsilon_of_v"]
    for first, second, sum_ in (rows[:3], rows[3:]):
        made = first.factor * np.array(first.values) + second.factor * np.array(second.values)
        np.testing.assert_allclose(sum_.values, made, atol=1e-9)
    np.testing.assert_allclose(np.clip(rows[2].values, -1, 1), step.x_0[0, :, 3, 4], atol=1e-5)
    signal, noise = rows[0].factor, rows[3].factor
    v = signal * np.array(rows[5].values) - noise * np.array(rows[2].values)
    np.testing.assert_allclose(v, step.v[0, :, 3, 4], atol=1e-5)


def test_every_class_is_offered_once_and_any_last():
    assert sorted(ALL_CLASSES) == sorted([*CLASSES, ANY_CLASS])
    assert (ALL_CLASSES[0], ALL_CLASSES[-1]) == ("potion", ANY_CLASS)


def test_only_what_can_be_read_is_offered_best_first_and_the_rest_is_taken():
    assert CLASS_CHOICES == ["potion", "tree", "wand", "person", "jewellery", ANY_CLASS]
    assert [READABLE[name] for name in CLASS_CHOICES[:-1]] == sorted(
        (count for count in READABLE.values() if count >= 12), reverse=True
    )
    menus = [block for block in create_app().blocks.values() if isinstance(block, ClassMenu)]
    assert len(menus) == 8
    for menu in menus:
        assert {value for _, value in menu.choices} <= set(CLASS_CHOICES)
        assert menu.preprocess("monster") == read_value(menu, "monster") == "monster"
        with pytest.raises(KeyError):
            read_value(menu, "dragon")
    assert check_plan("monster", 1, 5, 0).sprite_class == "monster"


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
        ("potion", 1, 5, 0, 0.5),
        ("potion", 1, 5, 0, float("nan")),
        ("potion", 1, 5, 0, 2, "heun"),
        ("potion", 1, 5, 0, 2, None),
    ],
)
def test_requests_that_are_refused(wrong):
    with pytest.raises(InputError):
        check_plan(*wrong)
