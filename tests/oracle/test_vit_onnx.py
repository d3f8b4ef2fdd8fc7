"""The ONNX file of a classifier of one's own, run by OpenVINO, against the network; and its program as it is kept."""

import subprocess
import sys

import numpy as np
import openvino
import pytest
import torch
from PIL import Image

from demos.vit.own_program import program_of
from models.errors import InputError
from models.vision import library
from models.vision.onnx_file import Graph
from models.vit import own_classes, own_file, own_onnx
from models.vit.own_classes import empty_classifier
from models.vit.own_training import frozen_tokens
from tests.hub.checkpoints import dinov2, vit

IMAGE = np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8)
LABELS = ["cup", "Tasse “groß”", "없음"]
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


@pytest.fixture(scope="module", params=["vit", "dinov2"])
def network(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    (vit if request.param == "vit" else dinov2)(folder)
    return library.load(folder).eval()


def untrained(network, blocks):
    """A classifier of random weights, far from zero."""
    torch.manual_seed(2)
    own = empty_classifier(network, "tiny", LABELS, blocks)
    with torch.no_grad():
        for parameter in own.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return own.eval()


@pytest.mark.parametrize("blocks", [0, 1])
def test_another_program_computes_what_the_network_does(network, tmp_path, blocks):
    own = untrained(network, blocks)
    (tmp_path / "own.onnx").write_bytes(own_onnx.write(own, network))
    run = openvino.compile_model(str(tmp_path / "own.onnx"), "CPU", EXACT)
    square = network.preprocessing.square(IMAGE)
    with torch.inference_mode():
        tokens = network.tokens(network.preprocessing.to_tensor(square)[None])
        for block in network.blocks[: len(network.blocks) - blocks]:
            tokens = block(tokens)
        expected = own.logits(network, tokens)[0].softmax(-1).numpy()
    np.testing.assert_allclose(run(square[None])[0][0], expected, atol=2e-5)
    assert frozen_tokens(network, [IMAGE], blocks).shape == tokens.shape


def test_onnx_itself_finds_nothing_wrong(network):
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(own_onnx.write(untrained(network, 1), network))
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in (*model.graph.input, *model.graph.output)] == ["pixels", "probabilities"]


def test_floats_that_halves_hold_take_half_of_the_room():
    exact, other = np.full(1000, 0.5, np.float32), np.full(1000, 0.1, np.float32)
    sizes = []
    for array in (exact, other):
        graph = Graph("test")
        graph.rename(graph.add("Add", "x", array), "y")
        about = {"x": (np.dtype(np.float32), (1000,))}, {"y": (np.dtype(np.float32), (1000,))}
        sizes.append(len(graph.file(*about, {"note": "ü"})))
    assert 2000 < sizes[0] < 2400 and 4000 < sizes[1] < 4400


def test_the_program_beside_it_names_a_picture(tmp_path):
    backbone = "vit-s14-caltech101"
    network = library_network(backbone)
    own = empty_classifier(network, backbone, LABELS, 0)
    with torch.no_grad():
        own.head.bias.copy_(torch.tensor([0.0, 3.0, 1.0]))
    name = own_classes.OWN.put(own.eval())
    (tmp_path / own_onnx.NAME).write_bytes(own_onnx.onnx_of_own(name))
    (tmp_path / "classify.py").write_text(program_of(LABELS), encoding="utf-8")
    Image.fromarray(IMAGE).save(tmp_path / "picture.png")
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "classify.py", "picture.png"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=120,
    )
    told = [line.split(" ", 1) for line in ran.stdout.splitlines()]
    expected, _ = own_classes.classify(own, IMAGE)
    assert [label for _, label in told] == [LABELS[place] for place in np.argsort(-expected)]
    np.testing.assert_allclose([float(p) for p, _ in told], np.sort(expected)[::-1], atol=5e-3)


def library_network(name):
    from models import runtime

    return runtime.load(name, library.load).network


def test_an_onnx_file_is_never_read(tmp_path):
    (tmp_path / "classes.onnx").write_bytes(b"\x08\x08")
    (tmp_path / "classes.json").write_text("{}")
    for files in (["classes.onnx"], ["classes.onnx", "classes.json"]):
        with pytest.raises(InputError, match=r"Give the two files|not one that this page has saved"):
            own_file.load([tmp_path / file for file in files])
    with pytest.raises(InputError, match="There is no classifier of yours here"):
        own_onnx.onnx_of_own("nobody's")
