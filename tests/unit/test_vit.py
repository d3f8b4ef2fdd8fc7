"""The tab's figures, the split, and what the files may hold."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from demos.views.vit import picture_of, readable, view_of_answers, view_of_patches
from demos.wire import to_wire
from models.compute import Run
from models.errors import InputError, WeightsError
from models.recipes.vit import data
from models.vision import library
from models.vision.network import image_features
from models.vit.cost import cost_of
from models.vit.trace import VitResult, patch_embedding, position_similarity, trace_image
from tests.handles import array_of
from tests.hub.checkpoints import dinov2, vit

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vit")
    vit(folder)
    return folder


RUN = Run("tiny", "Tiny", 1, "embedded", "cpu", 0.1)


def result_of(network, trace):
    cost = cost_of(network.shape, trace.grid[0], len(network.labels))
    return VitResult(trace, RUN, cost, patch_embedding(network), np.zeros((0, len(network.labels)), np.float32))


def test_what_the_browser_gets_is_the_trace(tiny):
    network = library.load(tiny)
    trace = trace_image(network, IMAGE)
    picture = picture_of(trace)
    answer = to_wire(view_of_answers(trace, picture, "run", (0, 0), title="as it was", before=trace.top(2)))
    patches = to_wire(view_of_patches(result_of(network, trace), picture, "run"))
    assert [one["label"] for one in answer["top"]] == [readable(label) for label, _ in trace.top(5)]
    assert [one["label"] for one in answer["before"]] == [readable(label) for label, _ in trace.top(2)]
    assert len(answer["lens"]) == len(trace.lens)
    assert len(json.dumps([answer, patches])) < 20_000

    filters, bias = array_of(patches["filters"]), array_of(patches["bias"])
    by_hand = trace.flattened @ filters.T.astype(np.float32) + bias
    np.testing.assert_allclose(by_hand, array_of(patches["embeddings"]), atol=2e-3)
    assert np.abs(array_of(patches["positions"]) - trace.positions[1:]).max() <= patches["positions"]["step"] / 2 + 1e-6


@settings(max_examples=30, deadline=None)
@given(side=st.integers(1, 12), height=st.integers(1, 60), width=st.integers(1, 60))
def test_patches_are_the_picture_at_any_size(tiny, side, height, width):
    image = np.random.default_rng(height * 61 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    trace = trace_image(library.load(tiny), image, size=16 * side)
    again = trace.patches.transpose(0, 2, 1, 3, 4).reshape(16 * side, 16 * side, 3)
    assert trace.grid == (side, side)
    assert np.array_equal(again, trace.image)
    np.testing.assert_allclose(trace.attention.sum(-1), 1, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(-100, 2000).filter(lambda size: size % 16 or not 0 < size <= 37 * 16))
def test_sizes_that_cannot_be_cut_are_refused(tiny, size):
    with pytest.raises(InputError, match="multiple of 16"):
        trace_image(library.load(tiny), IMAGE, size=size)


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
