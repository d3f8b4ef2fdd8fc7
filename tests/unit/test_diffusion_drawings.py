"""The recipes of the page "Other data": drawings are what they are called, and both trainings learn and export."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from models import training, weights
from models.diffusion import lines
from models.diffusion.lines import BLANK
from models.diffusion.masked_network import MaskedConfig
from models.diffusion.stroke_classes import STROKES
from models.diffusion.strokes_network import StrokesConfig
from models.recipes.diffusion import masked, strokes
from models.recipes.diffusion.drawings import POINTS, drawings, evenly, smooth
from models.recipes.diffusion.evaluate_strokes import nearest
from models.training import Trapezoid


def test_drawings_are_alike_within_a_class_and_no_two_the_same():
    drawn, labels = drawings(20 * len(STROKES), seed=0)
    assert drawn.shape == (20 * len(STROKES), POINTS, 2) and np.abs(drawn).max() < 1.3
    other, other_labels = drawings(5 * len(STROKES), seed=1)
    place, far = nearest(other, drawn)
    assert (labels[place] == other_labels).mean() > 0.9 and far.min() > 0
    again, _ = drawings(20 * len(STROKES), seed=0)
    np.testing.assert_array_equal(drawn, again)


def test_points_are_evenly_spaced_along_a_smooth_way():
    way = np.array([(0, 0), (1, 0), (1, 0), (1, 1)], float)
    fine = smooth(way)
    for point in way:
        assert np.abs(fine - point).max(-1).min() < 1e-9, "it goes through all of them"
    steps = np.sqrt(np.square(np.diff(evenly(way), axis=0)).sum(-1))
    assert np.median(steps) == pytest.approx(2 / (POINTS - 1)) and steps.max() < 1.01 * np.median(steps)


def test_the_training_of_strokes_learns():
    drawn, labels = (torch.from_numpy(one) for one in drawings(64, seed=0))
    config = StrokesConfig(width=16, heads=2, layers=1, hidden=32, classes=STROKES)
    job = strokes.Training(drawn, labels, config, Trapezoid(1.0, 5, 40))
    losses = [step.loss for step in job.fit()]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_the_training_of_lines_goes_on_from_given_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    text = torch.from_numpy(np.array([2, 3, 4, 5] * 200))
    config = MaskedConfig(width=16, heads=2, layers=1, hidden=32)
    begun = masked.Training(text, config, Trapezoid(1.0, 5, 5))
    list(begun.fit())
    folder = training.export(lines.NAME, begun.weights(), dataclasses.asdict(config))
    continued = masked.Training(text, config, Trapezoid(0.5, 5, 10), seed=1, start=folder)
    for name, tensor in begun.weights().items():
        torch.testing.assert_close(continued.network.state_dict()[name], tensor)


def test_the_training_of_lines_learns_and_knows_its_words():
    text = torch.from_numpy(np.array([2, 3, 4, 5] * 200))  # " abc", again and again
    config = MaskedConfig(width=16, heads=2, layers=1, hidden=32)
    job = masked.Training(text, config, Trapezoid(1.0, 5, 40))
    losses = [step.loss for step in job.fit()]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    drawn = job.lines(torch.Generator().manual_seed(1))
    assert drawn.numel() <= masked.CHARACTERS and (drawn[:, 0] == 3).all(), "a line begins with a word"
    assert masked.book_words(text) == ["abc"]
    bits = masked.bits_per_character(job.averaged_network(), text, 8)
    assert 0 < bits < math.log2(BLANK)
