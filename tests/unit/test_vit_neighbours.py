"""Nearest photos: order, votes, what a shelf may hold, and what is drawn."""

import json
import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from demos.views.vit_neighbours import table_of_neighbours
from demos.vit import features
from demos.vit import neighbours as page
from models import weights
from models.compute import Run
from models.errors import WeightsError
from models.vit import neighbours
from models.vit.neighbours import Found, Neighbour, vote


def write_shelf(folder, features, photos):
    save_file(features, folder / neighbours.FEATURES)
    (folder / neighbours.PHOTOS).write_text(json.dumps({"backbones": neighbours.BACKBONES, "photos": photos}))
    return folder


@pytest.fixture
def shelf(tmp_path):
    random = np.random.default_rng(0)
    features = {name: random.normal(size=(20, 8)).astype(np.float16) for name in neighbours.BACKBONES}
    return neighbours.load(write_shelf(tmp_path, features, [[f"kind {i % 4}", f"{i}.jpg"] for i in range(20)]))


def test_the_nearest_are_those_of_highest_cosine(shelf):
    feature = np.random.default_rng(1).normal(size=8)
    for name in neighbours.BACKBONES:
        rows = shelf.features[name].astype(np.float64)
        cosines = [row @ feature / np.linalg.norm(row) / np.linalg.norm(feature) for row in rows]
        expected = sorted(range(20), key=lambda i: -cosines[i])[:7]
        found = shelf.nearest(name, feature, 7)
        assert [one.file for one in found] == [f"{i}.jpg" for i in expected]
        np.testing.assert_allclose([one.cosine for one in found], [cosines[i] for i in expected], atol=1e-6)
        assert shelf.typical(name, feature) == pytest.approx(np.median(cosines), abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("aabbc", ("a", 2)), ("bbaac", ("b", 2)), ("abccc", ("c", 3)), ("abcde", ("a", 1)), ("abbbbaaaaa", ("b", 4))],
)
def test_the_majority_of_the_first_five_and_of_equals_the_more_similar(labels, expected):
    assert vote([Neighbour(label, "", 1 - 0.01 * i) for i, label in enumerate(labels)]) == expected


def test_features_that_do_not_belong_to_the_photos_are_refused(tmp_path):
    features = {name: np.ones((3, 8), np.float16) for name in neighbours.BACKBONES}
    with pytest.raises(WeightsError, match="do not fit"):
        neighbours.load(write_shelf(tmp_path, features, [["a", "1.jpg"]]))
    with pytest.raises(WeightsError, match="do not fit"):
        neighbours.load(write_shelf(tmp_path, {"before": features["before"]}, [["a", "1.jpg"]] * 3))


def test_what_is_drawn_escapes_names_and_begins_bars_at_the_median():
    listed = [Neighbour("<b>", "1.jpg", 0.9), Neighbour("water_lily", "2.jpg", 0.4)]
    found = Found(listed, 0.5, ("<b>", 1), Run("tiny", "Tiny", 1, "embedded", "cpu", 0.1))
    drawn = table_of_neighbours({"before": found, "after": found}, 5)
    assert "<b><b>" not in drawn
    assert "water lily" in drawn
    assert re.findall(r"--share: ([\d.]+)%", drawn) == ["80.0", "0.0"] * 2
    assert drawn.count('class="is-majority"') == 2


def test_the_stored_shelf_fits_the_split_and_the_page():
    stored = neighbours.load(weights.folder(neighbours.NAME))
    assert len(stored.labels) == 2930
    assert f"{len(stored.labels):,} photos" in page.MEANING
    assert len(set(zip(stored.labels, stored.files, strict=True))) == 2930
    trained_on = json.loads((weights.folder("vit-s14-caltech101") / "training_photos.json").read_text())
    for share in features.READINGS[0][1:]:  # as in the model's card, see test_vit_features
        assert f"{share} %" in page.MEANING
    keys = {f"{label}/{file}" for label, file in zip(stored.labels, stored.files, strict=True)}
    assert keys == set(trained_on["photos"])
    for vectors in stored.features.values():
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_no_picture_is_no_answer():
    assert page.compute_neighbours(None)[0] == ""
