"""Everyday photos: which boxes count, views whose boxes lie where the pixels are, a training that stops and goes on."""

import io
import json
import sys

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from models import training, weights
from models.detection import learning
from models.detection.boxes import Boxes
from models.detection.network import BACKBONE, load_detector, take_backbone
from models.recipes.detection import evaluate, everyday, train, train_everyday
from models.recipes.detection.everyday import Views, classes_of, load_labelled
from models.recipes.detection.scenes import Scene, is_held_out
from tests.detectors import tiny_detector

LABELS = ("cat", "cup", "dog")
RED = (220, 20, 20)
LENDER = "vit-s14-caltech101"


def photo(key, *, boxes=((10, 20, 40, 60),), labels=("cup",), annotated=LABELS, size=(96, 80)):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for left, top, right, bottom in boxes:
        image[top:bottom, left:right] = RED
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=95)
    return {
        "key": key,
        "width": size[0],
        "height": size[1],
        "jpeg": file.getvalue(),
        "boxes_xyxy": [list(map(float, box)) for box in boxes],
        "labels": list(labels),
        "annotated": list(annotated),
    }


@pytest.fixture
def file(tmp_path):
    rows = [photo(f"photo {n}") for n in range(24)]
    rows += [photo(f"crowd {n}", labels=("dog",), annotated=("cat", "cup")) for n in range(8)]
    path = tmp_path / "everyday.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def test_every_photo_is_in_one_part_and_boxes_not_looked_for_are_left_out(file):
    trained, held_out = (load_labelled(file, held_out=part) for part in (False, True))
    assert len(trained) + len(held_out) == 32
    assert held_out and all(is_held_out(one.key) for one in held_out)
    assert all(one.labels == (() if one.key.startswith("crowd") else ("cup",)) for one in (*trained, *held_out))
    assert classes_of(trained) == LABELS


def test_the_box_of_a_view_lies_around_what_is_seen(file):
    views = Views([one for one in load_labelled(file, held_out=False) if one.labels], LABELS)
    found = 0
    for number in range(40):
        image, target = views.view(number)
        again, repeated = views.view(number)
        assert np.array_equal(image, again)
        assert torch.equal(target["boxes"], repeated["boxes"])
        assert torch.equal(target["boxes"], views.target(number)["boxes"])
        if len(target["boxes"]):
            rows, columns = np.nonzero(image[..., 0] > 60)
            height, width = image.shape[:2]
            seen = [columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height]
            (x, y, w, h) = target["boxes"][0].tolist()
            np.testing.assert_allclose([x - w / 2, y - h / 2, x + w / 2, y + h / 2], seen, atol=0.05)
            found += 1
    assert found > 20


def test_photos_with_rare_classes_are_drawn_more_often(file):
    photos = [one for one in load_labelled(file, held_out=False) if one.labels]
    rare = everyday.LabelledPhoto("rare", photos[0].jpeg, (96, 80), photos[0].boxes, ("cat",), frozenset(LABELS))
    chances = Views([*photos * 3, rare], LABELS).chances
    assert chances.sum() == pytest.approx(1)
    assert chances[-1] / chances[0] == pytest.approx(np.sqrt(everyday.COMMON * len(chances)))


def test_photos_with_some_classes_only(file):
    photos = [one for one in load_labelled(file, held_out=False) if one.labels]
    several = everyday.LabelledPhoto(
        "several", photos[0].jpeg, (96, 80), np.eye(3, 4, dtype=np.float32), ("cat", "cup", "cat"), frozenset(LABELS)
    )
    cats, none = everyday.with_only([several, several], ["cat"])[0], everyday.with_only([several], ["horse"])[0]
    assert (cats.labels, cats.boxes.tolist()) == (("cat", "cat"), [[1, 0, 0, 0], [0, 0, 1, 0]])
    assert cats.annotated == {"cat"}
    assert (none.labels, none.boxes.shape, none.annotated) == ((), (0, 4), frozenset())


