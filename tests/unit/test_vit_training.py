"""Fine-tuning that can be stopped anywhere, photos that are known again, figures that count what they should."""

import dataclasses
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from models import runtime, training, weights
from models.errors import InputError
from models.recipes.vit import data, evaluate, probe, train
from models.vision import library
from models.vision.network import VisionTransformer
from tests.hub.checkpoints import dinov2

RECIPE = train.Recipe(steps=4, cooldown=2, warmup=1, batch=4, size=28, frozen=0, learning_rate=1e-3)


def jpeg(pixels, quality=90):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def photo(label, number, seed=None):
    """A smooth random picture."""
    generator = np.random.default_rng([number, ord(label[0])] if seed is None else seed)
    small = Image.fromarray(generator.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    return data.Photo(label, f"image_{number:04}.jpg", jpeg(np.asarray(small.resize((48, 40)))))


PHOTOS = [photo(label, number) for label in ("cat", "owl") for number in range(10)]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dinov2")
    dinov2(folder)
    return library.load(folder)


def start(backbone, recipe=RECIPE):
    torch.manual_seed(0)
    network = VisionTransformer(backbone.shape, ["cat", "owl"], backbone.preprocessing)
    network.load_state_dict(backbone.state_dict(), strict=False)
    pictures, labels = [p.pixels() for p in PHOTOS], np.array([0] * 10 + [1] * 10)
    return train.Fit(network, train.Batches(pictures, labels, recipe, backbone.preprocessing), recipe)


def test_a_resumed_run_ends_where_an_unbroken_one_does(backbone, tmp_path):
    whole = start(backbone)
    losses = [report.loss for report in whole.fit()]
    broken = start(backbone)
    before = [next(broken.fit()).loss, next(broken.fit()).loss]
    training.save_checkpoint(tmp_path / "checkpoint.pt", broken.state_dict())
    again = start(backbone)
    again.resume(tmp_path / "checkpoint.pt")
    assert before + [report.loss for report in again.fit()] == losses
    for name, tensor in whole.ema.state.items():
        assert torch.equal(tensor, again.ema.state[name]), name


def test_frozen_blocks_stay_as_they_are(backbone):
    fit = start(backbone, dataclasses.replace(RECIPE, frozen=1))
    list(fit.fit())
    before, after = backbone.state_dict(), fit.network.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before if k.startswith(("embed", "cls", "blocks.0")))
    assert not torch.equal(before["blocks.1.attention.query.weight"], after["blocks.1.attention.query.weight"])


def test_lower_blocks_learn_more_slowly(backbone):
    groups = train.parameter_groups(start(backbone).network, RECIPE)
    scales = [group["lr"] for group in groups]
    assert min(scales) == pytest.approx(RECIPE.layer_decay**2)
    assert max(scales) == 1


def test_augmented_pictures_keep_their_format_and_their_source():
    picture = PHOTOS[0].pixels()
    copy = picture.copy()
    generator = np.random.default_rng(0)
    squares = [train.augment(picture, 28, (0.3, 1.0), generator) for _ in range(20)]
    assert {square.shape for square in squares} == {(28, 28, 3)}
    assert {square.dtype for square in squares} == {np.dtype(np.uint8)}
    assert np.array_equal(picture, copy)


def test_kept_patches_are_the_chosen_ones_after_cls():
    tokens = torch.arange(10.0).reshape(1, 5, 2)
    kept = train.keep_patches(tokens, torch.tensor([[3, 0]]))
    assert kept.tolist() == [[[0, 1], [8, 9], [2, 3]]]


def test_probes_tell_separable_features_apart():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    features = torch.eye(3)[labels] * 4 + torch.randn(60, 3, generator=generator) * 0.3
    assert (probe.fit_linear(features, labels)(features).argmax(1) == labels).all()
    assert (probe.nearest_neighbours(features, labels, features) == labels).all()


def test_accuracy_is_averaged_over_classes():
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])
    assert probe.mean_class_accuracy(predicted, labels) == 0.5


def test_a_photo_stored_again_is_known_and_a_namesake_is_not():
    known = data.KnownPhotos(data.fingerprints(PHOTOS))
    first = PHOTOS[0]
    larger = np.asarray(Image.fromarray(first.pixels()).resize((96, 80)))
    assert first in known
    assert data.Photo("dog", "other.jpg", first.jpeg) in known
    assert data.Photo(first.label, first.file, jpeg(larger, quality=60)) in known
    assert data.Photo(first.label, first.file, photo("cat", 0, seed=99).jpeg) not in known
    assert photo("cat", 0, seed=99) not in known


@pytest.mark.parametrize(("which", "count"), [("test", 4), ("train", 16), ("all", 20)])
def test_photos_seen_in_training_are_left_out_unless_asked_for(which, count):
    seen, _ = data.split(PHOTOS, seed=0)
    assert len(evaluate.choose(PHOTOS, data.KnownPhotos(data.fingerprints(seen)), which)) == count


def test_labels_may_be_names_or_numbers_and_unknown_ones_count_as_wrong():
    assert evaluate.label_indices(PHOTOS[8:12], ["cat", "owl"]).tolist() == [0, 0, 1, 1]
    assert evaluate.label_indices([photo("0", 1), photo("1", 1)], ["cat", "owl"]).tolist() == [0, 1]
    assert evaluate.label_indices([photo("cat", 1), photo("elk", 1)], ["cat", "owl"]).tolist() == [0, -1]


def test_no_photo_to_measure_on_is_said(backbone):
    with pytest.raises(InputError, match="No photo is left"):
        evaluate.evaluate(backbone, [])


def test_the_command_prints_one_line(backbone, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path / "weights")
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    fit = start(backbone)
    seen, _ = data.split(PHOTOS, seed=0)
    train.export(fit, seen)
    folder = tmp_path / "weights" / train.NAME
    monkeypatch.setattr(weights, "folder", lambda name: folder)
    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())
    columns = {name: [getattr(p, name) for p in PHOTOS] for name in ("label", "file", "jpeg")}
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "photos.parquet")
    monkeypatch.setattr("sys.argv", ["evaluate", "--data", str(tmp_path / "photos.parquet"), "--limit", "3"])
    evaluate.main()
    figures = json.loads(capsys.readouterr().out)
    assert {"model", "top1", "mean_class_accuracy", "images"} <= set(figures)
    assert (figures["images"], figures["left_out"], figures["unknown_labels"]) == (3, 16, 0)
    stored = library.load(folder)
    assert stored.labels == ("cat", "owl")
    for name, tensor in stored.state_dict().items():
        torch.testing.assert_close(tensor, fit.ema.state[name], atol=1e-3, rtol=1e-3)
