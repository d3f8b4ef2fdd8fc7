"""Windowed attention of Swin against the transformers library: the same answer, and weights that make its sums."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import SwinForImageClassification, ViTImageProcessor

from models.errors import WeightsError
from models.vit import windows
from tests.hub.checkpoints import swin as save_swin

IMAGE = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("swin")
    save_swin(path)
    return path


@pytest.fixture(scope="module")
def trace(folder):
    return windows.trace_windows(windows.load(folder), IMAGE)


def test_the_answer_is_the_librarys_own(folder, trace):
    network = SwinForImageClassification.from_pretrained(folder)
    pixels = ViTImageProcessor.from_pretrained(folder)(Image.fromarray(IMAGE), return_tensors="pt")
    with torch.no_grad():
        expected = network(**pixels).logits[0].softmax(-1)
    np.testing.assert_allclose(trace.probabilities, expected, atol=1e-2)  # the library may resize a pixel otherwise
    exact = windows.load(folder).preprocessing.to_tensor(trace.image).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = network(exact).logits[0].softmax(-1)
    np.testing.assert_allclose(trace.probabilities, expected, atol=1e-5)
    assert trace.labels == ("cat", "dog", "mat")


def test_weights_times_values_are_what_each_block_sums_up(folder, trace):
    """Weights by patch must lead from the library's values to what its output projection reads; both are overheard."""
    swin = windows.load(folder)
    heard = []
    blocks = [block for stage in swin.network.swin.encoder.layers for block in stage.blocks]
    for block in blocks:
        block.attention.v_proj.register_forward_hook(lambda _, __, out: heard.append([out.detach()]))
        block.attention.o_proj.register_forward_hook(lambda _, given, __: heard[-1].append(given[0].detach()))
    windows.trace_windows(swin, IMAGE)
    assert len(heard) == len(trace.blocks) == 5
    for found, (values, sums) in zip(trace.blocks, heard, strict=True):
        places, keys = windows.windows_of(found.grid, found.window, found.shift)
        value, total = (windows.by_patch(part.numpy()[:, None, :, :], places)[0] for part in (values, sums))
        heads = len(found.attention)
        value = value.reshape(len(value), heads, -1)
        seen = np.where(keys[None] >= 0, found.attention, 0)
        mixed = np.einsum("hnk,nkhd->nhd", seen, value[np.maximum(keys, 0)])
        np.testing.assert_allclose(mixed.reshape(total.shape), total, atol=1e-4)
        np.testing.assert_allclose(seen.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("fault", ["missing", "another shape"])
def test_weights_that_do_not_fit_are_refused_and_never_made_up(folder, tmp_path, fault):
    copy = tmp_path / "swin"
    shutil.copytree(folder, copy)
    state = load_file(copy / "model.safetensors")
    name = "classifier.weight"
    if fault == "missing":
        del state[name]
    else:
        state[name] = state[name][:, :-1].contiguous()
    save_file(state, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="do not fit"):
        windows.load(copy)


def test_shifted_windows_are_those_of_the_paper():
    """Four windows of 2 x 2 on 4 x 4 patches, shifted by one: a middle of four, edges of two, corners alone."""
    _, keys = windows.windows_of(4, 2, 1)
    mates = [{int(k) for k in row if k >= 0} for row in keys]
    assert mates[0] == {0}
    assert mates[1] == mates[2] == {1, 2}
    assert mates[4] == mates[8] == {4, 8}
    assert mates[5] == mates[6] == mates[9] == mates[10] == {5, 6, 9, 10}
    assert mates[15] == {15}
    assert [len(m) for m in mates] == [1, 2, 2, 1, 2, 4, 4, 2, 2, 4, 4, 2, 1, 2, 2, 1]
    _, whole = windows.windows_of(4, 2, 0)
    assert sorted(whole[0]) == [0, 1, 4, 5]


def test_a_grid_that_windows_do_not_fill_has_places_without_a_patch():
    places, keys = windows.windows_of(5, 3, 0)
    assert (places >= 0).sum() == 25
    assert sorted(places[places >= 0]) == list(range(25))
    assert {int(k) for k in keys[24] if k >= 0} == {18, 19, 23, 24}


def test_reach_is_the_field_that_gradients_find(folder, trace):
    """No pixel outside of it moves a patch, and its edges do: checked by gradients for some patches of every block."""
    swin = windows.load(folder)
    inner = swin.network.swin
    pixels = swin.preprocessing.to_tensor(trace.image).permute(2, 0, 1)[None].requires_grad_()
    hidden, (grid, _) = inner.embeddings(pixels)
    found = iter(trace.blocks)
    for stage in inner.encoder.layers:
        for block in stage.blocks:
            hidden, _ = block(hidden, (grid, grid))
            reach = next(found).reach
            for patch in (0, grid // 2 * grid + grid // 2, grid * grid - 1):
                (gradient,) = torch.autograd.grad(hidden[0, patch].sum(), pixels, retain_graph=True)
                rows, columns = np.nonzero(gradient[0].abs().sum(0).numpy() > 1e-20)  # masked: exp(-100)
                box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                np.testing.assert_array_equal(reach[patch], box)
        if stage.downsample is not None:
            hidden, grid = stage.downsample(hidden, (grid, grid)), grid // 2


def test_merged_patches_know_what_their_four_knew():
    merged = windows.merged(windows.first_reach(3, 4), 3)
    assert merged.tolist() == [[0, 0, 8, 8], [8, 0, 12, 8], [0, 8, 8, 12], [8, 8, 12, 12]]