def test_nothing_is_learnt_of_classes_that_were_not_looked_for():
    network = tiny_detector().network.train()
    states = learning.frozen_states(network, torch.randn(1, 3, 56, 56), 4)
    learning.start_from_states(network, 4)
    target = {
        "class_labels": torch.tensor([1]),
        "boxes": torch.tensor([[0.5, 0.5, 0.3, 0.3]]),
        "annotated": torch.tensor([True, True, False]),
    }
    learning.set_loss(network, states, [target]).backward()
    of_heads = [head.weight.grad for head in (network.class_embed, *network.model.enc_out_class_embed)]
    assert all(gradient[2].abs().sum() == 0 and gradient[0].abs().sum() > 0 for gradient in of_heads)


def test_found_boxes_of_classes_that_were_not_looked_for_do_not_count():
    box = np.array([[10, 10, 50, 50]], np.float32)
    corners = np.repeat(box, 2, 0) / (96, 80, 96, 80)
    both = Boxes(corners.astype(np.float32), np.array([0.9, 0.8]), np.array([1, 0]), np.arange(2), LABELS)
    image = np.zeros((80, 96, 3), np.uint8)
    dog_too = Scene(image, np.repeat(box, 3, 0), ("cup", "dog", "sofa"), frozenset({"cup", "cat", "sofa"}))
    figures = evaluate.average_precision([dog_too], lambda _: both, LABELS)
    assert figures["classes"] == {"cup": {"ap50": pytest.approx(1), "objects": 1}}
    everything = Scene(image, box, ("cup",), frozenset(LABELS))
    without = Boxes(corners[:1].astype(np.float32), np.array([0.9]), np.array([2]), np.arange(1), LABELS)
    assert evaluate.average_precision([everything], lambda _: without, LABELS)["ap50"] == 0


@pytest.mark.parametrize(("split", "expected"), [("test", 31), ("train", 1), ("all", 32)])
def test_photos_count_unless_they_were_trained_on(file, split, expected):
    assert len(list(evaluate.scenes_of(file, split=split, seed=0, trained_on={"photo 3"}))) == expected


@pytest.fixture
def no_folder_is_remembered():
    yield
    weights._verified_folder.cache_clear()


@pytest.mark.usefixtures("no_folder_is_remembered")
def test_a_training_goes_on_where_it_stopped_and_exports_what_it_finds(file, tmp_path, monkeypatch, capsys):
    tiny = tiny_detector().network
    (tmp_path / "start").mkdir()
    save_file(train.inference_state(tiny.state_dict(), 10), tmp_path / "start" / "model.safetensors")
    for module in (train, train_everyday):
        monkeypatch.setattr(module, "build_config", lambda labels, *, groups: _tiny_config(labels, groups))
    for name, value in {"RESOLUTION": 56, "TOKENS": 17, "WIDTH": 32, "OFFERED": -2.0, "ENOUGH": 0}.items():
        monkeypatch.setattr(train_everyday, name, value)
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path / "weights")
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    run = tmp_path / "run"

    def command(*options):
        arguments = [*("--data", file, "--run", run, "--weights", tmp_path / "start"), *options]
        monkeypatch.setattr(sys, "argv", ["train_everyday", *map(str, arguments)])
        train_everyday.main()

    short = ("--frozen", 3, "--cache", 8, "--first", 4, "--batch", 2)
    command(*short, "--steps", 2)
    first = training.load_checkpoint(run / "last.pt")
    command(*short, "--steps", 4, "--resume")
    second = training.load_checkpoint(run / "last.pt")
    assert (first["step"], second["step"]) == (2, 4)
    assert second["seen"] > first["seen"]
    frozen, learnt = (f"model.backbone.backbone.encoder.layer.{n}.mlp.fc1.weight" for n in (2, 3))
    assert torch.equal(first["network"][frozen], second["network"][frozen])
    assert not torch.equal(first["network"][learnt], second["network"][learnt])
    capsys.readouterr()
    command("--measure")
    assert json.loads(capsys.readouterr().out)["images"] == len(load_labelled(file, held_out=True))
    command("--export")
    exported = load_detector(tmp_path / "weights" / train_everyday.NAME)
    assert (exported.labels, exported.overlap) == (LABELS, train_everyday.OVERLAP)
    whole = training.load_checkpoint(run / "last.pt")
    save_file(_as_a_classifier(train_everyday.averaged(run).network), _lender(tmp_path) / "model.safetensors")
    weights.record(LENDER)
    weights._verified_folder.cache_clear()
    command("--export", "--backbone", _lender(tmp_path))
    folder = tmp_path / "weights" / train_everyday.NAME
    assert not [name for name in load_file(folder / "model.safetensors") if BACKBONE in name]
    lent = load_detector(folder).network.state_dict()
    for name, tensor in train.inference_state(whole["average"], 10).items():
        torch.testing.assert_close(lent[name], tensor.half().float() if BACKBONE not in name else tensor)
    going_on = tmp_path / "of one class"
    again = ("--run", going_on, "--weights", folder, "--backbone", _lender(tmp_path), "--classes", "cup")
    command(*short, "--steps", 0, *again)
    begun = training.load_checkpoint(going_on / "last.pt")
    assert begun["labels"] == ["cup"]
    for name, tensor in lent.items():
        if BACKBONE in name or name.startswith("model.decoder.layers"):
            torch.testing.assert_close(begun["network"][name], tensor)
    save_file({"class_embed.weight": torch.zeros(3, 32)}, folder / "model.safetensors")
    with pytest.raises(ValueError, match="lacks"):
        load_detector(folder)


