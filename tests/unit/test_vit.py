"""The tab's figures, the split, and what the files may hold."""

import base64
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from demos.figures.vit import draw_vit, readable
from models.errors import InputError, WeightsError
from models.vit import data, library
from models.vit.network import image_features
from models.vit.trace import position_similarity, trace_image
from tests.hub.checkpoints import dinov2, vit

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vit")
    vit(folder)
    return folder


def test_attention_packed_for_the_browser_reads_back_within_one_percent_of_the_largest(tiny):
    network = library.load(tiny)
    trace = trace_image(network, IMAGE)
    drawn = draw_vit(trace, network.preprocessing.mean, network.preprocessing.std)
    layers, heads, tokens, _ = trace.attention.shape
    steps = np.frombuffer(base64.b64decode(drawn["attention"]), np.uint8).reshape(layers, heads + 1, tokens, tokens)
    largest = np.frombuffer(base64.b64decode(drawn["largest"]), np.float32).reshape(layers, heads + 1, tokens, 1)
    back = (steps / 255.0) ** 2 * largest
    assert (np.abs(back[:, :heads] - trace.attention) <= 0.01 * largest[:, :heads]).all()
    assert [answer["label"] for answer in drawn["top"]] == [readable(label) for label, _ in trace.top(5)]
    assert len(drawn["lens"]) == layers + 1
    json.dumps({key: value for key, value in drawn.items() if key != "image"})


def test_the_flattened_patch_is_what_the_browser_computes_from_pixels(tiny):
    network = library.load(tiny)
    trace = trace_image(network, IMAGE)
    prepare = network.preprocessing
    for index in (0, 37, 195):
        row, column = divmod(index, trace.grid[1])
        by_hand = (trace.patches[row, column] / 255 - np.array(prepare.mean)) / np.array(prepare.std)
        np.testing.assert_allclose(trace.flattened[index], by_hand.reshape(-1), atol=1e-5)


def test_position_similarity_is_one_with_itself(tiny):
    trace = trace_image(library.load(tiny), IMAGE)
    similar = position_similarity(trace.positions, 5, trace.grid)
    assert similar.reshape(-1)[4] == pytest.approx(1, abs=1e-5)


def test_a_size_that_cannot_be_cut_is_refused(tiny):
    with pytest.raises(InputError, match="multiple of 16"):
        trace_image(library.load(tiny), IMAGE, size=100)


def test_features_do_not_depend_on_the_batch(tmp_path):
    dinov2(tmp_path)
    network = library.load(tmp_path).eval()
    images = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    together = image_features(network, images, size=56)
    alone = np.concatenate([image_features(network, images[i : i + 1], size=56) for i in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert image_features(network, images[:0], size=56).shape == (0, network.shape.width)


@pytest.mark.parametrize("fault", ["missing", "unknown", "shape", "kind"])
def test_files_that_do_not_fit_are_refused(tiny, tmp_path, fault):
    config = json.loads((tiny / "config.json").read_text())
    state = load_file(tiny / "model.safetensors")
    if fault == "missing":
        state.pop("classifier.bias")
    elif fault == "unknown":
        state["evil"] = torch.ones(1)
    elif fault == "shape":
        state["classifier.weight"] = torch.ones(3, 7)
    else:
        config["model_type"] = "resnet"
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError):
        library.load(tmp_path)


def test_the_split_depends_on_names_only_and_keeps_every_photo_once():
    photos = [data.Photo(label, f"{n}.jpg", b"x") for label in "ab" for n in range(50)]
    train, test = data.split(photos, seed=0)
    again, _ = data.split(photos[::-1], seed=0)
    assert {p.key for p in train} == {p.key for p in again}
    assert len(train) == 60
    assert not {p.key for p in train} & {p.key for p in test}
    assert len(train) + len(test) == 100


def test_a_file_of_another_format_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="not a parquet file"):
        data.read_photos(tmp_path / "x.parquet")
