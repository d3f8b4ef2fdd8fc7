"""Nearest photos: order, votes, what a shelf may hold, and what is drawn."""

import json
import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from demos.views.vit_neighbours import photos_of_neighbours, table_of_neighbours
from demos.vit import features
from demos.vit import neighbours as page
from models import weights
from models.compute import Run
from models.errors import WeightsError
from models.recipes.vit import gallery as recipe
from models.vit import gallery, neighbours
from models.vit.gallery import ShownPhoto
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


def test_photos_are_shown_with_what_is_in_them_their_page_and_their_licence():
    random = np.random.default_rng(0)
    photo = random.integers(0, 256, (112, 112, 3), np.uint8)
    shown = ShownPhoto("cat & <b>", photo, "https://www.flickr.com/photo.gne?id=7", "CC BY 2.0", 0.71)
    found = Found([], 0.5, ("cat", 1), Run("tiny", "Tiny", 1, "embedded", "cpu", 0.1), (shown,))
    drawn = photos_of_neighbours({"before": found})
    assert "cat &amp; &lt;b&gt;, cosine 0.71" in drawn
    assert 'href="https://www.flickr.com/photo.gne?id=7"' in drawn and "photo, CC BY 2.0" in drawn
    assert 'src="data:image/jpeg;base64,' in drawn


def test_the_stored_gallery_has_only_photos_that_may_be_shown():
    stored = gallery.load(weights.folder(gallery.NAME))
    assert len(stored.jpegs) == len({page for _, page, _ in stored.about}) > 100
    examples = (weights.EMBEDDED.parent / "media" / "README.md").read_text()
    for things, page_, licence in stored.about:
        assert licence in ("CC BY 2.0", "CC BY-SA 2.0") and "person" not in things and things
        assert re.fullmatch(r"https://www\.flickr\.com/photo\.gne\?id=\d+", page_) and page_ not in examples
    for name, vectors in stored.features.items():
        assert name in neighbours.BACKBONES
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        nearest = stored.nearest(name, vectors[5], 3)
        assert nearest[0].cosine == pytest.approx(1, abs=1e-4) and nearest[0].picture.shape == (112, 112, 3)
        assert nearest[0].page == stored.about[5][1]
        assert [one.cosine for one in nearest] == sorted((one.cosine for one in nearest), reverse=True)


def test_parts_of_a_gallery_that_do_not_belong_together_are_refused(tmp_path):
    (tmp_path / gallery.PHOTOS).write_text(json.dumps([{"things": "a", "page": "p", "licence": "l"}]))
    jpegs = {"jpegs": np.zeros(3, np.uint8), "ends": np.array([3])}
    save_file({"before": np.ones((2, 8), np.float16), **jpegs}, tmp_path / gallery.FEATURES)
    with pytest.raises(WeightsError, match="do not fit"):
        gallery.load(tmp_path)


def test_which_photos_may_be_shown():
    row = {"width": 100, "height": 100, "labels": ["cat", "person"], "boxes_xyxy": [[0, 0, 50, 50], [0, 0, 9, 9]]}
    row |= {"licence": "photo CC BY 2.0 (Flickr); boxes", "flickr_url": "http://farm4.staticflickr.com/1/42_ab_z.jpg"}
    ((_, number, licence),) = recipe.allowed([row])
    assert (number, licence, recipe.things_of(row)) == ("42", "CC BY 2.0", "cat")
    near = {**row, "boxes_xyxy": [[0, 0, 50, 50], [0, 0, 20, 20]]}
    others = [near] + [{**row, "licence": f"photo {kind} 2.0 (Flickr)"} for kind in ("CC BY-NC", "CC BY-ND", "all")]
    assert list(recipe.allowed(others)) == []