def test_the_everyday_detector_is_what_the_catalogue_says():
    entry, folder = weights.find(train_everyday.NAME), weights.folder(train_everyday.NAME)
    labels = load_detector(folder).labels
    assert all(label in entry.does for label in labels)
    assert entry.does.startswith(f"{len(labels)} ")
    assert "person" in labels


@pytest.mark.parametrize(("columns", "model"), [((), evaluate.OBJECTS), (("annotated",), evaluate.EVERYDAY)])
def test_a_file_is_measured_on_the_detector_it_is_made_for(tmp_path, monkeypatch, capsys, columns, model):
    row = {name: value for name, value in photo("one").items() if name != "annotated" or name in columns}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "file.parquet")
    monkeypatch.setattr(evaluate, "measure", lambda name, _: {"model": name})
    monkeypatch.setattr(sys, "argv", ["evaluate", "--data", str(tmp_path / "file.parquet")])
    assert evaluate.main() == 0
    assert json.loads(capsys.readouterr().out) == {"model": model}


def _lender(folder):
    path = folder / "weights" / LENDER
    path.mkdir(exist_ok=True)
    return path


def _as_a_classifier(network):
    """The backbone by DINOv2's names, as a classifier's file has them, with a head."""
    file = {"classifier.weight": torch.zeros(3, 64)}
    for name, tensor in network.model.backbone.backbone.state_dict().items():
        for new, old in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value")):
            name = name.replace(f"attention.{new}.", f"attention.attention.{old}.")
        file["dinov2." + name.replace("attention.o_proj.", "attention.output.dense.")] = tensor.clone()
    return file


def test_a_backbone_is_taken_from_a_classifier(tmp_path):
    source, network = tiny_detector().network, tiny_detector().network
    wanted = {name: torch.randn_like(tensor) for name, tensor in source.model.backbone.backbone.state_dict().items()}
    source.model.backbone.backbone.load_state_dict(wanted)
    save_file(_as_a_classifier(source), tmp_path / "model.safetensors")
    take_backbone(network, tmp_path / "model.safetensors")
    for name, tensor in network.model.backbone.backbone.state_dict().items():
        torch.testing.assert_close(tensor, wanted[name], rtol=1e-4, atol=1e-4)


def _tiny_config(labels, groups):
    config = tiny_detector().network.config
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    config.group_detr = groups
    return config
