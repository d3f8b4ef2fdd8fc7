"""One network taught three ways: shares, the sentence, what was measured beforehand."""

import html
import json

import numpy as np
import pytest

from demos.sentences import percent
from demos.views.vit_teachers import maps_of_teachers, sentence_of_teachers, table_of_teachers
from demos.vit import neighbours as page
from demos.vit.shared import FIRST
from models.images import read_image
from models.recipes.vit.data import Photo
from models.recipes.vit.probe import sampled
from models.vit import teachers
from models.vit.found import thing_of
from models.vit.trace import load_vit, trace_image


@pytest.fixture(scope="module")
def found():
    return teachers.compare_teachers(read_image(str(FIRST)))


def test_shares_are_those_of_the_networks_own_attention(found):
    image = read_image(str(FIRST))
    dino = load_vit("dinov2-s14-saliency").network
    trace = trace_image(dino, image)
    thing = thing_of(trace.tokens[-1, 1:], trace.grid) > 0
    rows = trace.attention[-1, :, 0, 1:].astype(np.float64)
    shares = (rows * thing).sum(1) / rows.sum(1)
    one = found.teachers["DINO"]
    assert (one.head, one.share) == (int(shares.argmax()), pytest.approx(shares.max(), abs=1e-5))
    assert one.mean == pytest.approx(shares.mean(), abs=1e-5)
    assert one.attention.sum() == pytest.approx(1, abs=1e-4)
    assert found.part == pytest.approx(thing.mean())


def test_without_having_learned_cls_looks_everywhere_alike(found):
    nothing = found.teachers["nothing"]
    assert abs(nothing.share - found.part) < 0.05
    assert found.teachers["DINO"].share > found.part + 0.2
    said = sentence_of_teachers(found)
    assert f"{percent(nothing.share)} when it was taught nothing" in said
    drawn = maps_of_teachers(found)
    assert drawn.count("<img") == 3 and html.escape(said) in drawn


def test_the_untrained_network_is_the_same_every_time():
    network = load_vit("dinov2-s14-saliency").network
    first, second = (teachers.untrained(network).state_dict() for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)
    assert (first["blocks.0.expand.weight"] != network.state_dict()["blocks.0.expand.weight"]).any()


def test_what_was_measured_says_how_and_on_how_many():
    measured = json.loads(page.MEASURED.read_text(encoding="utf-8"))
    assert list(measured["networks"]) == ["labels", "DINO", "nothing"]
    assert "--sample 4 2" in measured["command"] and (measured["train"], measured["test"]) == (404, 202)
    order = [one["linear_cls+mean"] for one in measured["networks"].values()]
    assert order == sorted(order, reverse=True)
    assert f"{100 * order[1]:.1f}" in table_of_teachers(measured)


def test_a_sample_has_as_many_of_each_label():
    photos = [Photo(label, f"{number}.jpg", b"") for label in "ab" for number in range(9)]
    chosen = sampled(photos[::-1], 3)
    assert [photo.key for photo in chosen] == [photo.key for photo in sampled(photos, 3)]
    assert [photo.label for photo in chosen] == ["a"] * 3 + ["b"] * 3
