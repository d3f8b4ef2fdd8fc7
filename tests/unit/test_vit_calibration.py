"""How sure is sure: temperatures that were fitted, what they change, and when a ViT says "probably none of these"."""

import numpy as np
import pytest

from demos.base import EXAMPLES
from demos.views.vit_found import look_of, sentence_of_trace
from demos.vit.shared import FAILURE, NONE, example_pictures
from models.images import read_image
from models.recipes.vit.calibrate import calibration_error, fit_temperature, none_facts
from models.vit import contenders
from models.vit.calibration import calibrated, calibration_of
from models.vit.contenders import CNN, VIT, softmax
from models.vit.trace import trace_picture


def drawn(temperature, seed=0, count=4000, categories=7):
    """Logits that are `temperature` times too large, with labels drawn from what they should have said."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, categories))
    labels = [rng.choice(categories, p=row) for row in softmax(logits)]
    return logits * temperature, np.array(labels)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_by_which_logits_are_too_large_is_found(temperature):
    logits, labels = drawn(temperature)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.08)
    assert calibration_error(logits / found, labels) < 0.03
    if temperature != 1:
        assert calibration_error(logits, labels) > 2 * calibration_error(logits / found, labels)


def test_probabilities_are_calibrated_as_their_logits_would_be():
    logits, _ = drawn(1, count=5)
    for model in (VIT, CNN):
        expected = softmax(logits / calibration_of(model).temperature)
        np.testing.assert_allclose(calibrated(softmax(logits), model), expected, rtol=1e-6)
    np.testing.assert_allclose(calibrated(softmax(logits), "another"), softmax(logits), rtol=1e-9)


def test_break_it_compares_calibrated_probabilities():
    values = np.linspace(-2, 3, 101)
    for name in (VIT, CNN):
        network = contenders.load(name).network
        expected = softmax(values / calibration_of(name).temperature)
        np.testing.assert_allclose(contenders.probabilities(network, values), expected)
    assert calibration_of(VIT).temperature != calibration_of(CNN).temperature


def test_the_line_is_drawn_where_one_known_photo_in_twenty_falls_below():
    known, other = np.linspace(0, 1, 2001), np.linspace(0, 0.1, 100)
    fitting = np.arange(2001) % 2 == 0
    facts = none_facts(known, fitting, other)
    assert facts["threshold"] == pytest.approx(0.05, abs=0.002)
    assert facts["kept"] == pytest.approx(0.95, abs=0.002)
    assert facts["refused"] == pytest.approx(0.5, abs=0.02)


def said(path):
    result = trace_picture(VIT, read_image(str(path)))
    return sentence_of_trace(result, look_of(result.trace))


@pytest.mark.parametrize("name", [name for name in example_pictures() if name not in (FAILURE, NONE)])
def test_examples_of_its_categories_are_named_and_not_doubted(name):
    assert f"It says {name.split(' ', 1)[1]}," in said(example_pictures()[name])


@pytest.mark.parametrize("path", [example_pictures()[NONE], EXAMPLES / "tower.jpg"], ids=lambda path: path.stem)
def test_what_is_like_none_of_the_categories_is_doubted(path):
    assert said(path).startswith("Probably none of its 101 categories")


def test_what_is_near_a_category_is_taken_for_it():
    assert said(example_pictures()[FAILURE]).startswith("It says cougar face")
